"""Go's `filepath.Match`, which wildcards in COPY and ADD follow.

`*` is any run of characters but `/`, `?` one of them, `[a-z]` and `[^a-z]` a class, and a
backslash takes the next character as it is. The whole name must match.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import DockerfileError

__all__ = ["class_regex", "has_wildcard", "matches_go_pattern"]

_WILDCARD = re.compile(r"[*?\[]")


def matches_go_pattern(pattern: str, name: str) -> bool:
    """Whether the whole name matches.

    Raises:
        DockerfileError: a malformed pattern, such as an unfinished class.
    """
    return bool(_compile(pattern).fullmatch(name))


def has_wildcard(path: str) -> bool:
    """Whether a COPY source is a pattern rather than a plain path; a backslash takes one away."""
    return bool(_WILDCARD.search(re.sub(r"\\.", "", path, flags=re.DOTALL)))


def class_regex(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression for the class whose `[` is at `at`, and where it ends.

    Raises:
        DockerfileError: the class is empty, unfinished, or has a stray `-`.
    """
    at += 1
    negated = pattern.startswith("^", at)
    at += negated
    parts: list[str] = []
    while not (parts and pattern.startswith("]", at)):
        low, at = _class_character(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _class_character(pattern, at + 1)
        if low <= high:
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            parts.append("")
    inside = "".join(parts)
    if not inside:
        return (r"[\s\S]" if negated else r"[^\s\S]"), at + 1
    return f"[{'^' if negated else ''}{inside}]", at + 1


def _class_character(pattern: str, at: int) -> tuple[str, int]:
    escaped = pattern.startswith("\\", at)
    at += escaped
    char = pattern[at : at + 1]
    if not char or (char in "-]" and not escaped) or at + 1 >= len(pattern):
        raise _malformed(pattern)
    return char, at + 1


def _malformed(pattern: str) -> DockerfileError:
    return DockerfileError(f"syntax error in pattern: {pattern}")


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    regex: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "[":
            piece, at = class_regex(pattern, at)
            regex.append(piece)
            continue
        if char == "*":
            regex.append("[^/]*")
        elif char == "?":
            regex.append("[^/]")
        elif char == "\\":
            at += 1
            if at == len(pattern):
                raise _malformed(pattern)
            regex.append(re.escape(pattern[at]))
        else:
            regex.append(re.escape(char))
        at += 1
    return re.compile("".join(regex))
