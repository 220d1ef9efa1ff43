"""Wildcards of COPY: Go's `filepath.Match`."""

from __future__ import annotations

import pytest

from container_magics.dockerfile import has_wildcard, matches_go_pattern
from container_magics.errors import DockerfileError


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("", "", True),
        ("*", "abc", True),
        ("*", "", True),
        ("*", "a/b", False),
        ("*.go", "app.go", True),
        ("*.go", ".go", True),
        ("*.go", "src/app.go", False),
        ("src/*.go", "src/app.go", True),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c", "a-b-b-c", True),
        ("a?b", "a☺b", True),
        ("a?b", "a/b", False),
        ("a???b", "a☺b", False),
        ("**", "ab", True),
        ("**", "a/b", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("[a-é]*", "ç", True),
        ("[\\]a]", "]", True),
        ("[\\-x]", "-", True),
        ("[x\\-]", "z", False),
        ("[!a]", "!", True),
        ("[!a]", "b", False),
        ("[z-a]", "m", False),
        ("[^z-a]", "m", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a.b", "axb", False),
        ("(a|b)+$", "(a|b)+$", True),
        ("]", "]", True),
        ("{a,b}", "a", False),
        ("a\n*", "a\nb", True),
    ],
)
def test_a_pattern_matches_the_whole_name(pattern: str, name: str, expected: bool) -> None:
    assert matches_go_pattern(pattern, name) is expected


@pytest.mark.parametrize(
    "pattern",
    ["[", "[^", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[^bc", "a[", "[a", "[a-", "[\\", "\\"],
)
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(DockerfileError, match="syntax error in pattern"):
        matches_go_pattern(pattern, "a")


def test_a_plain_path_is_told_from_a_pattern() -> None:
    plain = ("a.b/c", "a\\b", "a\\*", "\\[a]", "a\\", "")
    patterns = ("a*", "a?", "[a]", "\\\\*", "\\[a]*")
    assert [path for path in plain + patterns if has_wildcard(path)] == list(patterns)
