"""Files of contexts and archives, and writing them."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "NOW",
    "OLD",
    "Directory",
    "HardLink",
    "Item",
    "Link",
    "Plain",
    "Special",
    "raw_tar",
    "tar_of",
    "write_context",
]

OLD = 1_000_000_000
"""The mtime of everything in a context, unless it says otherwise: 2001-09-09."""
NOW = 1 << 40
"""In what is expected: the mtime is a time of the build. Where it is None, nothing is said."""


@dataclass(frozen=True)
class Plain:
    """A regular file."""

    content: bytes | str = ""
    mode: int = 0o644
    mtime: int | None = OLD
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Directory:
    """A directory that is empty, or whose mode matters; name it before what is in it."""

    mode: int = 0o755
    mtime: int | None = OLD
    uid: int = 0
    gid: int = 0
    xattrs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """A symlink."""

    target: str
    mtime: int | None = OLD
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class HardLink:
    """A hard link to another path of the same context or archive."""

    target: str


@dataclass(frozen=True)
class Special:
    """A FIFO or a device: `mode` has its type, `device` its numbers."""

    mode: int
    device: tuple[int, int] = (0, 0)
    mtime: int | None = OLD
    uid: int = 0
    gid: int = 0


Item = str | bytes | Plain | Directory | Link | HardLink | Special


def write_context(root: Path, items: Mapping[str, Item], owner: int | None = None) -> None:
    """Make a context's files; times last, since writing into a directory changes its own.

    All is `owner`'s where one is given, so that this user can build from it.
    """
    root.mkdir(parents=True)
    times = {root: OLD}
    for path, given in items.items():
        item = Plain(given) if isinstance(given, (str, bytes)) else given
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        for parent in full.relative_to(root).parents:
            times.setdefault(root / parent, OLD)
        if isinstance(item, HardLink):
            full.hardlink_to(root / item.target)
            continue
        if isinstance(item, Plain):
            content = item.content
            full.write_bytes(content.encode() if isinstance(content, str) else content)
        elif isinstance(item, Directory):
            full.mkdir()
        elif isinstance(item, Link):
            full.symlink_to(item.target)
        else:
            os.mknod(full, item.mode, os.makedev(*item.device))
        os.chown(full, item.uid, item.gid, follow_symlinks=False)
        if not isinstance(item, Link):
            full.chmod(item.mode & 0o7777)
        times[full] = item.mtime or 0
    if owner is not None:
        for path in times:
            os.chown(path, owner, owner, follow_symlinks=False)
    for path, given in items.items():
        # A change of owner takes away these.
        if isinstance(given, (Plain, Directory)):
            (root / path).chmod(given.mode)
            for name, value in given.xattrs.items():
                os.setxattr(root / path, name, value)
    for path, mtime in sorted(times.items(), reverse=True):
        os.utime(path, (mtime, mtime), follow_symlinks=False)


def tar_of(items: Mapping[str, Item], compression: str = "") -> bytes:
    """A tar archive; compression is "", "gz", "bz2" or "xz"."""
    output = io.BytesIO()
    mode = f"w:{compression}"
    with tarfile.open(fileobj=output, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for path, given in items.items():
            item = Plain(given) if isinstance(given, (str, bytes)) else given
            member = tarfile.TarInfo(path)
            member.mtime = OLD
            data = b""
            if isinstance(item, Plain):
                data = item.content.encode() if isinstance(item.content, str) else item.content
                member.size = len(data)
            if isinstance(item, (Plain, Directory)):
                member.mode, member.mtime = item.mode, item.mtime or 0
                member.uid, member.gid = item.uid, item.gid
            if isinstance(item, Directory):
                member.type = tarfile.DIRTYPE
            elif isinstance(item, Link):
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, item.target, 0o777
            elif isinstance(item, HardLink):
                member.type, member.linkname = tarfile.LNKTYPE, item.target
            archive.addfile(member, io.BytesIO(data))
    return output.getvalue()


def raw_tar(*members: tuple[str, Mapping[str, Any], bytes], gnu: bool = False) -> bytes:
    """A tar archive of members as given, however odd: name, fields of `TarInfo`, content."""
    output = io.BytesIO()
    kind = tarfile.GNU_FORMAT if gnu else tarfile.PAX_FORMAT
    with tarfile.open(fileobj=output, mode="w", format=kind) as archive:
        for name, fields, data in members:
            member = tarfile.TarInfo(name)
            member.mtime = OLD
            for field_name, value in fields.items():
                setattr(member, field_name, value)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return output.getvalue()
