"""Random access to the members of an archive that may be compressed, or come through a pipe."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ....errors import CorruptArchiveError, StoreError
from ....oci.compression import compression_of, decompressed
from ....oci.entries import clean_path
from ....oci.members import read_members
from ..storage.database import FREE_SPACE

__all__ = ["Spool"]

_CHUNK = 1 << 20
_MAX_MEMBERS = 100_000
_MAX_LINKS = 10
_MAX_DOCUMENTS = 64 << 20


class _Place(NamedTuple):
    offset: int
    size: int


class Spool:
    """The files of a tar, by path; links between members are followed, inside the archive.

    An archive that is a plain file already is read where it lies, any other is written to a
    scratch directory while it is looked through: no further than it makes sense, and no more than
    the disk has room for. For one thread.

    Args:
        source: the archive, from its present position on.
        scratch: a directory for it; the caller removes it after `close`.

    Raises:
        CorruptArchiveError: it is no tar, damaged, or has unsafe paths.
        StoreError: the disk is full, or would be.
    """

    def __init__(self, source: BinaryIO, scratch: Path) -> None:
        self._copy: _Copy | None = None
        self._file = source
        if not _is_plain_file(source):
            self._copy = _Copy(source, scratch / "archive")
            self._file = self._copy.file
        self._places: dict[str, _Place] = {}
        self._links: dict[str, str] = {}
        self._documents = 0
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
        if self._copy is not None:
            self._copy.file.close()

    def _index(self) -> None:
        read = self._copy.read if self._copy else self._file.read
        position = 0 if self._copy else self._file.tell()

        def counting(count: int) -> bytes:
            nonlocal position
            data = read(count)
            position += len(data)
            return data

        for number, member in enumerate(read_members(counting)):
            entry = member.entry
            if entry.mode == -1:
                break
            if number > _MAX_MEMBERS:
                raise CorruptArchiveError(f"an archive of more than {_MAX_MEMBERS} members")
            if self._copy:
                self._copy.require(entry.size)
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
        """A document's content, of at most `limit` bytes.

        Raises:
            CorruptArchiveError: the archive has no such file, it is larger, or all documents that
                were read so far are.
        """
        size, read = self.open(path)
        if size > limit:
            raise CorruptArchiveError(
                f"{path[:200]!r} in the archive has {size} bytes, more than {limit}"
            )
        self._documents += size
        if self._documents > _MAX_DOCUMENTS:
            raise CorruptArchiveError(
                f"the manifests and configurations of the archive's images have more than "
                f"{_MAX_DOCUMENTS >> 20} MiB"
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


class _Copy:
    """A scratch file that is written while a source, decompressed, is read."""

    def __init__(self, source: BinaryIO, path: Path) -> None:
        self._source = decompressed(source.read)
        self._path = path
        self._chunk = memoryview(b"")
        self.file = os.fdopen(
            os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b", buffering=0
        )

    def require(self, size: int) -> None:
        """Refuse what comes next, of so many bytes, where the disk lacks the room."""
        free = shutil.disk_usage(self._path.parent).free
        if size > len(self._chunk) + free:
            raise StoreError(
                f"the archive does not fit in {self._path.parent}: a file of {size} bytes is in "
                f"it, and {free} are free",
                hint=FREE_SPACE,
            )

    def read(self, count: int) -> bytes:
        if not self._chunk:
            self._chunk = memoryview(self._source(_CHUNK))
            self._write(self._chunk)
        data = bytes(self._chunk[:count])
        self._chunk = self._chunk[len(data) :]
        return data

    def _write(self, data: memoryview) -> None:
        try:
            while data:
                data = data[self.file.write(data) :]
        except OSError as error:
            raise StoreError(
                f"the archive could not be stored in {self._path.parent}: "
                f"{error.strerror or error}",
                hint=FREE_SPACE,
            ) from error
