"""The `--mount` flags of RUN, as the Dockerfile reference has them ("RUN --mount")."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import DockerfileError

__all__ = ["RunMount", "check_mount", "mount_origin", "parse_mount"]

_TYPES = ("bind", "cache", "tmpfs", "secret", "ssh")
_SHARING = ("shared", "private", "locked")
_ALIASES = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
_KEYS = (
    "type", "from", "source", "target", "readonly", "readwrite", "id", "sharing", "required",
    "size", "mode", "uid", "gid", "env",
)  # fmt: skip
_ONLY_FOR = {"required": ("secret", "ssh"), "size": ("tmpfs",)}
_WITH_OWNER = ("secret", "ssh", "cache")
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",]*))(,|$)')
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp])?i?b?", re.IGNORECASE)
_UINT32 = 1 << 32


@dataclass(frozen=True, slots=True)
class RunMount:
    """One `--mount`, its variables replaced.

    Attributes:
        type: `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
        origin: `from=`: a stage, a named context or an image; "" for the build context, and for
            a cache that begins empty.
        source: what of the origin to mount; "" for all of it.
        target: the path in the container as written, "" where none is.
        read_only: as written, or the type's default.
        id: of a cache, secret or agent, "" where none is written.
        sharing: of a cache: `shared`, `private` or `locked`.
        required: a secret or agent that is not there fails the step.
        size: bytes that a tmpfs may hold; 0 for no limit of its own.
        env: the variable that holds a secret, or None.
        mode, uid, gid: of a cache's directory, a secret's file, an agent's socket; None for the
            type's default.
    """

    type: str = "bind"
    origin: str = ""
    source: str = ""
    target: str = ""
    read_only: bool = True
    id: str = ""
    sharing: str = "shared"
    required: bool = False
    size: int = 0
    env: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


def mount_origin(text: str) -> str:
    """The `from=` of a mount, in which no variable may stand; "" where there is none."""
    return next((value for key, value in _fields(text) if key == "from" and value), "")


def check_mount(text: str) -> None:
    """Find what is wrong with a mount before its variables are known.

    Raises:
        DockerfileError: as `parse_mount`; one with a variable is checked no further than its form.
    """
    for key, value in _fields(text):
        if key == "from" and re.search(r"\$.", value or ""):
            raise DockerfileError(
                "'from' doesn't support variable expansion, define alias stage instead",
                hint=f"Name it before this stage: FROM {value} AS source, then from=source.",
            )
    if "$" not in text:
        parse_mount(text, str)


def parse_mount(text: str, expand: Callable[[str], str]) -> RunMount:
    """The value of one `--mount`.

    Args:
        text: as written, such as `type=cache,target=/x`.
        expand: replaces the variables of a value.

    Raises:
        DockerfileError: in BuildKit's words: no such option, one that does not go with the type,
            a value that makes no sense, or one that is missing.
    """
    found: dict[str, Any] = {}
    read_only: bool | None = None
    for key, written in _fields(text):
        name = _ALIASES.get(key, key)
        if written is None and name not in ("readonly", "readwrite", "required"):
            raise DockerfileError(f"invalid field '{key}' must be a key=value pair")
        value = expand(written) if written is not None else "true"
        kind = found.get("type", "bind")
        if name not in _KEYS:
            near = difflib.get_close_matches(key, (*_KEYS, *_ALIASES), n=1)
            raise DockerfileError(
                f"unexpected key '{key}' in '{key}={value}'",
                hint=f"Did you mean {near[0]}?" if near else f"Options: {', '.join(_KEYS)}.",
            )
        if kind not in _ONLY_FOR.get(name, (kind,)):
            raise DockerfileError(f"unexpected key '{key}' for mount type '{kind}'")
        if name in ("readonly", "readwrite"):
            read_only = _boolean(key, value) == (name == "readonly")
        elif name == "type":
            found[name] = _one_of(value, _TYPES, "mount type")
        elif name == "sharing":
            found[name] = _one_of(value, _SHARING, "sharing value")
        elif name == "required":
            found[name] = _boolean(key, value)
        elif name == "size":
            found[name] = _size(key, value)
        elif name in ("mode", "uid", "gid"):
            found[name] = _number(name, value)
        else:
            found["origin" if name == "from" else name] = value
    _check(found)
    if read_only is None:
        read_only = found.get("type", "bind") not in ("cache", "tmpfs")
    return RunMount(**found, read_only=read_only)


def _fields(text: str) -> list[tuple[str, str | None]]:
    """Key in lower case and value of each field; None for one without `=` (RFC 4180 quotes)."""
    fields = []
    position, more = 0, ","
    while more:
        match = _FIELD.match(text, position) if text else None
        if match is None:
            raise DockerfileError(
                f"failed to parse csv mounts: {text!r}",
                hint='A field with a comma is quoted as a whole: "source=a,b".',
            )
        field = match[2] if match[1] is None else match[1].replace('""', '"')
        key, equals, value = field.partition("=")
        fields.append((key.lower(), value if equals else None))
        position, more = match.end(), match[3]
    return fields


def _check(found: dict[str, Any]) -> None:
    kind = found.get("type", "bind")
    for name in ("mode", "uid", "gid"):
        if name in found and kind not in _WITH_OWNER:
            raise DockerfileError(f'{name} not allowed for "{kind}" type mounts')
    if kind == "secret":
        if found.get("origin"):
            raise DockerfileError("secret mount should not have a from")
        if "sharing" in found:
            raise DockerfileError("secret mount should not define sharing")
        if not any(found.get(name) for name in ("source", "target", "id")):
            raise DockerfileError("invalid secret mount. one of source, target required")
        if found.get("source") and found.get("id"):
            raise DockerfileError("both source and id can't be set")
    if "sharing" in found and kind != "cache":
        raise DockerfileError(f"invalid cache sharing set for {kind} mount")
    if kind == "ssh" and found.get("source"):
        raise DockerfileError("ssh does not support source")


def _boolean(key: str, value: str) -> bool:
    if value not in _BOOLEANS:
        raise DockerfileError(f"invalid value for {key}: {value}", hint="It is true or false.")
    return _BOOLEANS[value]


def _one_of(value: str, known: tuple[str, ...], what: str) -> str:
    if value.lower() not in known:
        near = difflib.get_close_matches(value.lower(), known, n=1)
        raise DockerfileError(
            f'unsupported {what} "{value}"',
            hint=f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}.",
        )
    return value.lower()


def _number(name: str, value: str) -> int:
    digits = "[0-7]+" if name == "mode" else "[0-9]+"
    number = int(value, 8 if name == "mode" else 10) if re.fullmatch(digits, value) else _UINT32
    if number >= _UINT32:
        raise DockerfileError(
            f"invalid value {value} for {name}",
            hint="It is an octal number, such as 0700." if name == "mode" else "It is a number.",
        )
    return number


def _size(key: str, value: str) -> int:
    match = _SIZE.fullmatch(value)
    if match is None:
        raise DockerfileError(
            f"invalid value for {key}: {value}", hint="Write bytes, or such as 64m or 1g."
        )
    return int(float(match[1]) * 1024 ** " kmgtp".index((match[2] or " ").lower()))
