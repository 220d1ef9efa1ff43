"""The header stream of a layer: everything of its tar but the files' content.

A layer's identity is the digest of its tar (OCI image-spec, "Layer DiffID"), but keeping the
tar beside the unpacked files would double every image. So its headers and padding are kept as
they were, the content stays in the files, and together they give the same bytes again. (Docker
does the same and calls it tar-split.) The stream is also the layer's index: paths, owners,
modes, whiteouts, whatever the file system underneath could hold of them.

The file is a gzip stream of records, one per archive member and one for the end marker:

    u32 length of raw · raw: the padding after the previous content, then the header blocks

Content lies at the entry's own path in the layer's directory, except for the ordinals in
`displaced` (a member that a later one of the same archive overwrote): JSON after the last record.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import CorruptArchiveError
from .entries import Entry
from .members import HeaderParser
from .tar import BLOCK, padding

__all__ = ["Record", "SplitWriter", "read_entries", "read_split", "reassemble"]

_LENGTH = struct.Struct("<I")
_END = 0xFFFFFFFF
_MAX_STREAM = 1 << 30
_BUFFER = 1 << 17


class Record(NamedTuple):
    """One member: its raw bytes, its entry (None for the end marker), where its content lies."""

    raw: bytes
    entry: Entry | None
    place: str


class SplitWriter:
    """Writes a header stream; use as a context manager, it is complete when left normally."""

    def __init__(self, path: Path) -> None:
        from isal import igzip

        self._file: BinaryIO = igzip.open(path, "wb", compresslevel=1)
        self._size = 0
        self._pending = bytearray()
        self.displaced: dict[int, str] = {}

    def add(self, raw: bytes) -> None:
        """Append the raw bytes of a member, or of the end marker as the last.

        Raises:
            CorruptArchiveError: more than 1 GiB of headers; a reader would have to hold them all.
        """
        self._size += len(raw)
        if self._size > _MAX_STREAM:
            raise CorruptArchiveError(f"a layer with more than {_MAX_STREAM >> 30} GiB of headers")
        self._pending += _LENGTH.pack(len(raw))
        self._pending += raw
        if len(self._pending) > _BUFFER:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._pending)
        self._pending = bytearray()

    def __enter__(self) -> SplitWriter:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._pending += _LENGTH.pack(_END)
                self._pending += json.dumps(self.displaced).encode()
                self._flush()
        finally:
            self._file.close()


def read_split(path: Path) -> Iterator[Record]:
    """Read a header stream back, record by record; not all of it is held.

    Raises:
        CorruptArchiveError: the file is damaged.
    """
    displaced: dict[int, str] = {}
    for _ in _raws(path, displaced):
        pass  # What is displaced stands at the end.
    parser = HeaderParser()
    before = 0
    raws = _raws(path, {})
    raw = next(raws)
    for ordinal, following in enumerate(raws):
        entry = parser.parse(raw[before:])
        before = padding(entry.size)
        yield Record(raw, entry, displaced.get(ordinal, ""))
        raw = following
    yield Record(raw, None, "")


def read_entries(path: Path) -> list[tuple[Entry, str]]:
    """The entries of a header stream and the places of their content, without the raw bytes.

    Raises:
        CorruptArchiveError: the file is damaged.
    """
    displaced: dict[int, str] = {}
    raws = list(_raws(path, displaced))
    parse = HeaderParser().parse
    entries = []
    before = 0
    for ordinal, raw in enumerate(raws[:-1]):
        entry = parse(raw[before:] if before else raw)
        before = -entry.size % BLOCK
        entries.append((entry, displaced.get(ordinal, "")))
    return entries


def _raws(path: Path, displaced: dict[int, str]) -> Iterator[bytes]:
    """The records of a stream; what is displaced is in the dictionary by the end."""
    from isal import igzip, igzip_lib

    damaged: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # a wrong stub
    empty = True
    try:
        with BufferedReader(igzip.open(path, "rb"), _BUFFER) as file:
            while (length := _LENGTH.unpack(file.read(_LENGTH.size))[0]) != _END:
                yield _exactly(file, length)
                empty = False
            found = json.loads(file.read())
        displaced.update({int(key): str(place) for key, place in found.items()})
    except (OSError, EOFError, ValueError, AttributeError, struct.error, damaged) as error:
        raise CorruptArchiveError(f"the header stream {path} cannot be read: {error}") from error
    if empty:
        raise CorruptArchiveError(f"the header stream {path} is empty")


def _exactly(file: BufferedReader, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise EOFError("it is cut off")
    return data


def reassemble(path: Path, content: Callable[[Entry, str], Iterator[bytes]]) -> Iterator[bytes]:
    """The layer's tar again, byte for byte, in chunks.

    Args:
        path: the header stream.
        content: gives the content of a non-empty regular file; its second argument is the
            place of displaced content, or "".
    """
    for raw, entry, place in read_split(path):
        yield raw
        if entry is not None and entry.size:
            yield from content(entry, place)
