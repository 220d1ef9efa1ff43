"""An image as every engine tells of it. Sizes are bytes.

Image ──► ImageSummary    its names, digests and size, as a listing shows them
├───────► Layer           lowest first
└───────► HistoryEntry    oldest first
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..reference import is_image_id, parse

__all__ = [
    "HistoryEntry",
    "Image",
    "ImageSummary",
    "Layer",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image: its diff ID (digest of the uncompressed tar) and size in bytes."""

    diff_id: str
    size: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of an image's history, as in the OCI image configuration.

    Attributes:
        created: when, or None where the image does not say.
        created_by: the instruction that made it.
        comment: free text, such as `Imported from -`.
        empty_layer: true where the row made no layer.
        size: bytes of the layer it made; 0 without one.
    """

    created: datetime | None
    created_by: str
    comment: str
    empty_layer: bool
    size: int


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """What a listing shows of an image.

    Attributes:
        id: digest of the image configuration, `sha256:…`.
        names: familiar `repository:tag` names; empty for a dangling image.
        digests: familiar `repository@sha256:…` names, known after a pull or push.
        size: bytes of all layers.
        stand_in_for: the upstream name that a lab image stands in for, or "".
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: datetime | None
    size: int
    labels: Mapping[str, str]
    stand_in_for: str = ""

    def stands_in(self, name: str) -> bool:
        """Whether it does not bear a name by which it was found, and stands in for what does."""
        if not self.stand_in_for or is_image_id(name):
            return False
        familiar = parse(name).with_default_tag().familiar
        return familiar == self.stand_in_for and familiar not in self.names


@dataclass(frozen=True, slots=True)
class Image:
    """An immutable image.

    Attributes:
        summary: what a listing shows of it.
        config: the `config` object of the OCI image configuration: Env, Cmd, Entrypoint …
        layers: lowest first.
        history: oldest first.
    """

    summary: ImageSummary
    architecture: str
    os: str
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]
    history: tuple[HistoryEntry, ...]

    @property
    def id(self) -> str:
        """Digest of the image configuration, `sha256:…`."""
        return self.summary.id

    @property
    def names(self) -> tuple[str, ...]:
        """Familiar `repository:tag` names."""
        return self.summary.names

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return self.summary.size
