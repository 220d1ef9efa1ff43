"""Workspaces by overlayfs: nothing is copied, the kernel keeps changes in an upper directory."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....oci.tar import Entry
from ..record import changes, record
from ..store import LayerRow, Store, remove_tree
from . import skeleton
from .owners import as_layers_say
from .scan import Scanner

__all__ = ["OverlaySnapshotter"]


class OverlayWorkspace:
    """An upper and a work directory; mounted by the launcher, in the container's namespace."""

    def __init__(self, store: Store, layers: Sequence[LayerRow], directory: Path) -> None:
        store.check_files(layers)
        self._store = store
        self._layers = tuple(layers)
        self._directory = directory
        self.files = directory / "fs"
        self.files.mkdir(parents=True, exist_ok=True)
        self._scanner = Scanner(os.fspath(self.files), store.holding)
        (directory / "work").mkdir(exist_ok=True)
        # Relative to `layers/`: an option string of 127 absolute paths would be too long to mount,
        # and a colon or comma in the store's own path would end up in it.
        base = store.root / "layers"
        lowest = "skeleton"
        if not store.holding.true_owners:
            lowest = skeleton.name_for(store.tree(layers), store.holding)
        # Overlayfs refuses a directory that comes twice, as the same layer may. What it says counts
        # where it comes last.
        numbers = dict.fromkeys(layer.number for layer in reversed(layers))
        self.root: Mapping[str, Any] = {
            "base": os.fspath(base),
            "lower": [*(f"{number}/fs" for number in numbers), f"../{lowest}"],
            "upper": os.path.relpath(self.files, base),
            "work": os.path.relpath(directory / "work", base),
        }

    def changes(self) -> Iterator[Entry]:
        """See `Workspace`."""
        found = changes(os.fspath(self.files), self._store.holding)
        if self._store.holding.true_owners:
            return found
        opened = self._scanner.look().opened
        tree = self._store.tree(self._layers)
        return (as_layers_say(entry, tree.lookup(entry.path), opened) for entry in found)

    def commit(self) -> LayerRow:
        """See `Workspace`."""
        remove_tree(self._directory / "work")
        diff_id, size = record(self._directory, self.changes())
        return self._store.adopt_layer(self._directory, diff_id, size)

    def keep(self) -> None:
        """See `Workspace`; the changes are where they shall be, but for their owners."""
        remove_tree(self._directory / "work")
        if not self._store.holding.true_owners:
            record(self._directory, self.changes())

    def discard(self) -> None:
        """See `Workspace`."""
        remove_tree(self._directory)


class OverlaySnapshotter:
    """Makes overlayfs workspaces in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(
        self, layers: Sequence[LayerRow], directory: Path | None = None
    ) -> OverlayWorkspace:
        """See `Snapshotter`."""
        return OverlayWorkspace(
            self._store, layers, directory or self._store.session / uuid.uuid4().hex[:12]
        )
