"""What the store's layers hold, and what a kept container has changed, as `engines.contents`."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from ...errors import InvalidReferenceError, NotFoundError
from ...oci.entries import Entry
from ..contents import Contents, LayerContents, TransferSize
from ..images import Image
from .containers.lifecycle import Containers
from .images.names import find_image
from .snapshots.base import Workspace
from .storage.content import open_below, open_place
from .storage.store import LayerRow, Store

__all__ = ["ContainerLayer", "StoredLayer", "resolve_contents"]

_CHUNK = 1 << 20
_SAMPLES = 32
_SAMPLE = 1 << 17
_HEADER_COMPRESSED = 40  # bytes: what a tar header adds to a gzip stream, as found in real layers


class StoredLayer:
    """A layer of the store."""

    def __init__(self, store: Store, row: LayerRow) -> None:
        self._store = store
        self._row = row
        self.diff_id = row.diff_id
        self.size = row.size

    def records(self) -> Sequence[tuple[Entry, str]]:
        """See `LayerContents.records`."""
        return self._store.entries(self._row)

    def open(self, place: str) -> BinaryIO:
        """See `LayerContents.open`."""
        return open_place(self._store, self._row, place)

    def digest(self, place: str) -> str:
        """See `LayerContents.digest`."""
        return _digest(self.open(place))

    def transfer_size(self) -> TransferSize:
        """See `LayerContents.transfer_size`: measured where the layer was pulled."""
        known = self._store.pulled_size(self._row)
        if known is not None:
            return TransferSize(known, measured=True)
        return _estimate(self.records(), self.open)


class ContainerLayer:
    """The writable layer of a container.

    Args:
        workspace: the container's.
    """

    diff_id = ""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def size(self) -> int:
        """Bytes of the content of its files."""
        return sum(entry.size for entry, _ in self.records())

    def records(self) -> Sequence[tuple[Entry, str]]:
        """See `LayerContents.records`."""
        return [(entry, "") for entry in self._workspace.changes()]

    def open(self, place: str) -> BinaryIO:
        """See `LayerContents.open`."""
        try:
            return open_below(self._workspace.files, place)
        except OSError as error:
            raise NotFoundError(
                f"the container has no file /{place} of its own: {error.strerror or error}"
            ) from error

    def digest(self, place: str) -> str:
        """See `LayerContents.digest`."""
        return _digest(self.open(place))

    def transfer_size(self) -> TransferSize:
        """See `LayerContents.transfer_size`."""
        return _estimate(self.records(), self.open)


def resolve_contents(
    store: Store, containers: Containers, name: str, image: Callable[[str], Image]
) -> Contents:
    """The layers that a name means: an image's, else a container's.

    Args:
        store: holds the layers.
        containers: finds containers.
        name: as typed.
        image: gives the engine's `Image` of a name or ID.

    Raises:
        NotFoundError: neither an image nor a container.
    """
    try:
        found, container, writable = find_image(store, name).id, "", []
    except (NotFoundError, InvalidReferenceError) as no_image:
        try:
            row = containers.find(name)
        except NotFoundError as no_container:
            raise (no_image if "No such" in no_container.message else no_container) from None
        found, container = row.image, row.name
        writable = [ContainerLayer(containers.workspace(row))]
    value = image(found)
    layers: list[LayerContents] = [
        StoredLayer(store, store.require_layer(layer.diff_id)) for layer in value.layers
    ]
    return Contents(value, [*layers, *writable], container)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    with file:
        while data := file.read(_CHUNK):
            digest.update(data)
    return digest.hexdigest()


def _estimate(
    records: Sequence[tuple[Entry, str]], open_file: Callable[[str], BinaryIO]
) -> TransferSize:
    """Compressed bytes, from samples taken at even distances over all of the content."""
    total = sum(entry.size for entry, _ in records)
    read = compressed = 0
    for sample in _samples(records, total, open_file):
        read += len(sample)
        compressed += len(zlib.compress(sample, 6))
    content = round(compressed / read * total) if read else 0
    return TransferSize(content + _HEADER_COMPRESSED * len(records), measured=False)


def _samples(
    records: Sequence[tuple[Entry, str]], total: int, open_file: Callable[[str], BinaryIO]
) -> Iterator[bytes]:
    step = max(_SAMPLE, total // _SAMPLES)
    position = due = 0
    pending = b""
    for entry, place in records:
        end = position + entry.size
        while entry.size and due < end:
            with open_file(place or entry.path) as file:
                file.seek(max(0, due - position), os.SEEK_SET)
                pending += file.read(min(_SAMPLE, end - max(due, position)))
            due += step
            if len(pending) >= _SAMPLE:
                yield pending
                pending = b""
        position = end
    if pending:
        yield pending
