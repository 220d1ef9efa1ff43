"""How much of an image's bytes is of use, by dive's definitions, so that the numbers compare.

A path that several layers bring is needed once: the least of its sizes is its minimum. A layer
that removes a path counts with 0 bytes for a file, and with all that was there for a directory.
Only leaves count: files, links and directories that are empty in their layer.

- efficiency: the sum of all minimums by the sum of all sizes; 1 for an image without bytes
- wasted bytes: all sizes of the paths that come more than once
- user wasted percent: wasted bytes by the bytes of all layers but the lowest
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..oci.tree import OPAQUE, WHITEOUT, Node
from .layer_index import LayerIndex, content_size

__all__ = ["Efficiency", "WastedPath", "efficiency"]


@dataclass(frozen=True, slots=True)
class WastedPath:
    """A path that more than one layer brings or removes.

    Attributes:
        path: with a leading slash.
        count: in how many layers it is.
        size: bytes in all of them.
    """

    path: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What of an image is of use.

    Attributes:
        score: from 0 to 1.
        wasted: bytes.
        user_wasted_percent: from 0, as a share of 1: dive's name for it is kept.
        paths: that waste bytes, most first.
    """

    score: float
    wasted: int
    user_wasted_percent: float
    paths: Sequence[WastedPath]


def efficiency(index: LayerIndex) -> Efficiency:
    """Measure an image."""
    totals: dict[str, list[int]] = {}  # path: [count, sum of sizes, least size]
    for number, records in enumerate(index.records):
        below = index.trees[number]
        parents = {entry.path.rpartition("/")[0] for entry, _ in records}
        for path, size in {entry.path: entry.size for entry, _ in records}.items():
            directory, _, name = path.rpartition("/")
            if path in parents or not path or name == OPAQUE:
                continue
            where, found = path, size
            if name.startswith(WHITEOUT):
                where = f"{directory}/{name[len(WHITEOUT) :]}".lstrip("/")
                found = _bytes_of_directory(below.lookup(where))
            known = totals.get(where)
            if known is None:
                totals[where] = [1, found, found]
            else:
                known[0] += 1
                known[1] += found
                known[2] = min(known[2], found)
    paths = sorted(
        (
            WastedPath(f"/{path}", count, size)
            for path, (count, size, _) in totals.items()
            if count > 1
        ),
        key=lambda wasted: (-wasted.size, wasted.path),
    )
    everything = sum(size for _, size, _ in totals.values())
    least = sum(smallest for _, _, smallest in totals.values())
    wasted = sum(each.size for each in paths)
    by_user = sum(layer.size for layer in index.layers[1:])
    return Efficiency(
        least / everything if everything else 1.0,
        wasted,
        wasted / by_user if by_user else 0.0,
        paths,
    )


def _bytes_of_directory(node: Node | None) -> int:
    return content_size(node) if node is not None and node.is_directory else 0
