"""How the files of two images differ: only in the one, only in the other, or different.

The merged file systems are compared: kind, mode, owner, link target, extended attributes, size,
and then content. Content is read only where both files have the same size and do not come from
the same place of the same layer. A time of change alone is no difference.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..oci.entries import Entry
from ..oci.tree import Node
from .layer_index import LayerIndex

__all__ = ["Difference", "DifferenceNode", "FileDifference", "Side", "difference"]


class Side(Enum):
    """Where a path is."""

    ONLY_A = "only in A"
    ONLY_B = "only in B"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class FileDifference:
    """A path at which two images differ.

    Attributes:
        path: relative, without a leading slash.
        side: where it is.
        what: what differs, such as `mode` and `content`; empty where it is in one only.
        a, b: what is there; None where nothing is.
        counted_a, counted_b: bytes that it adds to sums; further links to a file add none.
    """

    path: str
    side: Side
    what: tuple[str, ...]
    a: Entry | None
    b: Entry | None
    counted_a: int = 0
    counted_b: int = 0

    @property
    def size(self) -> int:
        """Bytes: of the larger where it is in both."""
        return max(self.a.size if self.a else 0, self.b.size if self.b else 0)


@dataclass(slots=True)
class DifferenceNode:
    """A directory with differences below it, or a difference.

    Attributes:
        name: the last part of its path.
        own: what differs at the path itself.
        counts: differences at and below it.
        size_a, size_b: bytes of those, in each image.
        children: by name.
    """

    name: str
    own: FileDifference | None = None
    counts: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    size_a: int = 0
    size_b: int = 0
    children: dict[str, DifferenceNode] = field(default_factory=dict)


class Difference:
    """All differences of two images, in the order of their paths."""

    def __init__(self, files: Sequence[FileDifference]) -> None:
        self.files = tuple(files)
        self.root = DifferenceNode("")
        for each in files:
            node = self.root
            on_the_way = [node]
            for part in each.path.split("/") if each.path else ():
                node = node.children.setdefault(part, DifferenceNode(part))
                on_the_way.append(node)
            node.own = each
            for above in on_the_way:
                above.counts[each.side] += 1
                above.size_a += each.counted_a
                above.size_b += each.counted_b

    def level(self, path: str) -> list[DifferenceNode]:
        """What differs in a directory, most bytes first; empty where nothing does."""
        node = self.root
        for part in path.split("/") if path else ():
            found = node.children.get(part)
            if found is None:
                return []
            node = found
        return sorted(
            node.children.values(),
            key=lambda child: (-max(child.size_a, child.size_b), child.name),
        )

    def find(self, text: str = "", sides: Sequence[Side] = ()) -> list[FileDifference]:
        """Differences whose path holds a text, in any case; largest first.

        Args:
            text: part of a path; "" for every one.
            sides: only these; all where empty.
        """
        wanted = text.lower().lstrip("/")
        found = [
            each
            for each in self.files
            if wanted in each.path.lower() and (not sides or each.side in sides)
        ]
        return sorted(found, key=lambda each: (-each.size, each.path))

    def count(self, side: Side) -> int:
        """How many paths there are of a kind."""
        return self.root.counts[side]

    def bytes(self, side: Side) -> tuple[int, int]:
        """Bytes of the paths of a kind, in A and in B; further links to a file add none."""
        chosen = [each for each in self.files if each.side is side]
        return sum(each.counted_a for each in chosen), sum(each.counted_b for each in chosen)


def difference(a: LayerIndex, b: LayerIndex) -> Difference:
    """Compare two images, file by file.

    Raises:
        StoreError: a file's content is gone.
    """
    return Difference(list(_Walk(a, b).run()))


class _Walk:
    def __init__(self, a: LayerIndex, b: LayerIndex) -> None:
        self._a, self._b = a, b
        self._digests: dict[tuple[str, str], str] = {}
        self._counted: set[tuple[bool, object, str]] = set()

    def run(self) -> Iterator[FileDifference]:
        stack: list[tuple[str, Node | None, Node | None]] = [
            ("", self._a.tree.root, self._b.tree.root)
        ]
        while stack:
            path, a, b = stack.pop()
            found = self._compared(path, a, b)
            # The root itself is described by few layers: engines make it.
            if found is not None and path:
                yield found
            below_a = (a.children or {}) if a is not None else {}
            below_b = (b.children or {}) if b is not None else {}
            stack += [
                (f"{path}/{name}" if path else name, below_a.get(name), below_b.get(name))
                for name in sorted({*below_a, *below_b}, reverse=True)
            ]

    def _compared(self, path: str, a: Node | None, b: Node | None) -> FileDifference | None:
        if a is not None and b is not None:
            what = tuple(self._what(a, b))
            if not what:
                return None
            side = Side.DIFFERENT
        else:
            what, side = (), Side.ONLY_B if a is None else Side.ONLY_A
        return FileDifference(
            path,
            side,
            what,
            a.entry if a is not None else None,
            b.entry if b is not None else None,
            self._count(a, first=True),
            self._count(b, first=False),
        )

    def _count(self, node: Node | None, *, first: bool) -> int:
        if node is None or not node.entry.size:
            return 0
        key = (first, node.layer, node.place)
        if key in self._counted:
            return 0
        self._counted.add(key)
        return node.entry.size

    def _what(self, a: Node, b: Node) -> Iterator[str]:
        one, two = a.entry, b.entry
        if one.kind != two.kind:
            yield "kind"
            return
        if stat.S_IMODE(one.mode) != stat.S_IMODE(two.mode):
            yield "mode"
        if (one.uid, one.gid) != (two.uid, two.gid):
            yield "owner"
        if one.link != two.link:
            yield "link"
        if (one.major, one.minor) != (two.major, two.minor):
            yield "device"
        if dict(one.xattrs) != dict(two.xattrs):
            yield "attributes"
        if one.size != two.size:
            yield "size"
        elif one.size and not self._same_content(a, b):
            yield "content"

    def _same_content(self, a: Node, b: Node) -> bool:
        diff_a, diff_b = self._diff_id(self._a, a), self._diff_id(self._b, b)
        if diff_a and (diff_a, a.place) == (diff_b, b.place):
            return True
        return self._digest(self._a, a) == self._digest(self._b, b)

    def _digest(self, index: LayerIndex, node: Node) -> str:
        diff_id = self._diff_id(index, node)
        known = self._digests.get((diff_id, node.place)) if diff_id else None
        if known is None:
            known = index.contents.layers[int(str(node.layer)) - 1].digest(node.place)
            self._digests[diff_id, node.place] = known
        return known

    @staticmethod
    def _diff_id(index: LayerIndex, node: Node) -> str:
        return index.layers[int(str(node.layer)) - 1].diff_id
