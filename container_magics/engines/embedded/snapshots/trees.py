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

from ....errors import StoreError
from ....oci.entries import Entry
from ....oci.tree import WHITEOUT, Node, Tree
from ..storage.content import open_below
from ..storage.epoch import Epoch
from ..storage.mapped import as_taken
from ..storage.record import ChunkReader, archive, entry_of
from ..storage.store import LayerRow, Store
from ..storage.unpack import unpack
from .canonical import canonical, dated
from .given import GivenTree
from .materialise import synchronise
from .owners import Owners, as_layers_say
from .pool import Lease, lease, own
from .scan import Known, Scan, Scanner, Stamp, State, outlive, scan
from .shown import note_shown

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
            workspace = TreeWorkspace(self._store, layers, leased)
            if directory is None:
                return workspace
            return TreeWorkspace(self._store, layers, leased.move(directory), resumed=True)
        except BaseException:
            leased.end()
            raise

    def resume(self, layers: Sequence[LayerRow], directory: Path) -> TreeWorkspace:
        """See `Snapshotter`."""
        return TreeWorkspace(self._store, layers, own(directory), resumed=True)


class TreeWorkspace:
    """A leased tree that shows exactly its layers, until a container changes it.

    Args:
        store: has the layers.
        layers: lowest first.
        leased: the tree.
        resumed: whether it stays as a container has left it.
    """

    def __init__(
        self, store: Store, layers: Sequence[LayerRow], leased: Lease, *, resumed: bool = False
    ) -> None:
        self._store = store
        self._layers = tuple(layers)
        self._lease = leased
        self.files = leased.files
        self._path = os.fspath(self.files)
        self.records = leased.directory / "records"
        if not resumed:
            self.records.unlink(missing_ok=True)
        self._owners = Owners(self.files, self.records)
        self._given = GivenTree(leased.directory) if store.holding.mapped else None
        self._state = self._left_state() if resumed else self._right_state()
        if self._given is not None and not resumed:
            self._given.give(store.tree(self._layers))
        self._scanner = Scanner(self._path, store.holding)
        self.root: Mapping[str, Any] = {"tree": self._path, "busy": os.fspath(leased.busy)}

    def _right_state(self) -> State:
        found = scan(self._path, self._store.holding)
        state = State.load(self._lease.state)
        numbers = [(layer.number, layer.size) for layer in self._layers]
        if state is None or state.kind != self._store.holding.kind:
            state = State(self._store.holding.kind, [], {})
        note_shown(self._lease.directory, state.paths)
        if state.layers != numbers or state.differs(found.stamps) or not self._layers:
            # Until the new state is written, the old one still tells which files are right.
            tree = self._store.tree(self._layers)
            paths = synchronise(self._store, tree, self._path, state.paths, found.stamps)
            state = State(state.kind, numbers, paths)
            state.save(self._lease.state)
        outlive(known.stamp for known in state.paths.values())
        return state

    def _left_state(self) -> State:
        state = State.load(self._lease.state)
        if state is None:
            raise StoreError(f"the files of a container in {self._lease.directory} are damaged")
        note_shown(self._lease.directory, state.paths)
        return state

    def changes(self) -> Iterator[Entry]:
        """See `Workspace`."""
        return iter(self._compare(self._look()))

    def commit(self, epoch: Epoch | None = None) -> LayerRow:
        """See `Workspace`."""
        found = self._look()
        entries = self._compare(found)
        if epoch is not None:
            entries = list(dated(entries, self.files, epoch))
            found = self._scanner.look()
        with self._store.scratch() as scratch:
            layer = scratch / "layer"
            layer.mkdir()
            diff_id, size = self._write(entries, layer)
            row = self._store.adopt_layer(layer, diff_id, size)
        self._advance(row, entries, found)
        self._lease.end()
        return row

    def discard(self) -> None:
        """See `Workspace`."""
        if self._lease.handle >= 0:
            if self._given is not None:
                self._look()
            if self._given is not None or note_shown(self._lease.directory, self._state.paths):
                self._state.save(self._lease.state)
        self._lease.end()

    # --- finding what changed ---

    def _look(self) -> Scan:
        note_shown(self._lease.directory, self._state.paths)
        if self._given is None:
            return self._scanner.look()
        self._given.take()
        found = self._scanner.look()
        self._given.note_unchanged(self._state.paths, found)
        return found

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
        entries: list[Entry] = []
        for path in sorted(changed | removed, key=lambda path: path.split("/")):
            if path in removed:
                directory, _, name = path.rpartition("/")
                where = f"{directory}/{WHITEOUT}{name}" if directory else WHITEOUT + name
                entries.append(Entry(where, stat.S_IFREG))
            else:
                entries.append(self._entry(path, base.lookup(path), found, links))
        return canonical(entries, base, self._store, self.files)

    def _entry(self, path: str, before: Node | None, found: Scan, links: dict[int, str]) -> Entry:
        full = f"{self._path}/{path}"
        status = os.lstat(full)
        entry = entry_of(path, status, full)
        if self._given is not None:
            entry = as_taken(entry, self._given.taken, before)
        elif not self._store.holding.true_owners:
            entry = as_layers_say(
                entry, before, found.opened, self._owners, lambda *_: self._is_known(path)
            )
        if entry.kind != stat.S_IFDIR and status.st_nlink > 1:
            first = links.setdefault(status.st_ino, path)
            if first != path:
                return entry._replace(mode=entry.mode & 0o7777, size=0, link=first)
        return entry

    def _is_known(self, path: str) -> bool:
        """Whether the file at a path is the one that was put there; inodes are used again."""
        known = self._state.paths.get(path)
        full = f"{self._path}/{path}"
        if known is None or known.stamp.inode != os.lstat(full).st_ino:
            return False
        node = self._store.tree(self._layers).lookup(path)
        return node is None or self._owners.has_what_it_needs(path, node.entry)

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
