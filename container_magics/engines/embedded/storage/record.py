"""From a changed file system to a layer: what a RUN left behind, as entries and header stream."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

from ....oci.entries import Entry
from ....oci.split import SplitWriter
from ....oci.tar import END, header, padding
from ....oci.tree import OPAQUE, WHITEOUT
from .holding import OPAQUE_VALUE, Holding

__all__ = [
    "CAPABILITY",
    "ChunkReader",
    "Content",
    "Readable",
    "archive",
    "changes",
    "entry_of",
    "record",
]

_CHUNK = 1 << 20
CAPABILITY = "security.capability"


def entry_of(path: str, status: os.stat_result, full: str) -> Entry:
    """The entry of a file as the file system has it (hard links are the caller's matter)."""
    kind = stat.S_IFMT(status.st_mode)
    device = kind in (stat.S_IFCHR, stat.S_IFBLK)
    xattrs: dict[str, bytes] = {}
    if kind == stat.S_IFREG and status.st_mode & 0o111:
        with suppress(OSError):
            xattrs[CAPABILITY] = os.getxattr(full, CAPABILITY, follow_symlinks=False)
    return Entry(
        path,
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_size if kind == stat.S_IFREG else 0,
        int(status.st_mtime_ns // 1_000_000_000),
        os.readlink(full) if kind == stat.S_IFLNK else "",
        os.major(status.st_rdev) if device else 0,
        os.minor(status.st_rdev) if device else 0,
        xattrs,
    )


def changes(upper: str, holding: Holding) -> Iterator[Entry]:
    """What an overlayfs upper directory says was added, changed and removed, in tar order.

    Overlayfs' whiteouts become the image-spec's. Sockets are left out, as Docker does.
    """
    links: dict[int, str] = {}
    todo = _names(upper, "")
    while todo:
        path = todo.pop()
        full = f"{upper}/{path}"
        status = os.lstat(full)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFCHR and status.st_rdev == 0:
            directory, slash, name = path.rpartition("/")
            yield Entry(f"{directory}{slash}{WHITEOUT}{name}", stat.S_IFREG)
            continue
        if kind == stat.S_IFSOCK:
            continue
        if kind != stat.S_IFDIR and status.st_nlink > 1:
            first = links.setdefault(status.st_ino, path)
            if first != path:
                whole = entry_of(path, status, full)
                yield whole._replace(mode=status.st_mode & 0o7777, size=0, link=first)
                continue
        yield entry_of(path, status, full)
        if kind == stat.S_IFDIR:
            if _is_opaque(full, holding):
                yield Entry(f"{path}/{OPAQUE}", stat.S_IFREG)
            todo += _names(upper, path)


def _names(upper: str, directory: str) -> list[str]:
    """The paths in a directory, the first last."""
    with os.scandir(f"{upper}/{directory}" if directory else upper) as items:
        names = sorted((item.name for item in items), reverse=True)
    return [f"{directory}/{name}" if directory else name for name in names]


def _is_opaque(full: str, holding: Holding) -> bool:
    try:
        return os.getxattr(full, holding.opaque_xattr, follow_symlinks=False) == OPAQUE_VALUE
    except OSError:
        return False


def record(directory: Path, entries: Iterable[Entry]) -> tuple[str, int]:
    """Write the header stream of a snapshot whose files are in `directory/fs` already.

    Returns:
        The diff ID and the bytes of file content.
    """
    digest = hashlib.sha256()
    total = 0
    before = b""
    with SplitWriter(directory / "split") as split:
        for entry in entries:
            raw = before + header(entry)
            split.add(raw)
            digest.update(raw)
            if entry.size:
                total += entry.size
                _hash_content(directory / "fs" / entry.path, entry.size, digest.update)
            before = bytes(padding(entry.size))
        split.add(before + END)
        digest.update(before + END)
    return f"sha256:{digest.hexdigest()}", total


def _hash_content(path: Path, size: int, update: Callable[[bytes], None]) -> None:
    left = size
    with open(path, "rb", buffering=0, opener=_no_follow) as file:
        while left and (data := file.read(min(left, _CHUNK))):
            update(data)
            left -= len(data)
    if left:
        raise OSError(f"{path} became shorter while it was read")


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


class Readable(Protocol):
    """Something to read content from, such as a `BinaryIO`."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        ...


Content = Callable[[], AbstractContextManager[Readable]]
"""Opens the content of a file when its turn has come."""


def archive(entries: Iterable[tuple[Entry, Content | None]]) -> Iterator[bytes]:
    """A tar of entries and their content, in chunks; content is opened when its turn comes."""
    for entry, opener in entries:
        yield header(entry)
        if entry.size and opener is not None:
            left = entry.size
            with opener() as file:
                while left and (data := file.read(min(left, _CHUNK))):
                    left -= len(data)
                    yield data
            if left:
                raise OSError(f"{entry.path} became shorter while it was read")
            yield bytes(padding(entry.size))
    yield END


class ChunkReader:
    """An iterator of byte chunks as something with `read(n)`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; b"" at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        data = bytes(self._rest[:count])
        self._rest = self._rest[count:]
        return data
