"""Paths as a container sees them, walked one component after the other.

Only directories are opened on the way, and symlinks read, never followed by the kernel: so nothing
leads out of the container's root, whatever its processes do meanwhile. Where the kernel shows
mounts they are there; what PRoot binds is known by its path.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Mapping

__all__ = ["Root"]

_MAX_LINKS = 40
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Root:
    """A container's root.

    Args:
        top: a descriptor of the directory.
        binds: what is shown over it: path of the container → of the host.
    """

    def __init__(self, top: int, binds: Mapping[str, str]) -> None:
        self._top = top
        self._binds = binds

    def resolve(self, path: str, *, follow: bool = True) -> str:
        """A path without symlinks; what comes behind a component that is missing stays as it is.

        Args:
            path: of the container.
            follow: a symlink at its end too.

        Raises:
            OSError: ELOOP.
        """
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        opened = [os.dup(self._top)]  # One more than `done`, as far as directories are there.
        links = 0
        try:
            while todo:
                part = todo.pop()
                if part == "..":
                    del done[-1:]
                    if len(opened) > len(done) + 1:
                        os.close(opened.pop())
                    continue
                place = "/" + "/".join([*done, part])
                known = len(opened) == len(done) + 1
                target = self._link(opened[-1], place) if known and (todo or follow) else ""
                done.append(part)
                if target:
                    links += 1
                    if links > _MAX_LINKS:
                        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                    done.pop()
                    if target.startswith("/"):
                        done.clear()
                        while len(opened) > 1:
                            os.close(opened.pop())
                    todo += [each for each in reversed(target.split("/")) if each not in ("", ".")]
                elif known and todo:
                    try:
                        opened.append(self._enter(opened[-1], place))
                    except (FileNotFoundError, NotADirectoryError):
                        continue
            return "/" + "/".join(done)
        finally:
            for handle in opened:
                os.close(handle)

    def _link(self, parent: int, place: str) -> str:
        """The text of a symlink, "" of anything else."""
        if place in self._binds:
            return ""
        try:
            return os.readlink(posixpath.basename(place), dir_fd=parent)
        except OSError:
            return ""

    def _enter(self, parent: int, place: str) -> int:
        if place in self._binds:
            return os.open(self._binds[place], _DIRECTORY & ~os.O_NOFOLLOW)
        return os.open(posixpath.basename(place), _DIRECTORY, dir_fd=parent)

    def directory(self, place: str, *, make: bool = False) -> int:
        """An O_PATH descriptor of a directory.

        Args:
            place: a path without symlinks.
            make: whether what is missing is made.

        Raises:
            OSError: it is not there, or has become something else.
        """
        here = os.dup(self._top)
        done = ""
        for part in place.split("/"):
            if not part:
                continue
            done += "/" + part
            try:
                try:
                    below = self._enter(here, done)
                except FileNotFoundError:
                    if not make:
                        raise
                    os.mkdir(part, 0o755, dir_fd=here)
                    below = self._enter(here, done)
            finally:
                os.close(here)
            here = below
        return here

    def status(self, place: str) -> os.stat_result:
        """lstat(2) of a path without symlinks."""
        if place == "/":
            return os.fstat(self._top)
        parent = self.directory(posixpath.dirname(place))
        try:
            return self.status_in(parent, place)
        finally:
            os.close(parent)

    def status_in(self, parent: int, place: str) -> os.stat_result:
        """The same with a descriptor of the directory that it lies in."""
        if place in self._binds:
            return os.stat(self._binds[place])
        return os.stat(posixpath.basename(place), dir_fd=parent, follow_symlinks=False)

    def open_in(self, parent: int, place: str, flags: int) -> int:
        """Open a file that is no symlink, likewise."""
        flags |= os.O_CLOEXEC
        if place in self._binds:
            return os.open(self._binds[place], flags)
        return os.open(posixpath.basename(place), flags | os.O_NOFOLLOW, dir_fd=parent)

    def unlink_in(self, parent: int, place: str) -> None:
        """Delete what is no directory, likewise."""
        if place in self._binds:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        os.unlink(posixpath.basename(place), dir_fd=parent)
