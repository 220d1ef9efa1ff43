"""What the system calls do that make a file, where its owner is not the kernel's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..listening.caller import AT_FDCWD, Caller, Place
from .credentials import Credentials
from .owning import OwnedFiles

__all__ = ["Arguments", "Descriptor", "Making", "Result"]


class Descriptor(NamedTuple):
    """An open file for the caller; `flags` is 0 or O_CLOEXEC."""

    handle: int
    flags: int


Arguments = Sequence[int]
"""A call's arguments."""
Result = int | Descriptor | None
"""What a call returns, -errno where it fails; None: the kernel shall do it."""


class Making:
    """The calls of one container's processes that make files."""

    def __init__(self, files: OwnedFiles, credentials: Credentials, place: Place) -> None:
        self._files = files
        self._credentials = credentials
        self._place = place

    @property
    def calls(self) -> Mapping[str, Callable[[Caller, str, Arguments], Result]]:
        """What does each call, by name."""
        families = (
            (self._open, "open creat openat"),
            (self._make, "mkdir mkdirat mknod mknodat"),
            (self._symlink, "symlink symlinkat"),
        )
        return {name: family for family, names in families for name in names.split()}

    def _comes_out_right(self, caller: Caller, directory: int, mode: int) -> bool:
        """Whether the kernel shall do it."""
        if not self._files.capable and not stat.S_ISLNK(mode):
            mode &= ~caller.umask()
        return self._files.comes_out_right(directory, mode, self._credentials.of(caller))

    def _open(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        if name == "creat":
            arguments = (arguments[0], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, arguments[1])
        base = AT_FDCWD
        if name == "openat":
            base, arguments = arguments[0], arguments[1:]
        flags = arguments[1] & 0x7FFFFFFF
        if flags & os.O_DIRECTORY:
            return None
        with _parent(caller, base, arguments[0]) as (directory, last):
            if directory < 0 or _exists(directory, last):
                return None
            who = self._credentials.of(caller)
            mode = arguments[2] & 0o7777
            if self._comes_out_right(caller, directory, stat.S_IFREG | mode):
                return None
            mode &= ~caller.umask()
            try:
                made = self._files.make_file(directory, last, flags, mode, who)
            except FileExistsError:
                return None
        return Descriptor(made, flags & os.O_CLOEXEC)

    def _make(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        base = AT_FDCWD
        if name.endswith("at"):
            base, arguments = arguments[0], arguments[1:]
        asked = arguments[1] & 0xFFFFFFFF
        is_node = name.startswith("mknod")
        with _parent(caller, base, arguments[0]) as (directory, last):
            if directory < 0 or _exists(directory, last):
                return None
            who = self._credentials.of(caller)
            kind = (stat.S_IFMT(asked) or stat.S_IFREG) if is_node else stat.S_IFDIR
            mode = kind | stat.S_IMODE(asked)
            if is_node and kind in (stat.S_IFCHR, stat.S_IFBLK):
                if not self._place.is_inside(directory):
                    return 0
            elif self._comes_out_right(caller, directory, mode):
                return None
            mode &= ~caller.umask()
            if is_node:
                self._files.make_node(directory, last, mode, arguments[2], who)
            else:
                self._files.make_directory(directory, last, stat.S_IMODE(mode), who)
        return 0

    def _symlink(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        base = AT_FDCWD
        target = caller.text(arguments[0])
        if name == "symlinkat":
            base, arguments = arguments[1], arguments[1:]
        with _parent(caller, base, arguments[1]) as (directory, last):
            if directory < 0 or _exists(directory, last):
                return None
            who = self._credentials.of(caller)
            if self._comes_out_right(caller, directory, stat.S_IFLNK | 0o777):
                return None
            self._files.make_symlink(directory, last, target, who)
        return 0


@contextmanager
def _parent(caller: Caller, base: int, path: int) -> Iterator[tuple[int, str]]:
    """The directory that something shall be made in, -1 where the kernel says what is wrong."""
    try:
        directory, name = caller.parent(base, caller.text(path))
    except OSError:
        yield -1, ""
        return
    try:
        yield directory, name
    finally:
        os.close(directory)


def _exists(directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return True
