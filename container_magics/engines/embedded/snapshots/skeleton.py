"""The lowest files of every root file system: mount points, so that no layer has to hold them.

They are shown below the layers of an image and never become part of one. Where files belong to one
user and nothing listens (`Holding`), images that have apt are also told to stay root: apt drops to
a user `_apt` that doesn't exist there, checks that it did, and would give up.
"""

from __future__ import annotations

import stat
from pathlib import Path

from ....oci.entries import Entry
from ....oci.tree import Tree
from ..storage.holding import Holding

__all__ = ["APT_DIRECTORY", "make", "missing_from", "name_for"]

APT_DIRECTORY = "etc/apt/apt.conf.d"
_DIRECTORIES = ("dev", "etc", "proc", "sys")
_FILES = {"etc/hostname": b"", "etc/hosts": b"", "etc/resolv.conf": b""}
# The last of a directory's files wins, in the order of their names (apt.conf(5)).
_APT_FILES = {f"{APT_DIRECTORY}/zz-container-magics": b'APT::Sandbox::User "root";\n'}


def name_for(tree: Tree, holding: Holding) -> str:
    """Which skeleton an image with this tree gets: the name of a directory of the store."""
    return "skeleton-apt" if _stays_root(tree, holding) else "skeleton"


def make(root: Path) -> None:
    """Write the skeletons' directories in a store's root, where they are missing."""
    for name, files in (("skeleton", _FILES), ("skeleton-apt", {**_FILES, **_APT_FILES})):
        for directory in _DIRECTORIES:
            (root / name / directory).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            place = root / name / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() or place.stat().st_size != len(content):
                place.write_bytes(content)


def missing_from(tree: Tree, holding: Holding) -> list[tuple[Entry, bytes]]:
    """What a working tree of these layers needs besides them, parents first, with content."""
    files = {**_FILES, **_APT_FILES} if _stays_root(tree, holding) else _FILES
    wanted = [(Entry(path, stat.S_IFDIR | 0o755), b"") for path in _DIRECTORIES]
    wanted += [
        (Entry(path, stat.S_IFREG | 0o644, size=len(content)), content)
        for path, content in files.items()
    ]
    missing = []
    made: set[str] = set()
    for entry, content in wanted:
        parent = tree.lookup(entry.path.rpartition("/")[0])
        fits = entry.path.rpartition("/")[0] in made or (parent is not None and parent.is_directory)
        if fits and tree.lookup(entry.path) is None:
            missing.append((entry, content))
            made.add(entry.path)
    return missing


def _stays_root(tree: Tree, holding: Holding) -> bool:
    if not holding.keeps_records or holding.listened:
        return False
    directory = tree.lookup(APT_DIRECTORY)
    return directory is not None and directory.is_directory
