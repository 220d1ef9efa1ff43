"""The bytes of a file in a layer, without following a symlink that an image has put on the way."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ...errors import StoreError
from ...oci.tree import SUPERSEDED, Node
from .store import LayerRow, Store

__all__ = ["open_below", "open_content", "open_place"]

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a FIFO which an attacker has put in a file's place gives an error.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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


def open_below(root: Path, path: str) -> BinaryIO:
    """A regular file at a relative, clean path below a directory; no component may be a symlink.

    Raises:
        OSError: it is missing, is no regular file, or lies behind a symlink.
    """
    *directories, name = path.split("/")
    here = os.open(root, _DIRECTORY)
    try:
        for part in directories:
            _refuse(part, path)
            below = os.open(part, _DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        _refuse(name, path)
        file = os.open(name, _FILE, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"no regular file: {path!r}")
    return os.fdopen(file, "rb", buffering=0)


def _refuse(part: str, path: str) -> None:
    if part in ("", ".", ".."):
        raise OSError(f"not a clean path: {path!r}")
