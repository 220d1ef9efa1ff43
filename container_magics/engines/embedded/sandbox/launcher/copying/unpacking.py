"""Files that come into a container, as docker's `Untar` has them (`pkg/archive`).

A directory and a directory become one; what is no directory gives way to what is none; nothing
else is replaced. What is there when something goes wrong stays.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from ..owners.ledger import ATTRIBUTE
from .messages import Item
from .paths import Root

__all__ = ["CannotCopyError", "Unpacking"]

_CHUNK = 1 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_CAPABILITY = "security.capability"


class CannotCopyError(Exception):
    """What cannot be done, in words for people."""


class Unpacking:
    """Puts files below a directory.

    Args:
        root: the container's.
        place: the directory, a path without symlinks.
    """

    def __init__(self, root: Root, place: str) -> None:
        self._root = root
        self._place = place
        self._last = ("", "", -1)
        self._times: dict[str, int] = {}

    def put(self, item: Item, read: Callable[[int], bytes]) -> None:
        """Make a file; `read` gives up to so many bytes of its content.

        Raises:
            CannotCopyError: it cannot be made, or must not.
        """
        if not item.path:
            return  # The directory itself stays as it is.
        with _reasons(posixpath.join(self._place, item.path)):
            directory, name = posixpath.split(item.path)
            parent, handle = self._parent(directory)
            place = posixpath.join(parent, name)
            exists = self._make_room(handle, place, item)
            kind = stat.S_IFMT(item.mode)
            if kind == stat.S_IFDIR:
                if not exists:
                    os.mkdir(name, 0o700, dir_fd=handle)
                self._own(handle, place, item)
                self._times[place] = item.mtime
            elif kind == stat.S_IFREG:
                self._write(handle, name, item, read)
            elif kind == 0:
                self._link(handle, name, item)
            else:
                self._make(handle, name, item)

    def _parent(self, path: str) -> tuple[str, int]:
        """The directory of a path below this one: where it really is, and a descriptor."""
        if self._last[2] < 0 or self._last[0] != path:
            place = self._root.resolve(posixpath.join(self._place, path))
            handle = self._root.directory(place, make=True)
            if self._last[2] >= 0:
                os.close(self._last[2])
            self._last = (path, place, handle)
        return self._last[1:]

    def _make_room(self, parent: int, place: str, item: Item) -> bool:
        """Delete what gives way; whether a directory is there that stays."""
        try:
            there = self._root.status_in(parent, place)
        except FileNotFoundError:
            return False
        is_directory = stat.S_ISDIR(there.st_mode)
        if is_directory != stat.S_ISDIR(item.mode):
            old, new = ("directory", "non-directory")[:: 1 if is_directory else -1]
            raise CannotCopyError(f'cannot overwrite {old} "{place}" with {new} "{self._place}"')
        if not is_directory:
            try:
                self._root.unlink_in(parent, place)
            except OSError as error:
                raise CannotCopyError(f"unlinkat {place}: {_words(error)}") from error
        return is_directory

    def _write(self, parent: int, name: str, item: Item, read: Callable[[int], bytes]) -> None:
        handle = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
        try:
            left = item.size
            while left:
                data = memoryview(read(min(left, _CHUNK)))
                left -= len(data)
                while data:
                    data = data[os.write(handle, data) :]
            _describe(handle, item)
            os.utime(handle, (item.mtime, item.mtime))
        finally:
            os.close(handle)

    def _link(self, parent: int, name: str, item: Item) -> None:
        directory, linked = posixpath.split(item.link)
        place = self._root.resolve(posixpath.join(self._place, directory))
        source = self._root.directory(place)
        try:
            os.link(linked, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)

    def _make(self, parent: int, name: str, item: Item) -> None:
        if stat.S_ISLNK(item.mode):
            leads = posixpath.join(self._place, posixpath.dirname(item.path), "./" + item.link)
            if not f"{posixpath.normpath(leads)}/".startswith(self._place.rstrip("/") + "/"):
                path = posixpath.join(self._place, item.path)
                raise CannotCopyError(f'invalid symlink "{path}" -> "{item.link}"')
            os.symlink(item.link, name, dir_fd=parent)
        else:
            os.mknod(name, item.mode, os.makedev(item.major, item.minor), dir_fd=parent)
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)

        def change(uid: int, gid: int) -> None:
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)

        _give(status, item, change)
        os.utime(name, (item.mtime, item.mtime), dir_fd=parent, follow_symlinks=False)

    def _own(self, parent: int, place: str, item: Item) -> None:
        handle = self._root.open_in(parent, place, _DIRECTORY)
        try:
            _describe(handle, item)
        finally:
            os.close(handle)

    def finish(self) -> None:
        """Set the times of directories, which writing into them has changed.

        Raises:
            CannotCopyError: one has become something else.
        """
        for place in sorted(self._times, reverse=True):
            with _reasons(place):
                parent = self._root.directory(posixpath.dirname(place))
                try:
                    handle = self._root.open_in(parent, place, _DIRECTORY)
                finally:
                    os.close(parent)
                try:
                    os.utime(handle, (self._times[place], self._times[place]))
                finally:
                    os.close(handle)


def _describe(handle: int, item: Item) -> None:
    """Give an open file its owner, mode and attributes."""
    _give(os.fstat(handle), item, lambda uid, gid: os.fchown(handle, uid, gid))
    os.fchmod(handle, stat.S_IMODE(item.mode))
    for name, value in _attributes(item.xattrs).items():
        with suppress(OSError):  # Not on this file system, as in Docker.
            os.setxattr(handle, name, value)


def _give(status: os.stat_result, item: Item, change: Callable[[int, int], None]) -> None:
    """Change an owner where it is another; one that there can be none of here is root."""
    if (status.st_uid, status.st_gid) == (item.uid, item.gid):
        return
    try:
        change(item.uid, item.gid)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        change(0, 0)


def _attributes(xattrs: Mapping[str, str]) -> dict[str, bytes]:
    """Those that are the file's own, and not how the engine keeps it."""
    return {
        name: bytes.fromhex(value)
        for name, value in xattrs.items()
        if name == _CAPABILITY
        or (name.startswith("user.") and not name.startswith(("user.overlay.", ATTRIBUTE)))
    }


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


@contextmanager
def _reasons(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotCopyError(f"{path}: {_words(error)}") from error
