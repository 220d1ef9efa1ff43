"""The working trees of a store, leased to one container at a time.

    ROOT/trees/N/fs      the files
    ROOT/trees/N/state   what is known of them (see scan.State)
    ROOT/trees/N.lock    held exclusively by the process that leases the tree
    ROOT/trees/N.busy    held shared by the supervisor of every container that runs in it

Locks end with their processes, so a killed process leaves trees that are free, and wrong: whoever
leases one next compares it with its state. The supervisor's lock keeps a tree from being leased
while the last container of a killed kernel is still being ended.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..storage.store import LayerRow, Store, remove_tree
from .scan import State

__all__ = ["IDLE_TREES", "Lease", "lease", "own"]

_OWN = "tree"

IDLE_TREES = 4
"""How many trees stay when nobody uses them, the last used ones."""


@dataclass
class Lease:
    """A tree that this holder alone may use, until `end`."""

    directory: Path
    busy: Path
    handle: int

    @property
    def files(self) -> Path:
        """The tree itself."""
        return self.directory / "fs"

    @property
    def state(self) -> Path:
        """Where its state is written."""
        return self.directory / "state"

    def move(self, directory: Path) -> Lease:
        """Take the tree out of the pool, to be part of a container's directory; ends this one."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory.rename(directory / _OWN)
        self.end()
        return own(directory)

    def end(self) -> None:
        """Give the tree back as it is."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def own(directory: Path) -> Lease:
    """The tree in a container's directory, which is nobody else's."""
    busy = directory / f"{_OWN}.busy"
    busy.touch()
    return Lease(directory / _OWN, busy, -1)


def lease(store: Store, layers: Sequence[LayerRow]) -> Lease:
    """A tree to make these layers in: the free one with the least to change, or a new one."""
    trees = store.root / "trees"
    trees.mkdir(exist_ok=True)
    wanted = [(layer.number, layer.size) for layer in layers]
    free = [each for number in _numbers(trees) if (each := _take(trees, number)) is not None]
    try:
        for each in free:
            if _is_useless(store, each):
                remove_tree(each.directory)
        costs = [(_cost(store, each, wanted), -_used(each), each) for each in free]
        costs.sort(key=lambda cost: cost[:2])
        everything = 1 + sum(size for _, size in wanted)
        if costs and costs[0][0] < everything:
            chosen = costs[0][2]
        else:
            chosen = next((e for e in free if not e.directory.exists()), None) or _new(trees)
            _empty(chosen)
        os.utime(chosen.directory)
        idle = [
            each for _, _, each in sorted(costs, key=lambda cost: cost[1]) if each is not chosen
        ]
        for each in idle[IDLE_TREES - 1 :]:
            remove_tree(each.directory)
    except BaseException:
        for each in free:
            each.end()
        raise
    for each in free:
        if each is not chosen:
            each.end()
    return chosen


def _numbers(trees: Path) -> list[int]:
    return sorted(int(path.stem) for path in trees.glob("*.lock") if path.stem.isdigit())


def _new(trees: Path) -> Lease:
    number = max(_numbers(trees), default=0) + 1
    while (made := _take(trees, number)) is None:
        number += 1
    return made


def _take(trees: Path, number: int) -> Lease | None:
    handle = os.open(trees / f"{number}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    busy = trees / f"{number}.busy"
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        running = os.open(busy, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(running, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(running)
    except BlockingIOError:
        os.close(handle)
        return None
    return Lease(trees / str(number), busy, handle)


def _empty(tree: Lease) -> None:
    remove_tree(tree.directory)
    tree.files.mkdir(parents=True)


def _is_useless(store: Store, tree: Lease) -> bool:
    """Whether a tree was never finished, or shows layers that were deleted since."""
    state = State.header(tree.state)
    return state is None or not all(
        (store.root / "layers" / str(number)).exists() for number, _ in state.layers
    )


def _cost(store: Store, tree: Lease, wanted: Sequence[tuple[int, int]]) -> int:
    """Bytes to remove and to add, as far as layers tell; very many for a tree that is no use."""
    state = State.header(tree.state)
    if state is None or state.kind != store.holding.kind:
        return 1 << 62
    common = 0
    for have, want in zip(state.layers, wanted, strict=False):
        if have != want:
            break
        common += 1
    return sum(size for _, size in [*state.layers[common:], *wanted[common:]])


def _used(tree: Lease) -> float:
    try:
        return tree.directory.stat().st_mtime
    except FileNotFoundError:
        return 0.0
