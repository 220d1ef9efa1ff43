"""What the layers of an image hold, file by file: the same values from every engine.

`Engine.contents` gives them; `analysis` makes sense of them. Nothing is read before it is asked
for, and everything in them comes from an image: untrusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from ..oci.entries import Entry
from .images import Image

__all__ = ["Contents", "LayerContents", "TransferSize"]


class TransferSize(NamedTuple):
    """Bytes that a layer is on the wire, compressed.

    Attributes:
        size: bytes.
        measured: whether it is what a registry said or stored; else it is estimated from a
            compressed sample of the layer.
    """

    size: int
    measured: bool


class LayerContents(Protocol):
    """What one layer holds. A layer never changes, so neither do the answers."""

    @property
    def diff_id(self) -> str:
        """Digest of the uncompressed tar; "" for the writable layer of a container."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the content of its files."""
        ...

    def records(self) -> Sequence[tuple[Entry, str]]:
        """Its entries in the order of its tar, each with the place of its content.

        Whiteouts are entries named as in the tar (OCI image-spec, "Whiteouts"). The place is ""
        for the entry's own path; it is what `oci.tree.Tree.apply` takes.

        Raises:
            CorruptArchiveError, StoreError: the layer is damaged.
        """
        ...

    def open(self, place: str) -> BinaryIO:
        """The content of a regular file by its place (its path, where the place is "").

        Raises:
            NotFoundError: there is no regular file.
            StoreError: its content is gone.
        """
        ...

    def digest(self, place: str) -> str:
        """SHA-256 of the same content, in hex.

        Raises:
            NotFoundError, StoreError: as `open`.
        """
        ...

    def transfer_size(self) -> TransferSize:
        """Bytes to pull or push it."""
        ...


@dataclass(frozen=True, slots=True)
class Contents:
    """The layers of an image, or of a container.

    Attributes:
        image: the image, or the one that the container was made of.
        layers: lowest first, one for each of `image.layers`; a container's writable layer is the
            last.
        container: the container's name, or "" for an image.
    """

    image: Image
    layers: Sequence[LayerContents]
    container: str = ""
