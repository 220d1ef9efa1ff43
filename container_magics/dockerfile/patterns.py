"""The glob patterns inside `${x#p}`, `${x%p}` and `${x/p/r}`: `*`, `?`, backslash.

`*` and `?` match any character except a newline; slashes are nothing special.
"""

from __future__ import annotations

import re

from ..errors import DockerfileError

__all__ = ["remove_prefix", "remove_suffix", "replace"]


def remove_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """`value` without the shortest or longest start that matches.

    Raises:
        DockerfileError: a backslash before something else than `*`, `?`, `}`, `/` or another.
    """
    match = _compile(pattern, longest=longest).match(value)
    return value[match.end() :] if match else value


def remove_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """`value` without the shortest or longest end that matches.

    Raises:
        DockerfileError: as `remove_prefix`.
    """
    compiled = _compile(pattern, longest=longest)
    starts = range(len(value) + 1)
    for start in starts if longest else reversed(starts):
        if compiled.fullmatch(value, start):
            return value[:start]
    return value


def replace(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """`value` with the first, or every, longest match replaced by the plain `replacement`.

    Raises:
        DockerfileError: as `remove_prefix`.
    """
    pieces: list[str] = []
    done = 0
    for match in _compile(pattern, longest=True).finditer(value):
        if pieces and match.start() == match.end() == done:
            continue  # Go, unlike Python, sees no empty match right behind another match
        pieces += [value[done : match.start()], replacement]
        done = match.end()
        if not everywhere:
            break
    return "".join(pieces) + value[done:]


def _compile(pattern: str, *, longest: bool) -> re.Pattern[str]:
    regex: list[str] = []
    characters = iter(pattern)
    for char in characters:
        if char == "*":
            regex.append(".*" if longest else ".*?")
        elif char == "?":
            regex.append(".")
        elif char == "\\":
            escaped = next(characters, "")
            if not escaped or escaped not in "*?\\}/":
                raise DockerfileError(
                    f"invalid pattern ({pattern}) in substitution: invalid escape '\\{escaped}'"
                )
            regex.append(re.escape(escaped))
        else:
            regex.append(re.escape(char))
    return re.compile("".join(regex))
