"""A working tree on the rung `subuid`: given to its owners for a container, and taken back.

    ROOT/trees/N/given   there while files of the tree may belong to sub-UIDs

At rest all files are the user's, and the tree's state tells of them as on other rungs. Giving and
taking change a file's change time; what has the same stamp when it is taken as when it was given
has not changed between.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ....oci.tree import Tree
from ..storage import deputy
from ..storage.mapped import facts_of
from .scan import Known, Scan, Stamp, outlive

__all__ = ["GivenTree"]


class GivenTree:
    """The owners of one leased tree.

    Args:
        directory: the tree's, with `fs` in it. If a process died while it was given, it is
            taken back now.

    Attributes:
        taken: what files had when they were taken back, by path.
    """

    def __init__(self, directory: Path) -> None:
        self._files = directory / "fs"
        self._mark = directory / "given"
        self._stamps: dict[str, Stamp] = {}
        self.taken: Mapping[str, deputy.Taken] = {}
        self.take()

    def give(self, tree: Tree) -> None:
        """Give a tree that shows these layers to their owners."""
        self._mark.touch()
        given = deputy.give(self._files, facts_of(tree))
        self._stamps = {path: Stamp(*stamp) for path, stamp in given.items()}
        outlive(self._stamps.values())

    def take(self) -> None:
        """Take it back, if it is given; no container uses it any more."""
        if self._mark.exists():
            self.taken = deputy.take(self._files)
            self._mark.unlink()

    def note_unchanged(self, paths: dict[str, Known], found: Scan) -> None:
        """Bring what is known up to date for files that only giving and taking have changed."""
        for path, was in self.taken.items():
            known, stamp = paths.get(path), found.stamps.get(path)
            if known and stamp and self._stamps.get(path) == was.stamp:
                paths[path] = known._replace(stamp=stamp)
