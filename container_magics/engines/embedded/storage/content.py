"""The bytes of a layer and its files, without following a symlink that an image has put there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ....errors import StoreError
from ....oci.entries import Entry
from ....oci.split import read_split, reassemble
from ....oci.tree import SUPERSEDED, Node
from ..sandbox.launcher.inroot import open_file_below
from . import deputy
from .store import LayerRow, Store

__all__ = ["layer_tar", "layer_tar_size", "open_below", "open_content", "open_place"]

_CHUNK = 1 << 20


def open_content(store: Store, node: Node) -> BinaryIO:
    """A regular file of a merged tree, for reading; the caller closes it.

    Raises:
        StoreError: the store lacks it, or has something else there.
        ValueError: the node's layer is none of the store's.
    """
    if not isinstance(node.layer, LayerRow):
        raise ValueError(f"{node.place!r} lies in no layer")  # noqa: TRY004 - a wrong value, not API
    return open_place(store, node.layer, node.place)


def open_place(store: Store, layer: LayerRow, place: str) -> BinaryIO:
    """The same by the place of the content in a layer (see `oci.split.Record.place`).

    Raises:
        StoreError: the store lacks it, or has something else there.
    """
    directory = store.directory(layer)
    try:
        if place.startswith(SUPERSEDED):
            return open_below(directory / "extra", place[len(SUPERSEDED) :])
        return open_below(directory / "fs", place)
    except OSError as error:
        raise StoreError(
            f"the store lacks /{place} of layer {layer.diff_id}: {error.strerror or error}",
            hint="Remove its image with `%docker rmi -f` and build or pull it again.",
        ) from error


def layer_tar_size(store: Store, layer: LayerRow) -> int:
    """Bytes of a layer's tar.

    Raises:
        StoreError: the store lacks its files.
    """
    store.check_files([layer])
    records = read_split(store.directory(layer) / "split")
    return sum(len(raw) + (entry.size if entry else 0) for raw, entry, _ in records)


def layer_tar(store: Store, layer: LayerRow) -> Iterator[bytes]:
    """A layer's tar in chunks, byte for byte as it came.

    Raises:
        StoreError: its files are not what they were; the last chunk has been given by then.
    """

    def content(entry: Entry, place: str) -> Iterator[bytes]:
        left = entry.size
        with open_place(store, layer, place or entry.path) as file:
            while left and (data := file.read(min(left, _CHUNK))):
                left -= len(data)
                yield data
        if left:
            raise _changed(layer, f"/{entry.path} is shorter than it was")

    store.check_files([layer])
    digest = hashlib.sha256()
    for chunk in reassemble(store.directory(layer) / "split", content):
        digest.update(chunk)
        yield chunk
    if f"sha256:{digest.hexdigest()}" != layer.diff_id:
        raise _changed(layer, "its files have other content than they had")


def _changed(layer: LayerRow, what: str) -> StoreError:
    return StoreError(
        f"layer {layer.diff_id} of the store was changed: {what}",
        hint="Remove its image with `%docker rmi -f` and build or pull it again.",
    )


def open_below(root: Path, path: str) -> BinaryIO:
    """A regular file at a relative, clean path below a directory; no component may be a symlink.

    Raises:
        OSError: it is missing, is no regular file, or lies behind a symlink.
    """
    try:
        file = open_file_below(os.fspath(root), path)
    except PermissionError:  # A sub-UID's, perhaps.
        if not deputy.is_possible():
            raise
        file = deputy.open_file(root, path)
    return os.fdopen(file, "rb", buffering=0)
