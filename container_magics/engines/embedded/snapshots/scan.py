"""A working tree as it is on disk, and as it was when it was last known to be right.

A file is taken as unchanged while its inode, change time, size and mode are: nothing can write to
it without setting the change time, which no program can set.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ..storage.holding import Holding

__all__ = ["Known", "Scan", "Scanner", "Stamp", "State", "outlive", "scan", "stamp_of"]

_FORMAT = 2
_PATIENCE_SECONDS = 0.1
_CLOCK_REALTIME_COARSE = 5  # Linux' number; what file systems stamp with


class Stamp(NamedTuple):
    """What shows that a file changed: times in ns, sizes in bytes (0 for a directory)."""

    inode: int
    ctime: int
    size: int
    mode: int


class Known(NamedTuple):
    """A path of a tree that is right: its stamp, its layer (0: the skeleton), its place there."""

    stamp: Stamp
    layer: int
    place: str


@dataclass
class Scan:
    """Every path of a tree, and the modes of those that had to be opened up to be read."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)


class Scanner:
    """Looks at one tree, as often as wanted, and remembers the modes that looking changed."""

    def __init__(self, root: str, holding: Holding) -> None:
        self._root = root
        self._holding = holding
        self._opened: dict[str, tuple[Stamp, int]] = {}

    def look(self) -> Scan:
        """The tree as it is; `opened` has what earlier looks changed, unless it changed again."""
        found = scan(self._root, self._holding)
        for path, mode in found.opened.items():
            self._opened[path] = (found.stamps[path], mode)
        found.opened = {
            path: mode
            for path, (stamp, mode) in self._opened.items()
            if found.stamps.get(path) == stamp
        }
        return found


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of an lstat(2)."""
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return Stamp(status.st_ino, status.st_ctime_ns, size, status.st_mode)


def scan(root: str, holding: Holding) -> Scan:
    """Look at every path below a directory that nobody writes to at the moment.

    Where files belong to one user, that user is given back what a program has taken from their
    modes: else they could be neither read nor deleted.
    """
    found = Scan()
    todo = [""]
    while todo:
        directory = todo.pop()
        with os.scandir(f"{root}/{directory}" if directory else root) as items:
            for item in items:
                path = f"{directory}/{item.name}" if directory else item.name
                status = item.stat(follow_symlinks=False)
                kind = stat.S_IFMT(status.st_mode)
                if not holding.true_owners and kind != stat.S_IFLNK:
                    needed = 0o700 if kind == stat.S_IFDIR else 0o600
                    if status.st_mode & needed != needed:
                        found.opened[path] = status.st_mode
                        os.chmod(item.path, stat.S_IMODE(status.st_mode) | needed)
                        status = os.lstat(item.path)
                found.stamps[path] = stamp_of(status)
                if kind == stat.S_IFDIR:
                    todo.append(path)
    return found


@dataclass
class State:
    """A tree as it was when it was right: the layers it shows, lowest first, and its paths."""

    kind: str
    layers: list[tuple[int, int]]
    paths: dict[str, Known]

    def save(self, path: Path) -> None:
        """Write it in one piece; the first line is what `header` reads."""
        scratch = path.with_name(path.name + ".new")
        head = {"format": _FORMAT, "kind": self.kind, "layers": self.layers}
        body = [[p, *known.stamp, known.layer, known.place] for p, known in self.paths.items()]
        scratch.write_text(f"{json.dumps(head)}\n{json.dumps(body)}\n")
        scratch.replace(path)

    @classmethod
    def header(cls, path: Path) -> State | None:
        """Kind and layers alone, or None where no tree is known to have been right."""
        try:
            with path.open() as file:
                head = json.loads(file.readline())
        except (OSError, ValueError):
            return None
        if not isinstance(head, dict) or head.get("format") != _FORMAT:
            return None
        return cls(head["kind"], [(number, size) for number, size in head["layers"]], {})

    @classmethod
    def load(cls, path: Path) -> State | None:
        """All of it; None as above."""
        state = cls.header(path)
        if state is None:
            return None
        try:
            body = json.loads(path.read_text().partition("\n")[2])
        except ValueError:
            return None
        state.paths = {
            name: Known(Stamp(inode, ctime, size, mode), layer, place)
            for name, inode, ctime, size, mode, layer, place in body
        }
        return state

    def differs(self, stamps: Mapping[str, Stamp]) -> bool:
        """Whether a tree with these stamps was changed since."""
        paths = self.paths
        return len(paths) != len(stamps) or any(
            (known := paths.get(path)) is None or known.stamp != stamp
            for path, stamp in stamps.items()
        )


def outlive(stamps: Iterable[Stamp]) -> None:
    """Wait until the kernel's clock is past every change time, so that any later change shows.

    A tick is a few milliseconds, so there is nothing to wait for but right after a change.
    """
    newest = max((stamp.ctime for stamp in stamps), default=0)
    patience = time.monotonic() + _PATIENCE_SECONDS
    while time.clock_gettime_ns(_CLOCK_REALTIME_COARSE) <= newest and time.monotonic() < patience:
        time.sleep(0.001)
