"""`.dockerignore`: which paths of a build context are left out; `--exclude` has the same patterns.

Rules are read as moby's `ignorefile` reads them and match as moby's `patternmatcher` does: the
last rule that matches a path, or a directory above it, decides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import DockerfileError
from .wildcard import class_regex, matches_go_pattern
from .words import SPACES

__all__ = ["IgnoreRules"]

_META = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: re.Pattern[str]
    literal: str  # the pattern up to its first wildcard
    is_literal: bool
    includes: bool


class IgnoreRules:
    """The rules of one `.dockerignore`."""

    def __init__(self, rules: tuple[_Rule, ...] = ()) -> None:
        self._rules = rules
        self._directories: dict[str, tuple[bool, ...]] = {}

    @classmethod
    def parse(cls, text: str) -> IgnoreRules:
        """Read the file's text.

        Raises:
            DockerfileError: a malformed pattern, or a lone `!`; `line` is the file's.
        """
        rules = []
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
            if line.startswith("#") or not (pattern := line.strip(SPACES)):
                continue
            try:
                rules.append(_rule(pattern))
            except DockerfileError as error:
                raise DockerfileError(
                    f".dockerignore line {number}: {error.reason}", text=line
                ) from None
        return cls(tuple(rules))

    @classmethod
    def of(cls, patterns: Iterable[str]) -> IgnoreRules:
        """The rules of patterns that stand alone, as after `--exclude=`.

        Raises:
            DockerfileError: a malformed pattern, or a lone `!`.
        """
        stripped = (pattern.strip(SPACES) for pattern in patterns)
        return cls(tuple(_rule(pattern) for pattern in stripped if pattern))

    def __bool__(self) -> bool:
        return bool(self._rules)

    def excludes(self, path: str) -> bool:
        """Whether a file or directory is left out.

        Args:
            path: relative to the context, parts separated by `/`; the context itself is
                never left out.
        """
        path = _clean(path).lstrip("/")
        if path == "." or not self._rules:
            return False
        return self._decide(self._matched(path))

    def may_include_below(self, directory: str) -> bool:
        """Whether a walk must enter this directory: something in it may not be left out."""
        if not self.excludes(directory):
            return True
        inside = _clean(directory).lstrip("/") + "/"
        return any(
            rule.literal.startswith(inside)
            or (
                inside.startswith(rule.literal + "/")
                if rule.is_literal
                else inside.startswith(rule.literal)
            )
            for rule in self._rules
            if rule.includes
        )

    def _decide(self, matched: tuple[bool, ...]) -> bool:
        excluded = False
        for rule, matches in zip(self._rules, matched, strict=True):
            if matches:
                excluded = not rule.includes
        return excluded

    def _matched(self, path: str) -> tuple[bool, ...]:
        """Per rule, whether it matches the path or a directory above it."""
        parent = posixpath.dirname(path)
        above = (False,) * len(self._rules)
        if parent:
            if parent not in self._directories:
                self._directories[parent] = self._matched(parent)
            above = self._directories[parent]
        return tuple(
            matches or rule.regex.fullmatch(path) is not None
            for rule, matches in zip(self._rules, above, strict=True)
        )


def _clean(path: str) -> str:
    """Go's `filepath.Clean`: as normpath, but `//` at the start is one slash."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _rule(pattern: str) -> _Rule:
    includes = pattern.startswith("!")
    if includes:
        pattern = pattern[1:].strip(SPACES)
        if not pattern:
            raise DockerfileError('illegal exclusion pattern: "!"')
    pattern = _clean(pattern)
    if len(pattern) > 1:
        pattern = pattern.removeprefix("/")
    matches_go_pattern(pattern, ".")  # raises for a malformed pattern
    meta = _META.search(pattern)
    return _Rule(
        regex=re.compile(_regex(pattern)),
        literal=pattern[: meta.start()] if meta else pattern,
        is_literal=meta is None,
        includes=includes,
    )


def _regex(pattern: str) -> str:
    if pattern.startswith("**") and not _META.search(pattern, 2):
        return _suffix(pattern[2:])
    regex: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            at += pattern.startswith("/", at)
            regex.append("(?:.*/)?" if at < len(pattern) else ".*")
        elif char == "*":
            regex.append("[^/]*")
        elif char == "?":
            regex.append("[^/]")
        elif char == "[":
            piece, at = class_regex(pattern, at - 1)
            regex.append(piece)
        elif char == "\\":
            regex.append(re.escape(pattern[at]))
            at += 1
        else:
            regex.append(re.escape(char))
    return "".join(regex)


def _suffix(suffix: str) -> str:
    """`**` at the start and no other wildcard: anything that ends so, `x` for `**/x` included."""
    if suffix.startswith("/"):
        return rf"(?:[\s\S]*/)?{re.escape(suffix[1:])}"
    return rf"[\s\S]*{re.escape(suffix)}"
