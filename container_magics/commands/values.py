"""Values that the flags of several verbs have: sizes, limits, hosts.

The grammar and the messages are those of docker (`opts`) and of its `go-units`.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Iterable

from ..engines.build_request import Ulimit
from ..errors import UnsupportedError, UsageError

__all__ = ["fields", "host", "hosts", "invalid", "size", "ulimit", "whole"]

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp])?i?b?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_LIMITS = (
    *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"),
    *("rss", "rtprio", "rttime", "sigpending", "stack"),
)
_KNOWN_LIMITS = f"Known: {', '.join(_LIMITS)}."
_GATEWAY = "host-gateway"


def fields(text: str) -> list[str]:
    """The fields of a line of CSV, as Go reads it.

    Raises:
        UsageError: a quote that does not end.
    """
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise UsageError(f"invalid value {text}: {error}") from error
    return rows[0] if rows else []


def ulimit(text: str) -> Ulimit:
    """A `--ulimit`: `NAME=SOFT[:HARD]`; `infinity` and -1 are no limit.

    Raises:
        UsageError: an unknown name, no number, or a soft limit above the hard one.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise invalid("--ulimit", text, f"invalid ulimit argument: {text}")
    if name not in _LIMITS:
        raise invalid("--ulimit", text, f"invalid ulimit type: {name}", _KNOWN_LIMITS)
    limits = value.split(":")
    if len(limits) > 2:
        raise invalid(
            "--ulimit",
            text,
            f"too many limit value arguments - {value}, can only have up to two, `soft[:hard]`",
        )
    soft, hard = _limit(limits[0], text), _limit(limits[-1], text)
    if hard != -1 and (soft == -1 or soft > hard):
        shown = f"soft: -1 (unlimited), hard: {hard}" if soft == -1 else f"{soft} > {hard}"
        raise invalid(
            "--ulimit", text, f"ulimit soft limit must be less than or equal to hard limit: {shown}"
        )
    return Ulimit(name, soft, hard)


def _limit(word: str, text: str) -> int:
    if word == "infinity":
        return -1
    if not _WHOLE.fullmatch(word):
        raise invalid("--ulimit", text, f'strconv.ParseInt: parsing "{word}": invalid syntax')
    return int(word)


def size(text: str, flag: str) -> int:
    """Bytes of a size such as `64m` or `1.5 GiB`; units are powers of 1024.

    Args:
        text: the flag's value.
        flag: such as `--shm-size`, for the message.

    Raises:
        UsageError: it is none.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise invalid(flag, text, f"invalid size: '{text}'", "Write it like 64m or 1g.")
    power = " kmgtp".index((match[2] or " ").lower())
    return int(float(match[1]) * 1024**power)


def host(text: str) -> tuple[str, str]:
    """An `--add-host`: `NAME:IP` or `NAME=IP`; IPv6 may stand in brackets.

    Raises:
        UsageError: no name, or no address.
    """
    name, equals, address = text.partition("=")
    if not equals:
        name, _, address = text.partition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    if not name or not (address == _GATEWAY or _is_address(address)):
        raise UsageError(f"invalid host {text}", hint="Write --add-host NAME:ADDRESS.")
    return name, address


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def hosts(texts: Iterable[str], command: str) -> dict[str, str]:
    """All `--add-host` of a command line.

    Args:
        texts: the flag's values.
        command: such as `docker build`, for the message.

    Raises:
        UsageError: see `host`.
        UnsupportedError: a name with two addresses.
    """
    found: dict[str, str] = {}
    for name, address in map(host, texts):
        if found.setdefault(name, address) != address:
            raise UnsupportedError(
                f"{command} --add-host: {name} has two addresses, {found[name]} and {address}, "
                "which is not available in this version of container-magics",
                hint="Give it one.",
            )
    return found


def invalid(flag: str, text: str, reason: str, hint: str = "") -> UsageError:
    """An error about the value of a flag, as docker's words have it.

    Args:
        flag: as its message names it, such as `--ulimit` or `-m, --memory`.
        text: its value.
        reason: what is wrong with it.
        hint: what to write.
    """
    return UsageError(f'invalid argument "{text}" for "{flag}" flag: {reason}', hint=hint)


def whole(text: str, flag: str) -> int:
    """A whole number; `flag` is as in `invalid`.

    Raises:
        UsageError: it is none.
    """
    if not _WHOLE.fullmatch(text):
        raise invalid(flag, text, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)
