"""What one layer holds but for the content, in a directory of three files.

split       header stream (`oci.split`): the entries
digests     SHA-256 of each regular file that has content, 32 bytes each, in archive order
facts.json  format, bytes of content, estimate of the bytes compressed, SHA-256 of `digests`
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ...errors import CorruptArchiveError
from ...oci.entries import Entry
from ...oci.members import read_members
from ...oci.split import SplitWriter, read_entries
from ...oci.tree import SUPERSEDED, WHITEOUT
from .archives import is_file, reader

__all__ = ["IndexedFile", "LayerIndex", "Sample", "index_layer", "read_index"]

_FORMAT = 1
_CHUNK = 1 << 18
_DIGEST_BYTES = 32
_EMPTY = hashlib.sha256().digest()
_MAX_WAITING = 32


class IndexedFile(NamedTuple):
    """A regular file of a layer: its path, bytes, and the SHA-256 of its content."""

    path: str
    size: int
    digest: bytes


class LayerIndex:
    """What a layer holds, without the content.

    Args:
        records: entries in archive order, each with the place of its content, "" for its path.
        digests: SHA-256 of each regular file that has content, one behind the other.
        compressed: bytes of the layer's tar, compressed; estimated.

    Attributes:
        records, compressed: the same.
        size: bytes of content.

    Raises:
        CorruptArchiveError: there are more or fewer digests than files.
    """

    def __init__(
        self, records: Sequence[tuple[Entry, str]], digests: bytes, compressed: int
    ) -> None:
        self.records = records
        self.compressed = compressed
        self._digests = digests
        sizes = [entry.size for entry, _ in records if entry.size]
        self.size = sum(sizes)
        if len(sizes) * _DIGEST_BYTES != len(digests):
            raise CorruptArchiveError("a layer's index has another number of files than of digests")

    @cached_property
    def files(self) -> Mapping[str, IndexedFile]:
        """The regular files by the place of their content."""
        files: dict[str, IndexedFile] = {}
        position = 0
        for entry, place in self.records:
            if not is_file(entry):
                continue
            digest = _EMPTY
            if entry.size:
                digest = self._digests[position : position + _DIGEST_BYTES]
                position += _DIGEST_BYTES
            if not entry.path.rpartition("/")[2].startswith(WHITEOUT):
                files[place or entry.path] = IndexedFile(entry.path, entry.size, digest)
        return files


class Sample:
    """Estimates what gzip makes of a stream, by compressing its beginning and pieces of the rest.

    Pieces are spread evenly: 64 KiB of every 4 MiB, after the first 4 MiB.
    """

    _HEAD = 4 << 20
    _PIECE = 64 << 10
    _STRIDE = 4 << 20

    def __init__(self) -> None:
        self._total = 0
        self._head = _Deflated()
        self._rest = _Deflated()

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        view = memoryview(data)
        while view:
            if self._total < self._HEAD:
                part = view[: self._HEAD - self._total]
                self._head.add(part)
            else:
                offset = self._total % self._STRIDE
                sampled = offset < self._PIECE
                part = view[: (self._PIECE if sampled else self._STRIDE) - offset]
                if sampled:
                    self._rest.add(part)
            self._total += len(part)
            view = view[len(part) :]

    def estimate(self) -> int:
        """Bytes of the whole stream, compressed; ends it."""
        size = self._head.finish()
        if self._rest.taken:
            size += (self._total - self._head.taken) * self._rest.finish() // self._rest.taken
        return size


class _Deflated:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(6, wbits=31)
        self._size = 0
        self.taken = 0

    def add(self, data: memoryview) -> None:
        self.taken += len(data)
        self._size += len(self._compressor.compress(data))

    def finish(self) -> int:
        return self._size + len(self._compressor.flush())


def index_layer(read: Callable[[int], bytes], directory: Path) -> tuple[str, LayerIndex]:
    """Write the index of an uncompressed layer into an empty directory, in one pass.

    Returns:
        The layer's diff ID, and the index.

    Raises:
        CorruptArchiveError: the layer is damaged.
        OSError: the directory cannot be written to.
    """
    whole, sample = hashlib.sha256(), Sample()
    entries: list[Entry] = []
    digests = bytearray()
    regular: dict[str, int] = {}

    def digest(data: bytes) -> None:
        whole.update(data)
        sample.add(data)

    with ThreadPoolExecutor(1, "layer-index") as worker:
        waiting: deque[Future[None]] = deque()

        def chunks() -> Iterator[bytes]:
            while data := read(_CHUNK):
                waiting.append(worker.submit(digest, data))
                if len(waiting) > _MAX_WAITING:
                    waiting.popleft().result()
                yield data

        with SplitWriter(directory / "split") as split:
            for ordinal, member in enumerate(read_members(reader(chunks()))):
                split.add(member.raw)
                entry = member.entry
                if entry.mode == -1:
                    break
                entries.append(entry)
                if not is_file(entry):
                    continue
                if (before := regular.get(entry.path)) is not None:
                    split.displaced[before] = f"{SUPERSEDED}{before}"
                regular[entry.path] = ordinal
                if entry.size:
                    content = hashlib.sha256()
                    while data := member.read(_CHUNK):
                        content.update(data)
                    digests += content.digest()
        for future in waiting:
            future.result()
    records = [(entry, split.displaced.get(at, "")) for at, entry in enumerate(entries)]
    index = LayerIndex(records, bytes(digests), sample.estimate())
    facts = {
        "format": _FORMAT,
        "size": index.size,
        "compressed": index.compressed,
        "digests": hashlib.sha256(digests).hexdigest(),
    }
    (directory / "digests").write_bytes(digests)
    (directory / "facts.json").write_text(json.dumps(facts))
    return f"sha256:{whole.hexdigest()}", index


def read_index(directory: Path) -> LayerIndex:
    """Read an index back.

    Raises:
        CorruptArchiveError: it is damaged.
    """
    try:
        facts = json.loads((directory / "facts.json").read_bytes())
        digests = (directory / "digests").read_bytes()
        if facts["format"] != _FORMAT or facts["digests"] != hashlib.sha256(digests).hexdigest():
            raise CorruptArchiveError("of another format, or damaged")
        size, compressed = int(facts["size"]), int(facts["compressed"])
    except (ValueError, LookupError, TypeError, FileNotFoundError, NotADirectoryError) as error:
        raise CorruptArchiveError(f"the index {directory} is damaged: {error}") from error
    index = LayerIndex(read_entries(directory / "split"), digests, compressed)
    if index.size != size:
        raise CorruptArchiveError(f"the index {directory} is damaged: {index.size} bytes")
    return index
