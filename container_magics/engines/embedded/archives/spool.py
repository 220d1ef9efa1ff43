"""Random access to the members of an archive that may be compressed, or come through a pipe."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ....errors import CorruptArchiveError
from ....oci.compression import compression_of, decompressed
from ....oci.tar import clean_path, read_members

__all__ = ["Spool"]

_CHUNK = 1 << 20
_MAX_MEMBERS = 100_000
_MAX_LINKS = 10


class _Place(NamedTuple):
    offset: int
    size: int


class Spool:
    """The files of a tar, by path; links between members are followed, inside the archive.

    An archive that is a plain file already is read where it lies, any other is written to a
    scratch directory first. For one thread.

    Args:
        source: the archive, from its present position on.
        scratch: a directory for it; the caller removes it after `close`.

    Raises:
        CorruptArchiveError: it is no tar, damaged, or has unsafe paths.
    """

    def __init__(self, source: BinaryIO, scratch: Path) -> None:
        self._own: BinaryIO | None = None
        self._file = source
        if not _is_plain_file(source):
            self._file = self._own = _spooled(source, scratch / "archive")
        self._places: dict[str, _Place] = {}
        self._links: dict[str, str] = {}
        try:
            self._index()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the scratch file back; the source stays the caller's."""
        if self._own is not None:
            self._own.close()

    def _index(self) -> None:
        start = self._file.tell()
        position = start

        def counting(count: int) -> bytes:
            nonlocal position
            data = self._file.read(count)
            position += len(data)
            return data

        for number, member in enumerate(read_members(counting)):
            entry = member.entry
            if entry.mode == -1:
                break
            if number > _MAX_MEMBERS:
                raise CorruptArchiveError(f"an archive of more than {_MAX_MEMBERS} members")
            self._places.pop(entry.path, None)
            self._links.pop(entry.path, None)
            if entry.kind == stat.S_IFREG:
                self._places[entry.path] = _Place(position, entry.size)
            elif entry.kind == stat.S_IFLNK:
                self._links[entry.path] = posixpath.join(posixpath.dirname(entry.path), entry.link)
            elif entry.kind == 0:
                self._links[entry.path] = entry.link

    def __contains__(self, path: str) -> bool:
        return path in self._places or path in self._links

    def open(self, path: str) -> tuple[int, Callable[[int], bytes]]:
        """A file's size in bytes, and a reader of its content; one reader at a time.

        Raises:
            CorruptArchiveError: the archive has no such file.
        """
        place = self._find(path)
        self._file.seek(place.offset)
        left = place.size

        def read(count: int) -> bytes:
            nonlocal left
            data = self._file.read(min(count, left))
            left -= len(data)
            return data

        return place.size, read

    def read(self, path: str, limit: int) -> bytes:
        """A file's content, of at most `limit` bytes.

        Raises:
            CorruptArchiveError: the archive has no such file, or it is larger.
        """
        size, read = self.open(path)
        if size > limit:
            raise CorruptArchiveError(
                f"{path!r} in the archive has {size} bytes, more than {limit}"
            )
        parts = []
        while data := read(_CHUNK):
            parts.append(data)
        return b"".join(parts)

    def _find(self, path: str) -> _Place:
        target = clean_path(path)
        for _ in range(_MAX_LINKS):
            if target in self._places:
                return self._places[target]
            if target not in self._links:
                break
            target = clean_path(self._links[target])
        raise CorruptArchiveError(f"the archive has no file {path[:200]!r}")


def _is_plain_file(source: BinaryIO) -> bool:
    """Whether the source can be read at any place, and is not compressed."""
    if not source.seekable():
        return False
    start = source.tell()
    head = source.read(6)
    source.seek(start)
    return not compression_of(head)


def _spooled(source: BinaryIO, path: Path) -> BinaryIO:
    read = decompressed(source.read)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    try:
        while data := read(_CHUNK):
            file.write(data)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
