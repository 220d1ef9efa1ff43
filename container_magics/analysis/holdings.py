"""What a registry holds: tags, their sizes, and the layers that several images share.

Sizes are those that a registry stores and a pull moves: compressed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["Blob", "Holding", "Holdings"]


@dataclass(frozen=True, slots=True)
class Blob:
    """A layer or a configuration, by digest; `size` is bytes as stored."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What one tag means.

    Attributes:
        repository: without the registry's host.
        digest: of the manifest or index that the tag names.
        platforms: that there are images for, such as `linux/amd64`; empty for an artifact.
        layers: of all its images, each once.
        configs: their configurations.
        kind: `image`, `index` or `artifact`.
    """

    repository: str
    tag: str
    digest: str
    platforms: tuple[str, ...] = ()
    layers: tuple[Blob, ...] = ()
    configs: tuple[Blob, ...] = ()
    kind: str = "image"

    @property
    def size(self) -> int:
        """Bytes of its layers and configurations."""
        return sum(blob.size for blob in (*self.layers, *self.configs))


@dataclass(frozen=True)
class Holdings:
    """A registry.

    Attributes:
        host: as it stands in names.
        tags: by repository and tag.
        problems: what could not be read or was left out, and why: by host, repository or
            `repository:tag`.
    """

    host: str
    tags: Sequence[Holding]
    problems: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """By digest of a layer, the images (digests) that have it."""
        users: dict[str, dict[str, None]] = defaultdict(dict)
        for holding in self.tags:
            for layer in holding.layers:
                users[layer.digest][holding.digest] = None
        return {digest: tuple(images) for digest, images in users.items()}

    def shared(self, holding: Holding) -> int:
        """Bytes of its layers that another image has as well."""
        return sum(layer.size for layer in holding.layers if len(self.users[layer.digest]) > 1)

    @cached_property
    def shared_layers(self) -> Sequence[tuple[Blob, tuple[str, ...]]]:
        """Layers that several images have, the largest first, and the names that have each."""
        names: dict[Blob, list[str]] = defaultdict(list)
        for holding in self.tags:
            name = f"{holding.repository}:{holding.tag}"
            for layer in holding.layers:
                names[layer].append(name)
        found = [(layer, tuple(who)) for layer, who in names.items()]
        several = [each for each in found if len(self.users[each[0].digest]) > 1]
        return sorted(several, key=lambda each: (-each[0].size * len(each[1]), each[0].digest))

    @property
    def stored(self) -> int:
        """Bytes that it stores for all of them: each blob once, if it shares among repositories."""
        blobs = {blob for holding in self.tags for blob in (*holding.layers, *holding.configs)}
        return sum(blob.size for blob in blobs)

    @property
    def saved(self) -> int:
        """Bytes that sharing saves: what all its images are together, less what is stored."""
        images = {holding.digest: holding.size for holding in self.tags}
        return sum(images.values()) - self.stored
