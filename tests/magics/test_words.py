"""The word rules: split as a shell does, expanded from the notebook."""

from __future__ import annotations

import shlex
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from container_magics.engines.images import Image, ImageSummary
from container_magics.errors import UnsupportedError, UsageError
from container_magics.magics.words import continue_line, parse

IMAGE_ID = "sha256:" + "ab" * 32
SUMMARY = ImageSummary(IMAGE_ID, ("a:1",), (), datetime.now(timezone.utc), 1, {})
IMAGE = Image(SUMMARY, "amd64", "linux", {}, (), ())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run --rm alpine", ["run", "--rm", "alpine"]),
        ("  run   alpine  ", ["run", "alpine"]),
        ("run 'a b' \"c d\" e\\ f", ["run", "a b", "c d", "e f"]),
        ("run ''", ["run", ""]),
        ('run ""', ["run", ""]),
        ("a'b'\"c\"d", ["abcd"]),
        ("images # the list", ["images"]),
        ("images a#b '#c'", ["images", "a#b", "#c"]),
        (r'"a\"b" "c\d" "e\\f"', ['a"b', r"c\d", r"e\f"]),
        ("run x \\\n  y", ["run", "x", "y"]),
        ("run x \\", ["run", "x"]),
        ("sh -c 'a | b > c && d; e & $(f) `g`'", ["sh", "-c", "a | b > c && d; e & $(f) `g`"]),
        (r"a\|b \$name \{tag}", ["a|b", "$name", "{tag}"]),
        ("echo $1 $? $$ 5$ {} {1}", ["echo", "$1", "$?", "$$", "5$", "{}", "{1}"]),
    ],
)
def test_splits_as_a_shell(line: str, words: list[str]) -> None:
    assert parse(line, {"tag": "no", "name": "no"}) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=0), max_size=5))
def test_quoted_words_come_back(words: list[str]) -> None:
    assert parse(shlex.join(words), {}) == words


@given(st.text(alphabet="ab \t'\"\\\n-=.:/", max_size=20))
def test_agrees_with_shlex_where_nothing_is_expanded(line: str) -> None:
    try:
        expected = shlex.split(line.rstrip("\\").replace("\\\n", ""))
    except ValueError:
        return
    assert parse(line.rstrip("\\").replace("\\\n", ""), {}) == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run {tag}", ["run", "go:1"]),
        ("run x-{tag}-y", ["run", "x-go:1-y"]),
        ('run "{spaced}"', ["run", "a b"]),
        ("run {spaced}", ["run", "a b"]),
        ("run '{tag}'", ["run", "{tag}"]),
        ("images --format '{{.ID}}'", ["images", "--format", "{{.ID}}"]),
        ("images --format {{.ID}}:{{.tag}}", ["images", "--format", "{{.ID}}:{{.tag}}"]),
        ('images --format "{{.ID}} {tag}"', ["images", "--format", "{{.ID}} go:1"]),
        (
            'inspect -f "{{range $k, $v := .X}}{{$k}}{{end}}"',
            ["inspect", "-f", "{{range $k, $v := .X}}{{$k}}{{end}}"],
        ),
        ("rmi {names}", ["rmi", "a", "b c", "3"]),
        ("rmi {nothing}", ["rmi"]),
        ("run $tag ${tag}x", ["run", "go:1", "go:1x"]),
        ('run "$spaced"', ["run", "a b"]),
        ("run $spaced", ["run", "a b"]),
        ("run '$tag'", ["run", "$tag"]),
        ("run {number} {path}", ["run", "3", "/tmp/x"]),
        ("run {image} {summary}", ["run", IMAGE_ID, IMAGE_ID]),
        ("run {images}", ["run", IMAGE_ID, IMAGE_ID]),
    ],
)
def test_expands_from_the_notebook(line: str, words: list[str]) -> None:
    namespace = {
        "tag": "go:1",
        "spaced": "a b",
        "names": ["a", "b c", 3],
        "nothing": [],
        "number": 3,
        "path": Path("/tmp/x"),
        "image": IMAGE,
        "summary": SUMMARY,
        "images": (IMAGE, SUMMARY),
    }
    assert parse(line, namespace) == words


def test_a_value_is_not_expanded_again() -> None:
    assert parse("run {a}", {"a": "$b {b} 'x' | ~"}) == ["run", "$b {b} 'x' | ~"]


def test_the_environment_comes_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CM_WORD", "environment")
    assert parse("$CM_WORD", {}) == ["environment"]
    assert parse("$CM_WORD", {"CM_WORD": "notebook"}) == ["notebook"]


def test_home_and_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("PWD", "/stale")
    monkeypatch.chdir(tmp_path)
    assert parse("~ ~/x '~' \"~\" a~ ~nobodyhere/x", {}) == [
        "/home/me",
        "/home/me/x",
        "~",
        "~",
        "a~",
        "~nobodyhere/x",
    ]
    assert parse("-v $PWD:/w ~/data:/data", {}) == ["-v", f"{tmp_path}:/w", "/home/me/data:/data"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("run $nowhere_at_all", "'nowhere_at_all'"),
        ('run "${nowhere_at_all}"', "'nowhere_at_all'"),
        ("run {nowhere_at_all}", "'nowhere_at_all'"),
        ("run ${tag:-x}", "${tag:-x}"),
        ('run "{names}"', "a list"),
        ("run x{names}", "a list"),
        ("run {mapping}", "'dict'"),
        ("run 'open", "'open"),
        ('run "open', '"open'),
    ],
)
def test_names_what_it_cannot_expand(line: str, named: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line, {"tag": "x", "names": ["a"], "mapping": {}})
    assert named in str(raised.value)


@pytest.mark.parametrize(
    ("line", "operator", "advice"),
    [
        ("export x | docker import - flat:1", "|", "`%docker import x.tar flat:1`"),
        ("save a b | docker load", "|", "`%docker save a b -o x.tar`"),
        ("images | grep x", "|", "x = %docker images"),
        ("run a sh | wc", "|", "r.stdout"),
        ("export x > x.tar", ">", "-o x.tar"),
        ("save x>x.tar", ">", "-o x.tar"),
        ("run a 2> errors", "2>", "r.stderr"),
        ("run a 2>&1", "2>&", "r.stderr"),
        ("load < x.tar", "<", "-i x.tar"),
        ("import - flat:1 < x.tar", "<", "%docker import x.tar"),
        ("run -i a < x", "<", "%%docker"),
        ("stop x && docker rm x", "&&", "line of its own"),
        ("rmi x; images", ";", "line of its own"),
        ("run a &", "&", "-d"),
        ("rmi x || true", "||", "line of its own"),
        ("rmi $(docker images -q)", "$(…)", "{name}"),
        ('run a sh -c "echo $(date)"', "$(…)", "single quotes"),
        ("rmi `docker images -q`", "`…`", "{name}"),
        ("run -v $(pwd):/w a", "$(…)", "$PWD"),
    ],
)
def test_refuses_what_only_a_shell_can_do(line: str, operator: str, advice: str) -> None:
    with pytest.raises(UnsupportedError) as raised:
        parse(line, {})
    assert raised.value.message.startswith(f"{operator}:")
    assert advice in raised.value.hint


def test_a_cell_magic_goes_on_after_a_backslash() -> None:
    assert continue_line("-t x \\", "  . \\\n  -q\nFROM a\n") == ("-t x   .   -q", "FROM a\n")
    assert continue_line("-t x\\\\", "FROM a") == ("-t x\\\\", "FROM a")
