"""Layers on their way out: compressed once, into files, since their sizes are written first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .....oci.compressor import compressed
from .....oci.models import OCI_LAYER_GZIP, OCI_LAYER_ZSTD, Descriptor
from ...archives.image_files import Blob, LayerBlob, plain_layer
from ...storage.content import layer_tar
from ...storage.store import LayerRow, Store
from .attributes import Compression

__all__ = ["packed_layer"]

_TYPES = {"gzip": OCI_LAYER_GZIP, "zstd": OCI_LAYER_ZSTD}
_CHUNK = 1 << 20


def packed_layer(
    store: Store,
    layer: LayerRow,
    compression: Compression,
    path: Path,
    while_wanted: Callable[[Iterable[bytes]], Iterator[bytes]],
) -> LayerBlob:
    """A layer, compressed into a new file; an uncompressed one needs none.

    Args:
        store: has the layer.
        layer: which.
        compression: how.
        path: the file to make.
        while_wanted: passes chunks on until the work is cancelled.

    Raises:
        StoreError: the layer was changed.
        OSError: the disk is full.
    """
    if not compression.kind:
        return plain_layer(store, layer)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        chunks = while_wanted(layer_tar(store, layer))
        for chunk in compressed(chunks, compression.kind, compression.level):
            digest.update(chunk)
            size += file.write(chunk)
    name = f"sha256:{digest.hexdigest()}"
    return LayerBlob(
        Descriptor(_TYPES[compression.kind], name, size), Blob(size, lambda: _read(path))
    )


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data
