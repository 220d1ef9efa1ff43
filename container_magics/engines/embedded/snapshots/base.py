"""A root file system to work in: layers below, changes on top, and a new layer at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ....oci.entries import Entry
from ..storage.epoch import Epoch
from ..storage.store import LayerRow

__all__ = ["Snapshotter", "Workspace"]


class Workspace(Protocol):
    """One root file system, made from layers, that a container may change.

    Attributes:
        root: how the launcher shall mount it: `Spec.root`.
        files: the directory in which the content of changed files lies, at `Entry.path`.
        records: where a container's listener shall write what it records (`Spec.records`).
    """

    root: Mapping[str, Any]
    files: Path
    records: Path

    def changes(self) -> Iterator[Entry]:
        """What is different from the layers below, in tar order, whiteouts included."""
        ...

    def commit(self, epoch: Epoch | None = None) -> LayerRow:
        """Make the changes a layer of the store, none newer than `epoch`; it is used up."""
        ...

    def discard(self) -> None:
        """Drop the workspace with its changes; harmless after a commit."""
        ...


class Snapshotter(Protocol):
    """Makes workspaces; one a store."""

    def prepare(self, layers: Sequence[LayerRow], directory: Path | None = None) -> Workspace:
        """A workspace on these layers, lowest first.

        Args:
            layers: the layers of the image.
            directory: where the changes of a container that outlives its run are; by default they
                are in the store's session and end with it.
        """
        ...

    def resume(self, layers: Sequence[LayerRow], directory: Path) -> Workspace:
        """The workspace that was prepared in a directory, with what was changed there since."""
        ...
