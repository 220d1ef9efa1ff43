"""One form for what a RUN has changed, whichever way it was found.

Overlayfs and a scan of a working tree notice different things. So that the same changes are the
same layer on every rung:

- what an opaque directory hides is removed by name (overlayfs marks every new directory opaque);
- nothing is removed that no layer below has;
- a file that was touched, and is as it was, has not changed; nor has a directory, unless something
  in it has;
- entries are in the order of their names, a directory before what is in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ....oci.entries import Entry
from ....oci.tree import OPAQUE, WHITEOUT, Node, Tree
from ..storage.content import open_below, open_content
from ..storage.epoch import Epoch
from ..storage.record import CAPABILITY
from ..storage.store import Store

__all__ = ["canonical", "dated"]

_CHUNK = 1 << 20


def canonical(found: Iterable[Entry], tree: Tree, store: Store, files: Path) -> list[Entry]:
    """Changes in the one form.

    Args:
        found: changed files, whiteouts and opaque marks.
        tree: the layers below, merged.
        store: has their content.
        files: where the content of changed files lies, by path.
    """
    return _Changes(found, tree, store, files).run()


class _Changes:
    def __init__(self, found: Iterable[Entry], tree: Tree, store: Store, files: Path) -> None:
        self._tree = tree
        self._store = store
        self._files = files
        self._entries: dict[str, Entry] = {}
        self._opaque: list[str] = []
        self._unchanged: set[str] = set()
        for entry in found:
            directory, _, name = entry.path.rpartition("/")
            if name == OPAQUE:
                self._opaque.append(directory)
            elif name.startswith(WHITEOUT):
                self._remove(directory, name[len(WHITEOUT) :])
            else:
                self._entries[entry.path] = entry

    def run(self) -> list[Entry]:
        for directory in self._opaque:
            self._remove_hidden(directory)
        linked = {entry.link for entry in self._entries.values() if entry.kind == 0}
        kept: list[Entry] = []
        needed: set[str] = set()
        order = sorted(self._entries, key=lambda path: path.split("/"))
        for path in order:
            if self._is_unchanged(path):
                self._unchanged.add(path)
        for path in reversed(order):
            if path in self._unchanged and path not in needed and path not in linked:
                continue
            needed.add(path.rpartition("/")[0])
            kept.append(self._entries[path])
        return kept[::-1]

    def _remove(self, directory: str, name: str) -> None:
        path = f"{directory}/{name}" if directory else name
        if self._tree.lookup(path) is not None:
            mark = f"{directory}/{WHITEOUT}{name}" if directory else WHITEOUT + name
            self._entries[path] = Entry(mark, stat.S_IFREG)

    def _remove_hidden(self, directory: str) -> None:
        """Remove what a new directory has not taken over from the one that was there."""
        node = self._tree.lookup(directory)
        for name in (node.children or {}) if node is not None else {}:
            path = f"{directory}/{name}" if directory else name
            entry = self._entries.get(path)
            if entry is None:
                self._remove(directory, name)
            elif entry.path == path and entry.kind == stat.S_IFDIR:
                self._remove_hidden(path)

    def _is_unchanged(self, path: str) -> bool:
        entry, before = self._entries[path], self._tree.lookup(path)
        if before is None or entry.path != path:
            return False
        if entry.kind == 0:
            other = self._tree.lookup(entry.link)
            return entry.link in self._unchanged and _is_same_file(before, other)
        return _described(entry) == _described(before.entry) and (
            entry.kind != stat.S_IFREG or self._has_same_content(entry, before)
        )

    def _has_same_content(self, entry: Entry, before: Node) -> bool:
        if not entry.size:
            return True
        with (
            open_below(self._files, entry.path) as one,
            open_content(self._store, before) as other,
        ):
            while data := one.read(_CHUNK):
                if data != other.read(len(data)):
                    return False
        return True


def _is_same_file(one: Node, other: Node | None) -> bool:
    return other is not None and (one.layer, one.place) == (other.layer, other.place)


def _described(entry: Entry) -> tuple[object, ...]:
    """All that a changed file's entry says, but for its path."""
    return (*entry[1:9], entry.xattrs.get(CAPABILITY))


def dated(entries: Iterable[Entry], files: Path, epoch: Epoch) -> Iterator[Entry]:
    """Changes no newer than a time, also the files themselves: a later RUN sees them."""
    for entry in map(epoch.clamp, entries):
        if not entry.path.rpartition("/")[2].startswith(WHITEOUT):
            full = files / entry.path
            if os.lstat(full).st_mtime_ns != entry.mtime * 1_000_000_000:
                os.utime(full, (entry.mtime, entry.mtime), follow_symlinks=False)
        yield entry
