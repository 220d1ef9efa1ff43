"""Workspaces by overlayfs: nothing is copied, the kernel keeps changes in an upper directory."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....oci.entries import Entry
from ..storage import deputy
from ..storage.epoch import Epoch
from ..storage.mapped import as_taken, give_back
from ..storage.record import changes, record
from ..storage.store import LayerRow, Store, remove_tree
from . import skeleton
from .canonical import canonical, dated
from .owners import Owners, as_layers_say
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
        self.records = directory / "records"
        self._scanner = Scanner(os.fspath(self.files), store.holding)
        self._taken: Mapping[str, deputy.Taken] = {}
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
        found = self._look()
        self._give_back()
        return iter(found)

    def _give_back(self) -> None:
        """Give what was taken to be looked at to those who have it."""
        if self._taken:
            give_back(self.files, self._taken)
            self._taken = {}

    def _look(self) -> list[Entry]:
        tree = self._store.tree(self._layers)
        if self._store.holding.mapped:
            self._taken = {**deputy.take(self.files), **self._taken}
        found = changes(os.fspath(self.files), self._store.holding)
        if self._store.holding.mapped:
            found = (as_taken(entry, self._taken, tree.lookup(entry.path)) for entry in found)
        elif not self._store.holding.true_owners:
            opened = self._scanner.look().opened
            owners = Owners(self.files, self.records)
            found = (
                as_layers_say(entry, tree.lookup(entry.path), opened, owners, owners.is_copy)
                for entry in found
            )
        return canonical(found, tree, self._store, self.files)

    def commit(self, epoch: Epoch | None = None) -> LayerRow:
        """See `Workspace`."""
        remove_tree(self._directory / "work")
        entries: Iterable[Entry] = self._look()
        if epoch is not None:
            entries = dated(entries, self.files, epoch)
        diff_id, size = record(self._directory, entries)
        self.records.unlink(missing_ok=True)
        self._give_back()  # Also what has not changed, and is in no header.
        return self._store.adopt_layer(self._directory, diff_id, size)

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

    def resume(self, layers: Sequence[LayerRow], directory: Path) -> OverlayWorkspace:
        """See `Snapshotter`."""
        return OverlayWorkspace(self._store, layers, directory)
