"""Several images side by side: layers they share, bytes to pull, and what many versions cost.

A layer is shared where its diff ID is in more than one of the images: registries keep and send it
once (OCI distribution-spec). So does a node, as long as the layers below it are shared as well.

The model of cost: a new version of an image changes the layers above its base, and a node keeps
the layers that versions share once. N versions on M nodes take M x (base + N x own) bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..engines.contents import Contents, TransferSize
from ..engines.images import Image
from .layer_index import LayerIndex
from .surface import Surface, attack_surface

__all__ = [
    "Base",
    "ComparedImage",
    "ComparedLayer",
    "Comparison",
    "compare_contents",
    "find_base",
    "pull_time",
]


@dataclass(frozen=True, slots=True)
class Base:
    """What of an image stays from version to version.

    Attributes:
        name: of the image that these layers are all of; `its lowest layer` where no image has just
            these, "" where the image has one layer or none, and so no base.
        layers: how many.
        size: bytes of them.
    """

    name: str
    layers: int
    size: int


@dataclass(frozen=True, slots=True)
class ComparedLayer:
    """A layer of one of the images.

    Attributes:
        number: from 1, lowest first.
        instruction: what made it.
        diff_id: digest of its tar; "" for a container's writable layer.
        size: bytes of content.
        transfer: bytes to pull.
        shared_with: labels of the other images that have it.
    """

    number: int
    instruction: str
    diff_id: str
    size: int
    transfer: TransferSize
    shared_with: tuple[str, ...]

    @property
    def shared(self) -> bool:
        """Whether another of the images has it."""
        return bool(self.shared_with)


@dataclass(frozen=True, slots=True)
class ComparedImage:
    """One of the images.

    Attributes:
        label: what it is called here.
        index: its files.
        layers: lowest first.
        surface: what an intruder would find.
        base: what stays from version to version.
    """

    label: str
    index: LayerIndex
    layers: tuple[ComparedLayer, ...]
    surface: Surface
    base: Base

    @property
    def id(self) -> str:
        """Digest of its configuration."""
        return self.index.contents.image.id

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(layer.size for layer in self.layers)

    @property
    def shared_size(self) -> int:
        """Bytes of the layers that other images have as well."""
        return sum(layer.size for layer in self.layers if layer.shared)

    @property
    def own_size(self) -> int:
        """Bytes of the layers above the base."""
        return self.size - self.base.size

    @property
    def transfer(self) -> TransferSize:
        """Bytes to pull it where nothing of it is; measured only where every layer is."""
        known = {layer.diff_id or layer.number: layer.transfer for layer in self.layers}
        return TransferSize(
            sum(each.size for each in known.values()),
            all(each.measured for each in known.values()),
        )

    def cost(self, versions: int, nodes: int) -> int:
        """Bytes of so many versions on so many nodes, by the module's model."""
        return nodes * (self.base.size + versions * self.own_size)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Images side by side, in the order given."""

    images: tuple[ComparedImage, ...]

    @property
    def together(self) -> int:
        """Bytes of all the images on one node, shared layers once."""
        return sum(
            {
                layer.diff_id or (image.label, layer.number): layer.size
                for image in self.images
                for layer in image.layers
            }.values()
        )

    @property
    def apart(self) -> int:
        """The same if nothing were shared."""
        return sum(image.size for image in self.images)


def compare_contents(images: Mapping[str, Contents], known: Sequence[Image] = ()) -> Comparison:
    """Compare what engines give.

    Args:
        images: by label, in the order to show them in.
        known: images that may be bases of them.

    Raises:
        CorruptArchiveError, StoreError: a layer is damaged.
    """
    indexes = {label: LayerIndex(contents) for label, contents in images.items()}
    owners: dict[str, list[str]] = {}
    for label, index in indexes.items():
        for diff_id in {layer.diff_id for layer in index.layers if layer.diff_id}:
            owners.setdefault(diff_id, []).append(label)
    transfers: dict[str, TransferSize] = {}
    return Comparison(
        tuple(
            ComparedImage(
                label,
                index,
                _layers(label, index, owners, transfers),
                attack_surface(index),
                find_base(index, known),
            )
            for label, index in indexes.items()
        )
    )


def find_base(index: LayerIndex, known: Sequence[Image]) -> Base:
    """What an image is built on: the largest of the known images that it begins with.

    Args:
        index: of the image.
        known: candidates; those without a name, and those without layers, are none.
    """
    here = [layer.diff_id for layer in index.layers]
    best: Image | None = None
    for image in known:
        layers = [layer.diff_id for layer in image.layers]
        more = len(best.layers) if best is not None else 0
        if image.names and more < len(layers) < len(here) and here[: len(layers)] == layers:
            best = image
    if best is not None:
        stand_in = best.summary.stand_in_for
        name = f"{stand_in} (stand-in)" if stand_in else best.names[0]
        return _base(name, index, len(best.layers))
    return _base("its lowest layer", index, 1) if len(here) > 1 else Base("", 0, 0)


def pull_time(size: int, bandwidth: float) -> float:
    """Seconds that so many bytes take.

    Args:
        size: bytes.
        bandwidth: Mbit/s, of 10^6 bits.
    """
    return size * 8 / (bandwidth * 1e6)


def _base(name: str, index: LayerIndex, count: int) -> Base:
    return Base(name, count, sum(layer.size for layer in index.layers[:count]))


def _layers(
    label: str,
    index: LayerIndex,
    owners: Mapping[str, Sequence[str]],
    transfers: dict[str, TransferSize],
) -> tuple[ComparedLayer, ...]:
    made = []
    for layer, contents in zip(index.layers, index.contents.layers, strict=True):
        transfer = transfers.get(layer.diff_id) if layer.diff_id else None
        if transfer is None:
            transfer = transfers[layer.diff_id] = contents.transfer_size()
        made.append(
            ComparedLayer(
                layer.number,
                layer.instruction,
                layer.diff_id,
                layer.size,
                transfer,
                tuple(other for other in owners.get(layer.diff_id, ()) if other != label),
            )
        )
    return tuple(made)
