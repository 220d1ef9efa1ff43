"""Folders, volumes and memory as `-v`, `--mount` and `--tmpfs` write them.

The grammar and the messages are those of docker (`opts/mount.go`) and of moby (`volume/mounts`).
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ...engines.run_request import Mount, Tmpfs, Volume
from ...errors import UnsupportedError, UsageError
from ..grammar import FALSE, TRUE
from ..values import fields, invalid, size

__all__ = ["Mounted", "mount", "mounted", "tmpfs", "volume"]

Mounted = Mount | Volume | Tmpfs

_OCTAL = re.compile(r"[0-7]{1,5}")
_TMPFS_ANYWAY = ("noexec", "nosuid", "nodev")
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_OPTIONS = {
    **dict.fromkeys(("ro", "rw"), "access"),
    "nocopy": "copy",
    **dict.fromkeys(("z", "Z"), "label"),
    **dict.fromkeys(("private", "rprivate", "slave", "rslave", "shared", "rshared"), "propagation"),
    **dict.fromkeys(("consistent", "cached", "delegated"), "consistency"),
}
_UNAVAILABLE = ("z", "Z", "private", "slave", "rslave", "shared", "rshared")


def mounted(
    volumes: Iterable[str], mounts: Iterable[str], memory: Iterable[str]
) -> tuple[Mounted, ...]:
    """All that a command line mounts; a nameless volume of `-v` makes way for anything else.

    Args:
        volumes: values of `-v`.
        mounts: of `--mount`.
        memory: of `--tmpfs`.

    Raises:
        UsageError: one makes no sense, or two are at one path.
        UnsupportedError: one is not available, with what can be written.
    """
    bound = list(map(volume, volumes))
    nameless = [each for each in bound if isinstance(each, Volume) and not each.name]
    found: list[Mounted] = [each for each in bound if each not in nameless]
    found += map(mount, mounts)
    found += {each.target: each for each in map(tmpfs, memory)}.values()
    targets: set[str] = set()
    for each in found:
        if each.target in targets:
            raise UsageError(f"Duplicate mount point: {each.target}")
        targets.add(each.target)
    free = {each.target: each for each in nameless if each.target not in targets}
    return (*found, *free.values())


# --- -v -----------------------------------------------------------------------------------------


def volume(text: str) -> Mount | Volume:
    """A `-v`: `[SOURCE:]TARGET[:OPTION,…]`.

    The source is a folder where it begins with `/` or `.`, and else a volume's name.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: an option that is not available.
    """
    if not text:
        raise UsageError("invalid empty volume spec")
    source, *rest = text.split(":")
    if "" in (source, *rest):
        raise UsageError(f"invalid spec: {text}: empty section between colons")
    target, options = (rest or [source])[0], rest[1] if len(rest) > 1 else ""
    if len(rest) > 2:
        raise UsageError(f"invalid spec: {text}: too many colons")
    if len(rest) == 1 and _known(target):
        raise UsageError(f"invalid volume specification: '{text}'")
    if not rest:
        source = ""
    chosen = _options(options, text) if options else set()
    folder = source.startswith(("/", "."))
    kind = "bind" if folder else "volume"
    try:
        path = _target(target, kind)
        if folder and "nocopy" in chosen:
            raise _no_mount(kind, "field VolumeOptions must not be specified")
    except UsageError as error:
        raise UsageError(f"invalid volume specification: '{text}': {error.message}") from None
    if folder:
        return Mount(_absolute(source), path, read_only="ro" in chosen)
    return Volume(_name(source), path, read_only="ro" in chosen, copy="nocopy" not in chosen)


def _known(options: str) -> bool:
    return all(option in _OPTIONS for option in options.split(","))


def _options(options: str, text: str) -> set[str]:
    chosen = options.split(",")
    kinds = [_OPTIONS.get(option) for option in chosen]
    if None in kinds or len(set(kinds)) < len(kinds):
        raise UsageError(f"invalid mode: {options}", hint="ro, rw and nocopy are options.")
    for option in chosen:
        if option in _UNAVAILABLE:
            raise UnsupportedError(
                f"docker run -v {text}: the option '{option}' is not available in this version of "
                "container-magics",
                hint="ro, rw and nocopy are.",
            )
    return set(chosen)


def _name(text: str) -> str:
    if not text or _VOLUME_NAME.fullmatch(text):
        return text
    if len(text) == 1 and text.isalnum():
        raise UsageError(
            "volume name is too short, names should be at least two alphanumeric characters"
        )
    raise UsageError(
        f'create {text}: "{text}" includes invalid characters for a local volume name, only '
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use '
        "absolute path",
        hint=f"A folder beside the notebook is written ./{text.lstrip('/')}.",
    )


def _absolute(source: str) -> Path:
    return Path(os.path.abspath(source))  # noqa: PTH100 - resolve() would follow links


def _target(text: str, kind: str) -> str:
    """A path in the container, without what is needless in it."""
    path = posixpath.normpath(text)
    if path.strip("/") == "":
        raise _no_mount(kind, "invalid specification: destination can't be '/'")
    if not path.startswith("/"):
        raise _no_mount(kind, f"invalid mount path: '{text}' mount path must be absolute")
    return "/" + path.lstrip("/")


def _no_mount(kind: str, reason: str, hint: str = "") -> UsageError:
    return UsageError(f'invalid mount config for type "{kind}": {reason}', hint=hint)


# --- --mount ------------------------------------------------------------------------------------


@dataclass
class _Fields:
    """What the fields of a `--mount` say; `options` are those of one type, by that type."""

    kind: str = "volume"
    source: str = ""
    target: str = ""
    read_only: bool = False
    options: dict[str, dict[str, str]] = field(default_factory=dict)


_BARE = ("readonly", "ro", "volume-nocopy", "bind-nonrecursive")
_TYPED = (
    *("bind-propagation", "bind-nonrecursive", "bind-recursive"),
    *("volume-nocopy", "volume-label", "volume-driver", "volume-opt", "volume-subpath"),
    *("image-subpath", "tmpfs-size", "tmpfs-mode"),
)
_HONOURED = ("volume-nocopy", "tmpfs-size", "tmpfs-mode")


def mount(text: str) -> Mounted:
    """A `--mount`: `type=bind|volume|tmpfs,src=SOURCE,dst=TARGET[,readonly][,…]`.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: a type or an option that is not available.
    """
    given = _fields(text)
    if not given.target:
        raise _bad(text, "target is required")
    for kind in given.options:
        if kind != given.kind:
            raise _bad(text, f"cannot mix '{kind}-*' options with mount type '{given.kind}'")
    if given.kind in ("image", "cluster", "npipe"):
        raise UnsupportedError(
            f"docker run --mount type={given.kind} is not available in this version of "
            "container-magics",
            hint="bind, volume and tmpfs are.",
        )
    target = _target(given.target, given.kind)
    if given.kind == "bind":
        return _bind(given, target)
    if given.kind == "tmpfs":
        return _memory(given, target, text)
    if given.kind != "volume":
        raise _no_mount(given.kind, "mount type unknown", "bind, volume and tmpfs are.")
    if given.read_only and not given.source:
        raise _no_mount("volume", "must not set ReadOnly mode when using anonymous volumes")
    skip = _true(given.options.get("volume", {}).get("volume-nocopy", "false"))
    return Volume(_name(given.source), target, given.read_only, copy=not skip)


def _fields(text: str) -> _Fields:
    try:
        words = fields(text)
    except UsageError as error:
        raise _bad(text, error.message) from None
    if not words:
        raise _bad(text, "EOF")
    given = _Fields()
    for word in words:
        key, equals, value = word.partition("=")
        if not equals and key not in _BARE:
            raise _bad(text, f"invalid field '{word}' must be a key=value pair")
        value = value if equals else "true"
        if key in _BARE and value not in TRUE | FALSE:
            raise _bad(text, f"invalid value for {key}: {value}")
        match key:
            case "type":
                given.kind = value.lower()
            case "source" | "src":
                given.source = value
            case "target" | "dst" | "destination":
                given.target = value
            case "readonly" | "ro":
                given.read_only = _true(value)
            case "consistency":
                pass
            case _ if key in _TYPED:
                _check_available(key, value, text)
                given.options.setdefault(key.partition("-")[0], {})[key] = value
            case _:
                raise _bad(text, f"unexpected key '{key}' in '{word}'")
    return given


def _true(value: str) -> bool:
    return value in TRUE


def _check_available(key: str, value: str, text: str) -> None:
    usual = key == "bind-propagation" and value.lower() == "rprivate"
    usual = usual or (key == "volume-driver" and value == "local")
    usual = usual or (key == "bind-nonrecursive" and not _true(value))
    usual = usual or (key == "bind-recursive" and value in ("enabled", "writable"))
    if key not in _HONOURED and not usual:
        raise UnsupportedError(
            f"docker run --mount {text}: {key}={value} is not available in this version of "
            "container-magics",
            hint="volume-nocopy, tmpfs-size and tmpfs-mode are.",
        )


def _bind(given: _Fields, target: str) -> Mount:
    if not given.source:
        raise _no_mount("bind", "field Source must not be empty")
    if not given.source.startswith(("/", "./")) and given.source != ".":
        raise _no_mount(
            "bind",
            f"invalid mount path: '{given.source}' mount path must be absolute",
            f"A folder beside the notebook is written ./{given.source}.",
        )
    return Mount(_absolute(given.source), target, given.read_only, create=False)


def _memory(given: _Fields, target: str, text: str) -> Tmpfs:
    if given.source:
        raise _no_mount("tmpfs", "field Source must not be specified")
    options = given.options.get("tmpfs", {})
    most, mode = options.get("tmpfs-size", "0"), options.get("tmpfs-mode", "1777")
    if not _OCTAL.fullmatch(mode):
        raise _bad(text, f"invalid value for tmpfs-mode: {mode}")
    try:
        return Tmpfs(target, size(most, "--mount"), int(mode, 8), given.read_only)
    except UsageError:
        raise _bad(text, f"invalid value for tmpfs-size: {most}") from None


def _bad(text: str, reason: str) -> UsageError:
    return invalid("--mount", text, reason, "Write --mount type=bind,src=./data,dst=/data.")


# --- --tmpfs ------------------------------------------------------------------------------------


def tmpfs(text: str) -> Tmpfs:
    """A `--tmpfs`: `TARGET[:OPTION,…]`; the options are size=, mode=, ro and rw.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: an option that is not available.
    """
    path, _, options = text.partition(":")
    target = _target(path, "tmpfs")
    given = {"size": "0", "mode": "1777"}
    read_only = False
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if equals and key in given:
            given[key] = value
        elif option in ("ro", "rw"):
            read_only = option == "ro"
        elif option not in _TMPFS_ANYWAY:
            raise UnsupportedError(
                f"docker run --tmpfs {text}: the option '{option}' is not available in this "
                "version of container-magics",
                hint="size=, mode=, ro and rw are.",
            )
    if not _OCTAL.fullmatch(given["mode"]):
        raise invalid("--tmpfs", text, f"invalid mode: {given['mode']}", "Write it like 1777.")
    return Tmpfs(target, size(given["size"], "--tmpfs"), int(given["mode"], 8), read_only)
