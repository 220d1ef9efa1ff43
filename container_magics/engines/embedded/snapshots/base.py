"""A root file system to work in: layers below, changes on top, and a new layer at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ....oci.tar import Entry
from ..store import LayerRow

__all__ = ["Snapshotter", "Workspace"]


class Workspace(Protocol):
    """One root file system, made from layers, that a container may change.

    Attributes:
        root: how the launcher shall mount it: `Spec.root`.
        files: the directory in which the content of changed files lies, at `Entry.path`.
    """

    root: Mapping[str, Any]
    files: Path

    def changes(self) -> Iterator[Entry]:
        """What is different from the layers below, in tar order, whiteouts included."""
        ...

    def commit(self) -> LayerRow:
        """Make the changes a layer of the store; the workspace is used up."""
        ...

    def keep(self) -> None:
        """Keep the changes in the directory that `prepare` was given; the container has ended.

        Its `fs` holds what changed, as an overlayfs upper directory does; where files belong to
        one user, its `split` is the header stream of those changes. The workspace is used up.
        """
        ...

    def discard(self) -> None:
        """Give the workspace back with its changes dropped; harmless after a commit."""
        ...


class Snapshotter(Protocol):
    """Makes workspaces; one a store."""

    def prepare(self, layers: Sequence[LayerRow], directory: Path | None = None) -> Workspace:
        """A workspace on these layers, lowest first.

        Args:
            layers: the layers of the image.
            directory: where to keep the changes of a container that outlives its run; by
                default they are in the store's session and end with it.
        """
        ...
