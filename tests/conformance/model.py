"""What a case is: a Dockerfile, its context, and what must come of it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "Case",
    "Directory",
    "HardLink",
    "Item",
    "Link",
    "Plain",
    "raw_tar",
    "tar_of",
    "write_context",
]

OLD = 1_000_000_000
"""The mtime of everything in a context, unless it says otherwise: 2001-09-09."""


@dataclass(frozen=True)
class Plain:
    """A regular file; `capability` is the value of its security.capability."""

    content: bytes | str = ""
    mode: int = 0o644
    mtime: int = OLD
    uid: int = 0
    gid: int = 0
    capability: bytes = b""


@dataclass(frozen=True)
class Directory:
    """A directory that is empty, or whose mode matters; name it before what is in it."""

    mode: int = 0o755
    mtime: int = OLD
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Link:
    """A symlink."""

    target: str


@dataclass(frozen=True)
class HardLink:
    """A hard link to another path of the same context or archive."""

    target: str


Item = str | bytes | Plain | Directory | Link | HardLink


@dataclass(frozen=True)
class Case:
    """One Dockerfile, to be built by both engines.

    Attributes:
        name: of the test.
        dockerfile: without `FROM` lines taken for granted.
        context: files by path; a text is a file of mode 0644.
        build_args, target, labels: as in `BuildRequest`.
        before: Dockerfiles that are built and tagged first: tag, text.
        error: name of the exception that both engines must raise, or "".
        words: what the message of both must contain.
        line: of the instruction that fails; 0 where none is named.
        files: what must be in the image, where this Docker cannot build it: path, content.
        differs: differences that `docs/differences.md` explains: beginnings of their lines.
    """

    name: str
    dockerfile: str
    context: Mapping[str, Item] = field(default_factory=dict)
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    target: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    words: str = ""
    line: int = 0
    files: Mapping[str, str] = field(default_factory=dict)
    differs: tuple[str, ...] = ()

    @property
    def only_ours(self) -> bool:
        """Whether Docker's part is an expected tree."""
        return bool(self.files)


def write_context(root: Path, items: Mapping[str, Item]) -> None:
    """Make a context's files; times last, since writing into a directory changes its own."""
    root.mkdir(parents=True)
    times = {root: OLD}
    for path, given in items.items():
        item = Plain(given) if isinstance(given, (str, bytes)) else given
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        for parent in full.relative_to(root).parents:
            times.setdefault(root / parent, OLD)
        if isinstance(item, Plain):
            content = item.content
            full.write_bytes(content.encode() if isinstance(content, str) else content)
            full.chmod(item.mode)
            os.chown(full, item.uid, item.gid)
            if item.capability:
                os.setxattr(full, "security.capability", item.capability)
            times[full] = item.mtime
        elif isinstance(item, Directory):
            full.mkdir()
            full.chmod(item.mode)
            os.chown(full, item.uid, item.gid)
            times[full] = item.mtime
        elif isinstance(item, Link):
            full.symlink_to(item.target)
            times[full] = OLD
        else:
            full.hardlink_to(root / item.target)
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
                member.mode, member.mtime = item.mode, item.mtime
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
