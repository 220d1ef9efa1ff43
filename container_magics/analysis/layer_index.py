"""What each layer of an image adds, changes and removes, against the layers below it."""

from __future__ import annotations

import gc
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ..engines.contents import Contents
from ..oci.entries import Entry
from ..oci.tree import OPAQUE, WHITEOUT, Node, Tree
from .instructions import layer_instructions

__all__ = ["Change", "ChangeKind", "IndexedLayer", "LayerIndex", "content_size"]

_WRITABLE = "the container's writable layer"


class ChangeKind(Enum):
    """What a layer did to a path."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Change(NamedTuple):
    """One path that a layer changes.

    Attributes:
        path: relative, without a leading slash.
        kind: against the layers below.
        entry: what is there now; for a removal what was.
        size: bytes of content: what the layer brought, or for a removal what it hides.
        place: of its content in the layer.
    """

    path: str
    kind: ChangeKind
    entry: Entry
    size: int
    place: str = ""


@dataclass(frozen=True, slots=True)
class IndexedLayer:
    """One layer.

    Attributes:
        number: from 1, lowest first.
        instruction: what made it.
        diff_id: digest of its tar; "" for a container's writable layer.
        size: bytes of content.
        changes: by path, in the order of the tar; directories that only hold changes are left
            out.
        counts: how many paths it added, changed and removed.
    """

    number: int
    instruction: str
    diff_id: str
    size: int
    changes: Sequence[Change]
    counts: Mapping[ChangeKind, int]


class LayerIndex:
    """All layers of an image or a container.

    Args:
        contents: what the engine gives.

    Attributes:
        contents: the same.
        layers: lowest first.
        trees: the merged file system below the first layer (empty), and on top of each.

    Raises:
        CorruptArchiveError, StoreError: a layer is damaged.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        with _no_collection():
            self._read(contents)

    def _read(self, contents: Contents) -> None:
        instructions = layer_instructions(contents.image)
        instructions += [_WRITABLE] * (len(contents.layers) - len(instructions))
        self.records = [layer.records() for layer in contents.layers]
        self.trees = [Tree()]
        self.layers: list[IndexedLayer] = []
        for number, (layer, records) in enumerate(
            zip(contents.layers, self.records, strict=True), 1
        ):
            below = self.trees[-1]
            above = below.apply(number, records)
            self.trees.append(above)
            changes = list(_changes(records, below, above))
            self.layers.append(
                IndexedLayer(
                    number,
                    instructions[number - 1],
                    layer.diff_id,
                    sum(entry.size for entry, _ in records),
                    changes,
                    {kind: sum(c.kind is kind for c in changes) for kind in ChangeKind},
                )
            )

    @property
    def tree(self) -> Tree:
        """The file system of the whole image; the layer of a node is its number."""
        return self.trees[-1]

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(layer.size for layer in self.layers)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles among new objects again and again: a sixth of the time.

    Tens of thousands of them are made at once, none of them in a cycle.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _changes(records: Sequence[tuple[Entry, str]], below: Tree, above: Tree) -> Iterator[Change]:
    seen: set[str] = set()
    nowhere: dict[str, Node] = {}
    last, siblings = "", below.root.children or nowhere
    for entry, place in records:
        path = entry.path
        if path in seen or not path:
            continue
        seen.add(path)
        directory, _, name = path.rpartition("/")
        if directory != last:
            last, parent = directory, below.lookup(directory)
            siblings = parent.children or nowhere if parent is not None else nowhere
        if name == OPAQUE:
            yield from _hidden(below, above, directory)
        elif name.startswith(WHITEOUT):
            hidden = f"{directory}/{name[len(WHITEOUT) :]}".lstrip("/")
            before = siblings.get(name[len(WHITEOUT) :])
            if above.lookup(hidden) is None:
                size = content_size(before) if before is not None else 0
                old = before.entry if before is not None else entry
                yield Change(hidden, ChangeKind.REMOVED, old, size)
        else:
            before = siblings.get(name)
            if before is None:
                yield Change(path, ChangeKind.ADDED, entry, entry.size, place)
            elif not (entry.kind == stat.S_IFDIR and _same_directory(before, entry)):
                yield Change(path, ChangeKind.CHANGED, entry, entry.size, place)


def _hidden(below: Tree, above: Tree, directory: str) -> Iterator[Change]:
    """What an opaque directory takes away."""
    before = below.lookup(directory)
    for name, node in sorted((before.children or {}).items() if before is not None else ()):
        path = f"{directory}/{name}".lstrip("/")
        if above.lookup(path) is None:
            yield Change(path, ChangeKind.REMOVED, node.entry, content_size(node))


def _same_directory(before: Node, entry: Entry) -> bool:
    old = before.entry
    return (old.mode, old.uid, old.gid) == (entry.mode, entry.uid, entry.gid)


def content_size(node: Node) -> int:
    """Bytes of the content of all files at and below an object of a tree."""
    total, stack = 0, [node]
    while stack:
        node = stack.pop()
        total += node.entry.size
        stack += (node.children or {}).values()
    return total
