"""The `--flags` of instructions: which there are, and how their values read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ..errors import DockerfileError

__all__ = ["check_flags", "last_value", "parse_duration", "values"]

_STRING, _STRINGS, _BOOL = "string", "strings", "bool"

_FLAGS: dict[str, dict[str, str]] = {
    "FROM": {"platform": _STRING},
    "RUN": {"mount": _STRINGS, "network": _STRING, "security": _STRING, "device": _STRINGS},
    "COPY": {
        "from": _STRING,
        "chown": _STRING,
        "chmod": _STRING,
        "link": _BOOL,
        "parents": _BOOL,
        "exclude": _STRINGS,
    },
    "ADD": {
        "chown": _STRING,
        "chmod": _STRING,
        "link": _BOOL,
        "keep-git-dir": _BOOL,
        "checksum": _STRING,
        "unpack": _BOOL,
        "exclude": _STRINGS,
    },
    "HEALTHCHECK": {
        "interval": _STRING,
        "timeout": _STRING,
        "start-period": _STRING,
        "start-interval": _STRING,
        "retries": _STRING,
    },
}

_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}
_UNITS |= {"m": 60 * 10**9, "h": 3600 * 10**9}
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DURATION = re.compile(rf"([+-]?)((?:{_NUMBER}[^0-9.]+)*(?:{_NUMBER})?)")
_PART = re.compile(rf"({_NUMBER})([^0-9.]*)")


def check_flags(keyword: str, words: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """(name, value) of each `--name=value`, in order; booleans as "true" or "false".

    Raises:
        DockerfileError: a flag that the instruction does not have (with the nearest that it
            has), that is given twice, or whose value is missing or wrong.
    """
    known = _FLAGS.get(keyword, {})
    flags: list[tuple[str, str]] = []
    for word in words:
        name, equals, value = word[2:].partition("=")
        kind = known.get(name)
        if kind is None:
            raise DockerfileError(f"unknown flag: --{name}", hint=_nearest_flag(name, known))
        if kind != _STRINGS and any(name == given for given, _ in flags):
            raise DockerfileError(f"duplicate flag specified: --{name}")
        if (equals and not value) if kind == _BOOL else not equals:
            raise DockerfileError(
                f"missing a value on flag: --{name}", hint=f"Write --{name}=VALUE."
            )
        if kind == _BOOL:
            if value.lower() not in ("", "true", "false"):
                raise DockerfileError(f"expecting boolean value for flag --{name}, not: {value}")
            value = value.lower() or "true"
        flags.append((name, value))
    return tuple(flags)


def _nearest_flag(name: str, known: dict[str, str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    if near:
        return f"Did you mean --{near[0]}?"
    if known:
        return f"It has: {', '.join(f'--{flag}' for flag in known)}."
    return "This instruction has no flags; write -- before words that start with --."


def last_value(flags: Sequence[tuple[str, str]], name: str) -> str:
    """The value of a flag, or ""."""
    return next((value for given, value in reversed(flags) if given == name), "")


def values(flags: Sequence[tuple[str, str]], name: str) -> tuple[str, ...]:
    """Every value of a flag that may be given several times."""
    return tuple(value for given, value in flags if given == name)


def parse_duration(name: str, text: str) -> int:
    """Nanoseconds of a duration as Go writes it, such as `1m30s`; 0 for "".

    Raises:
        DockerfileError: no duration, or a positive one under 1 ms.
    """
    if text in ("", "0"):
        return 0
    match = _DURATION.fullmatch(text)
    if not match or not match[2]:
        raise _bad_duration("invalid duration", name, text)
    total = 0
    for number, unit in _PART.findall(match[2]):
        if unit not in _UNITS:
            problem = f'unknown unit "{unit}" in duration' if unit else "missing unit in duration"
            raise _bad_duration(problem, name, text)
        whole, _, fraction = number.partition(".")
        total += int(whole or 0) * _UNITS[unit]
        total += int(fraction or 0) * _UNITS[unit] // 10 ** len(fraction)
    if total and (match[1] == "-" or total < _UNITS["ms"]):
        raise DockerfileError(f'Interval "{name}" cannot be less than 1ms')
    return total


def _bad_duration(problem: str, name: str, text: str) -> DockerfileError:
    return DockerfileError(
        f'time: {problem} "{text}"', hint=f"Write it like --{name}=30s or --{name}=1m30s."
    )
