"""The writable layer of a container: what `docker diff` names, as `docker export` has it."""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from ...errors import NotFoundError
from ...oci.entries import Entry
from ...oci.tree import WHITEOUT
from ..contents import LayerContents, TransferSize
from .archives import copied, exported, is_file, spooled
from .layer_index import Sample

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["WritableLayer"]

_CHUNK = 1 << 18
_DELETED = 2
_ESCAPED = re.compile("[\udc80-\udcff]")


class _Written(NamedTuple):
    records: list[tuple[Entry, str]]
    files: set[str]
    compressed: int


class WritableLayer:
    """The `LayerContents` of a container's writable layer, as it was when first asked for."""

    def __init__(
        self, engine: DockerEngine, container: str, below: Sequence[LayerContents]
    ) -> None:
        self._engine = engine
        self._container = container
        self._below = below
        self._written: _Written | None = None
        self._lock = threading.Lock()

    @property
    def diff_id(self) -> str:
        """See `LayerContents.diff_id`."""
        return ""

    @property
    def size(self) -> int:
        """See `LayerContents.size`."""
        return sum(entry.size for entry, _ in self._read().records)

    def records(self) -> Sequence[tuple[Entry, str]]:
        """See `LayerContents.records`."""
        return self._read().records

    def open(self, place: str) -> BinaryIO:
        """See `LayerContents.open`."""
        return self._content(place)[0]

    def digest(self, place: str) -> str:
        """See `LayerContents.digest`."""
        content, digest = self._content(place)
        content.close()
        return digest.hex()

    def transfer_size(self) -> TransferSize:
        """See `LayerContents.transfer_size`."""
        return TransferSize(self._read().compressed, measured=False)

    def _content(self, place: str) -> tuple[BinaryIO, bytes]:
        if place in self._read().files:
            with copied(self._engine, self._container, place) as member:
                if is_file(member.entry):
                    return spooled(member)
            # The engine may give nothing for a name that is not UTF-8.
            with exported(self._engine, self._container) as members:
                for member in members:
                    if is_file(member.entry) and member.entry.path == place:
                        return spooled(member)
        raise NotFoundError(
            f"no regular file /{place} in the writable layer of container {self._container[:12]}"
        )

    def _read(self) -> _Written:
        with self._lock:
            if self._written is None:
                self._written = self._changes()
            return self._written

    def _changes(self) -> _Written:
        with self._engine.calling() as api:
            changes = api.diff(self._container) or []
        paths = {str(row["Path"]).lstrip("/"): int(row["Kind"]) for row in changes}
        # Whiteouts first: a directory that was deleted and made again is in the export as well.
        records = [
            (_whiteout(self._real(path)), "") for path, kind in paths.items() if kind == _DELETED
        ]
        files = set()
        sample = Sample()
        with exported(self._engine, self._container) as members:
            for member in members if paths else ():
                entry = member.entry
                if entry.mode == -1 or _in_json(entry.path) not in paths:
                    continue
                records.append((entry, ""))
                sample.add(member.raw)
                if is_file(entry):
                    files.add(entry.path)
                    while data := member.read(_CHUNK):
                        sample.add(data)
        return _Written(records, files, sample.estimate())

    def _real(self, path: str) -> str:
        """The path of a deleted file, whose bytes that are not UTF-8 the engine's JSON lost."""
        if "\N{REPLACEMENT CHARACTER}" not in path:
            return path
        names = (entry.path for layer in reversed(self._below) for entry, _ in layer.records())
        return next((name for name in names if _in_json(name) == path), path)


def _in_json(path: str) -> str:
    return _ESCAPED.sub("\N{REPLACEMENT CHARACTER}", path)


def _whiteout(path: str) -> Entry:
    directory, slash, name = path.rpartition("/")
    return Entry(f"{directory}{slash}{WHITEOUT}{name}", stat.S_IFREG)
