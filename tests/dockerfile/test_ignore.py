"""`.dockerignore`. The expectations were also seen from a dockerd's BuildKit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_magics.dockerfile import IgnoreRules
from container_magics.errors import DockerfileError

FILES = (
    "a", "b", "a.md", "README.md", "README-secret.md", "x*y", "xzy", "x y", "[ab]", "ü",
    "d/a", "d/b.md", "d/foo", "d/e/a", "d/e/b", "d/e/f/a", "dfoo/bar", "foo/bar", "foo/baz",
)  # fmt: skip


def excluded(rules: str) -> set[str]:
    parsed = IgnoreRules.parse(rules)
    return {path for path in FILES if parsed.excludes(path)}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", set()),
        ("# a\n\n  \n", set()),
        ("a", {"a"}),
        ("  a  \r\nb\r\n", {"a", "b"}),
        ("\ufeffa", {"a"}),
        ("/a", {"a"}),
        ("./a", {"a"}),
        ("./d/../a", {"a"}),
        ("*/a", {"d/a"}),
        ("**/a", {"a", "d/a", "d/e/a", "d/e/f/a"}),
        ("**a", {"a", "d/a", "d/e/a", "d/e/f/a"}),
        ("**/e/a", {"d/e/a"}),
        ("d/**/a", {"d/a", "d/e/a", "d/e/f/a"}),
        ("d/*/a", {"d/e/a"}),
        ("d/e", {"d/e/a", "d/e/b", "d/e/f/a"}),
        ("/d/e/", {"d/e/a", "d/e/b", "d/e/f/a"}),
        ("d/e/**", {"d/e/a", "d/e/b", "d/e/f/a"}),
        ("d**", {"d/a", "d/b.md", "d/foo", "d/e/a", "d/e/b", "d/e/f/a", "dfoo/bar"}),
        ("foo", {"foo/bar", "foo/baz"}),
        ("**/foo", {"foo/bar", "foo/baz", "d/foo"}),
        ("**foo", {"foo/bar", "foo/baz", "d/foo", "dfoo/bar"}),
        ("foo*/bar", {"foo/bar"}),
        ("*.md", {"a.md", "README.md", "README-secret.md"}),
        ("**/*.md", {"a.md", "README.md", "README-secret.md", "d/b.md"}),
        ("*.md\n!README.md", {"a.md", "README-secret.md"}),
        ("*.md\n!README*.md\nREADME-secret.md", {"a.md", "README-secret.md"}),
        ("*.md\nREADME-secret.md\n!README*.md", {"a.md"}),
        ("?", {"a", "b", "ü", *(path for path in FILES if path.startswith("d/"))}),
        ("[a-c]", {"a", "b"}),
        ("x\\*y", {"x*y"}),
        ("x*y", {"x*y", "xzy", "x y"}),
        ("\\[ab]", {"[ab]"}),
        ("x y", {"x y"}),
        ("!a", set()),
        ("a\n! a", set()),
        ("foo/bar\n!foo", set()),
        ("foo\n!foo/bar", {"foo/baz"}),
        ("d/e\n!d/e/f\nd/e/f/a", {"d/e/a", "d/e/b", "d/e/f/a"}),
        ("d/e\n!d/e/f", {"d/e/a", "d/e/b"}),
        ("*\n!README.md", set(FILES) - {"README.md"}),
        ("*\n!d/e", set(FILES) - {"d/e/a", "d/e/b", "d/e/f/a"}),
        ("**", set(FILES)),
        ("**/", set(FILES)),
        ("**/**", set(FILES)),
        ("*", set(FILES)),
        (".", set()),
        ("..", set()),
        ("../a", set()),
        ("/", set()),
    ],
)
def test_the_last_rule_that_matches_decides(rules: str, expected: set[str]) -> None:
    assert excluded(rules) == expected


def test_a_comment_starts_in_the_first_column() -> None:
    parsed = IgnoreRules.parse("#a\n #b")
    assert not parsed.excludes("#a")
    assert parsed.excludes("#b")


def test_the_context_itself_is_never_excluded() -> None:
    assert not IgnoreRules.parse("**").excludes(".")
    assert not IgnoreRules.parse("**").excludes("")


def test_no_rules_are_false() -> None:
    assert not IgnoreRules.parse("# nothing")
    assert IgnoreRules.parse("a")


@pytest.mark.parametrize("rules", ["!", "! ", "[", "a/\\", "[]a]"])
def test_a_malformed_rule_is_refused_with_its_line(rules: str) -> None:
    with pytest.raises(DockerfileError, match=r"\.dockerignore line 2: "):
        IgnoreRules.parse(f"a\n{rules}\n")


def test_a_walk_prunes_what_no_exception_reaches() -> None:
    rules = IgnoreRules.parse("node_modules\nd\n!d/e/f\n!docs*/x")
    assert not rules.may_include_below("node_modules")
    assert rules.may_include_below("d")
    assert rules.may_include_below("d/e")
    assert not rules.may_include_below("d/x")
    assert rules.may_include_below("d/e/f/g")
    assert rules.may_include_below("src")


RULE = st.lists(
    st.sampled_from(["a", "b", "d", "e", "f", "foo", "*", "**", "?", "/", "/", ".md", "[ab]"]),
    min_size=1,
    max_size=5,
).map("".join)


@given(st.lists(st.tuples(st.sampled_from(["", "", "!"]), RULE), max_size=4))
def test_a_pruned_walk_finds_all_that_is_included(rules: list[tuple[str, str]]) -> None:
    parsed = IgnoreRules.parse("\n".join(f"{mark}{rule}" for mark, rule in rules))
    pruned = {
        directory
        for path in FILES
        for directory in ("/".join(path.split("/")[:depth]) for depth in (1, 2, 3))
        if directory != path and not parsed.may_include_below(directory)
    }
    for path in FILES:
        if any(path.startswith(f"{directory}/") for directory in pruned):
            assert parsed.excludes(path)


def test_rules_do_not_depend_on_the_order_of_questions(tmp_path: Path) -> None:
    for path in FILES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    rules = "d/e\n!**/f\n*.md"
    walked = IgnoreRules.parse(rules)
    seen = set()
    for root, _, names in os.walk(tmp_path, topdown=False):
        for name in names:
            path = (Path(root) / name).relative_to(tmp_path).as_posix()
            if walked.excludes(path):
                seen.add(path)
    assert (
        seen
        == excluded(rules)
        == {path for path in FILES if IgnoreRules.parse(rules).excludes(path)}
    )
