"""Workspaces where overlayfs can't be mounted: whole trees of files, used again and again.

A tree that shows other layers than wanted, or that a container has changed, is repaired rather
than made anew (see materialise), so a RUN on top of what the last RUN committed copies nothing.
Changes are found by comparing the tree with its state (see scan). Where files belong to one user,
owners, and modes that nobody changed, come from the layers' header streams.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ....oci.tar import Entry
from ....oci.tree import WHITEOUT, Node, Tree
from ..content import open_below
from ..record import ChunkReader, archive, entry_of
from ..store import LayerRow, Store
from ..unpack import unpack
from .materialise import synchronise
from .owners import as_layers_say
from .pool import Lease, lease
from .scan import Known, Scan, Scanner, Stamp, State, outlive, scan

__all__ = ["TreeSnapshotter"]


class TreeSnapshotter:
    """Makes workspaces of working trees in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(self, layers: Sequence[LayerRow], directory: Path | None = None) -> TreeWorkspace:
        """See `Snapshotter`."""
        self._store.check_files(layers)
        leased = lease(self._store, layers)
        try:
            return TreeWorkspace(self._store, layers, leased, directory)
        except BaseException:
            leased.end()
            raise


class TreeWorkspace:
    """A leased tree that shows exactly its layers, until a container changes it."""

    def __init__(
        self, store: Store, layers: Sequence[LayerRow], leased: Lease, directory: Path | None
    ) -> None:
        self._store = store
        self._layers = tuple(layers)
        self._lease = leased
        self._directory = directory
        self.files = leased.files
        self._path = os.fspath(self.files)
        self._state = self._right_state()
        self._scanner = Scanner(self._path, store.holding)
        self.root: Mapping[str, Any] = {"tree": self._path, "busy": os.fspath(leased.busy)}

    def _right_state(self) -> State:
        found = scan(self._path, self._store.holding)
        state = State.load(self._lease.state)
        numbers = [(layer.number, layer.size) for layer in self._layers]
        if state is None or state.kind != self._store.holding.kind:
            state = State(self._store.holding.kind, [], {})
        if state.layers != numbers or state.differs(found.stamps) or not self._layers:
            # Until the new state is written, the old one still tells which files are right.
            tree = self._store.tree(self._layers)
            paths = synchronise(self._store, tree, self._path, state.paths, found.stamps)
            state = State(state.kind, numbers, paths)
            state.save(self._lease.state)
        outlive(known.stamp for known in state.paths.values())
        return state

    def changes(self) -> Iterator[Entry]:
        """See `Workspace`."""
        return iter(self._compare(self._scanner.look()))

    def commit(self) -> LayerRow:
        """See `Workspace`."""
        found = self._scanner.look()
        entries = self._compare(found)
        with self._store.scratch() as scratch:
            layer = scratch / "layer"
            layer.mkdir()
            diff_id, size = self._write(entries, layer)
            row = self._store.adopt_layer(layer, diff_id, size)
        self._advance(row, entries, found)
        self._lease.end()
        return row

    def keep(self) -> None:
        """See `Workspace`."""
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._write(self._compare(self._scanner.look()), self._directory)
        self._lease.end()

    def discard(self) -> None:
        """See `Workspace`."""
        self._lease.end()

    # --- finding what changed ---

    def _compare(self, found: Scan) -> list[Entry]:
        """What is different from the layers, in tar order."""
        base = self._store.tree(self._layers)
        known = self._state.paths
        changed = {
            path
            for path, stamp in found.stamps.items()
            if stat.S_IFMT(stamp.mode) != stat.S_IFSOCK
            and ((was := known.get(path)) is None or was.stamp != stamp)
        }
        removed = {
            path
            for path, was in known.items()
            if path not in found.stamps
            and was.layer
            and _is_directory(found, path.rpartition("/")[0])
        }
        for path in list(changed | removed):
            parent = path.rpartition("/")[0]
            while parent and parent not in changed:
                changed.add(parent)
                parent = parent.rpartition("/")[0]
        mount_points = {
            path
            for path in changed
            if (was := known.get(path)) and not was.layer and was.place == path
        }
        for path in sorted(mount_points, reverse=True):
            if _same_but_for_times(known[path].stamp, found.stamps[path]) and not any(
                other.startswith(path + "/") for other in changed | removed
            ):
                changed.discard(path)
        links: dict[int, str] = {}
        entries = []
        for path in sorted(changed | removed, key=lambda path: path.split("/")):
            if path in removed:
                directory, _, name = path.rpartition("/")
                where = f"{directory}/{WHITEOUT}{name}" if directory else WHITEOUT + name
                entries.append(Entry(where, stat.S_IFREG))
            else:
                entries.append(self._entry(path, base.lookup(path), found, links))
        return entries

    def _entry(self, path: str, before: Node | None, found: Scan, links: dict[int, str]) -> Entry:
        full = f"{self._path}/{path}"
        status = os.lstat(full)
        entry = entry_of(path, status, full)
        if not self._store.holding.true_owners:
            entry = as_layers_say(entry, before, found.opened)
        if entry.kind != stat.S_IFDIR and status.st_nlink > 1:
            first = links.setdefault(status.st_ino, path)
            if first != path:
                return entry._replace(mode=entry.mode & 0o7777, size=0, link=first)
        return entry

    # --- keeping what changed ---

    def _write(self, entries: Sequence[Entry], directory: Path) -> tuple[str, int]:
        """Write a layer's directory: `fs` and `split`."""
        members = archive((entry, self._opener(entry)) for entry in entries)
        return unpack(ChunkReader(members).read, directory, self._store.holding)

    def _opener(self, entry: Entry) -> Callable[[], BinaryIO] | None:
        return (lambda: open_below(self.files, entry.path)) if entry.size else None

    def _advance(self, row: LayerRow, entries: Sequence[Entry], found: Scan) -> None:
        """The tree now shows the new layer as well."""
        layers = (*self._layers, row)
        tree = self._store.tree(layers)
        paths = {
            path: known._replace(stamp=found.stamps[path])
            for path, known in self._state.paths.items()
            if path in found.stamps
        }
        for entry in entries:
            known = _known(tree, entry.path, found)
            if known is not None:
                paths[entry.path] = known
        numbers = [(layer.number, layer.size) for layer in layers]
        State(self._state.kind, numbers, paths).save(self._lease.state)


def _known(tree: Tree, path: str, found: Scan) -> Known | None:
    node, stamp = tree.lookup(path), found.stamps.get(path)
    if node is None or stamp is None or not isinstance(node.layer, LayerRow):
        return None
    return Known(stamp, node.layer.number, node.place)


def _is_directory(found: Scan, path: str) -> bool:
    return not path or (path in found.stamps and stat.S_ISDIR(found.stamps[path].mode))


def _same_but_for_times(was: Stamp, now: Stamp) -> bool:
    return (was.inode, was.size, was.mode) == (now.inode, now.size, now.mode)
