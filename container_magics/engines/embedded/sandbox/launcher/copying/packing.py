"""Files that go out of a container, in the order of a tar: a directory before what is in it."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from .messages import Item
from .paths import Root

__all__ = ["pack"]

_CHUNK = 1 << 20
_FILE = os.O_RDONLY | os.O_NONBLOCK
_CAPABILITY = "security.capability"


class _Directory(NamedTuple):
    """One that is being gone through: where it is, its path among the items, what is left of it."""

    place: str
    path: str
    handle: int
    names: list[str]


def pack(
    root: Root, place: str, give: Callable[[Item], None], write: Callable[[bytes], None]
) -> None:
    """Give out a file, or a directory with all that is in it; sockets are left out.

    Args:
        root: the container's.
        place: a path without symlinks, but at its end.
        give: takes each item.
        write: takes its content in parts.

    Raises:
        OSError: something cannot be read, or became shorter while it was.
    """
    _Packing(root, give, write).run(place)


class _Packing:
    def __init__(
        self, root: Root, give: Callable[[Item], None], write: Callable[[bytes], None]
    ) -> None:
        self._root = root
        self._give = give
        self._write = write
        self._first: dict[tuple[int, int], str] = {}
        self._entered: list[_Directory] = []

    def run(self, place: str) -> None:
        parent = self._root.directory(posixpath.dirname(place))
        self._put(parent, place, "")
        os.close(parent)
        while self._entered:
            place, path, handle, names = self._entered[-1]
            if names:
                name = names.pop()
                self._put(handle, posixpath.join(place, name), posixpath.join(path, name))
            else:
                os.close(handle)
                self._entered.pop()

    def _put(self, parent: int, place: str, path: str) -> None:
        status = self._root.status(place) if place == "/" else self._root.status_in(parent, place)
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFSOCK:
            return
        if kind == stat.S_IFDIR:
            self._give(_item(path, status))
            self._enter(parent, place, path)
            return
        if status.st_nlink > 1:
            first = self._first.setdefault((status.st_dev, status.st_ino), path)
            if first != path:
                mode = stat.S_IMODE(status.st_mode)
                self._give(_item(path, status)._replace(mode=mode, link=first))
                return
        if kind == stat.S_IFREG:
            self._read(parent, place, path)
        elif kind == stat.S_IFLNK:
            link = os.readlink(posixpath.basename(place), dir_fd=parent)
            self._give(_item(path, status)._replace(link=link))
        else:
            device = status.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0
            item = _item(path, status)
            self._give(item._replace(major=os.major(device), minor=os.minor(device)))

    def _enter(self, parent: int, place: str, path: str) -> None:
        if place == "/":
            handle = self._root.directory(place)
            listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
            os.close(handle)
        else:
            listed = self._root.open_in(parent, place, os.O_RDONLY | os.O_DIRECTORY)
        names = sorted(os.listdir(listed), reverse=True)
        self._entered.append(_Directory(place, path, listed, names))

    def _read(self, parent: int, place: str, path: str) -> None:
        handle = self._root.open_in(parent, place, _FILE)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(f"{place} has become something else")
            xattrs = {}
            if status.st_mode & 0o111:
                with suppress(OSError):
                    xattrs[_CAPABILITY] = os.getxattr(handle, _CAPABILITY).hex()
            self._give(_item(path, status)._replace(size=status.st_size, xattrs=xattrs))
            left = status.st_size
            while left and (data := os.read(handle, min(left, _CHUNK))):
                left -= len(data)
                self._write(data)
            if left:
                # Its end is told by its size alone.
                while left:
                    data = bytes(min(left, _CHUNK))
                    left -= len(data)
                    self._write(data)
                raise OSError(f"{place} became shorter while it was read")
        finally:
            os.close(handle)


def _item(path: str, status: os.stat_result) -> Item:
    seconds = status.st_mtime_ns // 1_000_000_000
    return Item(path, status.st_mode, status.st_uid, status.st_gid, mtime=seconds)
