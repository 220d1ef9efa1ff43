"""Making a working tree what a stack of layers says, with as little work as its state allows."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ....oci.entries import Entry
from ....oci.tree import SUPERSEDED, Tree
from ..storage.content import open_below
from ..storage.holding import Holding
from ..storage.store import LayerRow, Store
from ..storage.unpack import set_metadata
from . import skeleton
from .scan import Known, Stamp, stamp_of

__all__ = ["copy_file", "synchronise"]

_FICLONE = 0x40049409
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)


class _Want(NamedTuple):
    entry: Entry
    layer: int
    place: str
    content: Path | bytes


def synchronise(
    store: Store, tree: Tree, root: str, known: Mapping[str, Known], stamps: Mapping[str, Stamp]
) -> dict[str, Known]:
    """Make the files below `root` those of a merged tree, with the skeleton below it.

    Args:
        store: has the tree's layers.
        tree: what shall be there.
        root: an existing directory that nobody else uses.
        known: what is known to be right, of whichever layers.
        stamps: what is there.

    Returns:
        What is known afterwards: everything.
    """
    return _Synchronisation(store, tree, root, known, stamps).run()


@dataclass
class _Synchronisation:
    store: Store
    tree: Tree
    root: str
    known: Mapping[str, Known]
    stamps: Mapping[str, Stamp]

    def run(self) -> dict[str, Known]:
        wanted = self._wanted()
        right = {
            path: known
            for path, known in self.known.items()
            if self.stamps.get(path) == known.stamp
            and (want := wanted.get(path)) is not None
            and (want.layer, want.place) == (known.layer, known.place)
        }
        touched = self._remove(wanted, right)
        touched |= self._make(wanted, right)
        holding = self.store.holding
        for path in sorted(touched, reverse=True):
            full = f"{self.root}/{path}"
            set_metadata(full, wanted[path].entry, holding)
            right[path] = _known(full, wanted[path])
        set_metadata(self.root, self.tree.root.entry, holding)
        return right

    def _wanted(self) -> dict[str, _Want]:
        """What shall be there by path, parents first."""
        holding = self.store.holding
        wanted: dict[str, _Want] = {}
        for path, node in self.tree.walk():
            if not holding.mapped or node.entry.kind not in _DEVICES:
                wanted[path] = self._want(node.entry, node.layer, node.place)
        for entry, content in skeleton.missing_from(self.tree, holding):
            wanted[entry.path] = _Want(entry, 0, entry.path, content)
        return wanted

    def _want(self, entry: Entry, layer: object, place: str) -> _Want:
        if not isinstance(layer, LayerRow):
            return _Want(entry, 0, place, b"")
        directory = self.store.directory(layer)
        if place.startswith(SUPERSEDED):
            content = directory / "extra" / place[len(SUPERSEDED) :]
        else:
            content = directory / "fs" / place
        return _Want(entry, layer.number, place, content)

    def _remove(self, wanted: Mapping[str, _Want], right: Mapping[str, Known]) -> set[str]:
        """Remove what shall not be there or is not right; the directories that this changed."""
        touched = set()
        for path in sorted(self.stamps, reverse=True):
            if path in right:
                continue
            is_directory = stat.S_ISDIR(self.stamps[path].mode)
            want = wanted.get(path)
            if want is not None and is_directory and want.entry.kind == stat.S_IFDIR:
                touched.add(path)
                continue
            (os.rmdir if is_directory else os.unlink)(f"{self.root}/{path}")
            touched.add(path.rpartition("/")[0])
        return {path for path in touched if path in wanted}

    def _make(self, wanted: Mapping[str, _Want], right: dict[str, Known]) -> set[str]:
        """Make what is missing; the directories that were made or changed."""
        touched = set()
        firsts = {
            (known.layer, known.place): path
            for path, known in right.items()
            if stat.S_ISREG(known.stamp.mode)
        }
        linked: list[str] = []
        for path, want in wanted.items():
            if path in right:
                continue
            parent = path.rpartition("/")[0]
            full = f"{self.root}/{path}"
            if want.entry.kind == stat.S_IFDIR:
                if path not in self.stamps or not stat.S_ISDIR(self.stamps[path].mode):
                    os.mkdir(full, 0o700)
                    touched.add(parent)
                touched.add(path)
                continue
            touched.add(parent)
            first = firsts.get((want.layer, want.place)) if want.layer else None
            if first is not None:
                os.link(f"{self.root}/{first}", full, follow_symlinks=False)
                linked += [first, path]
                continue
            _make_file(full, want, self.store.holding)
            if want.entry.kind == stat.S_IFREG and want.layer:
                firsts[want.layer, want.place] = path
            right[path] = _known(full, want)
        for path in linked:  # A further link changes the change time of all.
            right[path] = _known(f"{self.root}/{path}", wanted[path])
        return {path for path in touched if path}


def _known(full: str, want: _Want) -> Known:
    return Known(stamp_of(os.lstat(full)), want.layer, want.place)


def _make_file(full: str, want: _Want, holding: Holding) -> None:
    entry = want.entry
    if entry.kind == stat.S_IFREG:
        if isinstance(want.content, bytes):
            Path(full).write_bytes(want.content)
        else:
            copy_file(os.fspath(want.content), full)
    elif entry.kind == stat.S_IFLNK:
        os.symlink(entry.link, full)
    elif entry.kind == stat.S_IFIFO:
        os.mkfifo(full)
    elif holding.keeps_records:
        os.mknod(full)
    else:
        os.mknod(full, entry.mode, os.makedev(entry.major, entry.minor))
    set_metadata(full, entry, holding)


def copy_file(source: str, target: str) -> None:
    """Copy a regular file's content to a new file: shared blocks where the file system can."""
    directory, _, name = source.rpartition("/")
    with open_below(Path(directory), name) as reading:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writing = os.open(target, flags, 0o600)
        try:
            _copy(reading.fileno(), writing)
        finally:
            os.close(writing)


def _copy(reading: int, writing: int) -> None:
    size = os.fstat(reading).st_size
    if not size:
        return
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:
        pass
    else:
        return
    try:
        while os.copy_file_range(reading, writing, 1 << 30):
            pass
    except OSError:
        os.lseek(reading, 0, os.SEEK_SET)
        os.ftruncate(writing, 0)
        os.lseek(writing, 0, os.SEEK_SET)
        with (
            os.fdopen(os.dup(reading), "rb") as source,
            os.fdopen(os.dup(writing), "wb") as target,
        ):
            shutil.copyfileobj(source, target, 1 << 20)
