"""`docker cp`: the archive API, which gives and takes tars."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, BinaryIO

from ...containers import PathStatus

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["copy_from", "copy_to", "path_status"]

# Go's file modes: permissions as ever, the kind and the rest in bits of their own.
_KINDS = {
    1 << 31: stat.S_IFDIR,
    1 << 27: stat.S_IFLNK,
    1 << 25: stat.S_IFIFO,
    1 << 24: stat.S_IFSOCK,
    1 << 26 | 1 << 21: stat.S_IFCHR,
    1 << 26: stat.S_IFBLK,
}
_BITS = {1 << 23: stat.S_ISUID, 1 << 22: stat.S_ISGID, 1 << 20: stat.S_ISVTX}


def path_status(engine: Connection, name: str, path: str) -> PathStatus:
    """A file in a container; the last component of its path is not followed."""
    with engine.calling() as api:
        data = api.path_status(name, path)
    return PathStatus(
        name=str(data["name"]),
        size=int(data["size"]),
        mode=_mode(int(data["mode"])),
        link=str(data.get("linkTarget") or ""),
    )


def copy_from(engine: Connection, name: str, path: str, target: BinaryIO) -> None:
    """Write a file or directory as a tar."""
    with engine.calling() as api:
        for chunk in api.copy_tar(name, path):
            target.write(chunk)


def copy_to(engine: Connection, name: str, path: str, source: BinaryIO) -> None:
    """Unpack a tar into a directory.

    The engine gives files the owners that the tar says, whatever is asked: its `copyUIDGID` would
    give them to the container's user, looked up among the users of the engine's machine.
    """
    with engine.calling() as api:
        # Of a tar that nobody reads to its end, the engine's answer may be lost.
        api.path_status(name, path)
        api.put_tar(name, path, source)


def _mode(mode: int) -> int:
    kind = next((kind for bits, kind in _KINDS.items() if mode & bits == bits), stat.S_IFREG)
    return kind | mode & 0o777 | sum(bit for flag, bit in _BITS.items() if mode & flag)
