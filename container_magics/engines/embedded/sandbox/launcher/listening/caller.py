"""The process behind a waiting system call: its memory, and the files that it names.

What a caller's memory and directories hold may change while they are looked at. So whatever was
read of a process is used only if its call still waits afterwards (seccomp_unotify(2)), and files
are named by O_PATH descriptors from there on.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Protocol

from ..inroot import open_in_root
from ..owners.status import mount_id
from .notification import Call, Notifications

__all__ = ["AT_FDCWD", "Caller", "GoneError", "NamespacePlace", "Nowhere", "Place", "TreePlace"]

AT_FDCWD = -100
"""In place of a directory's descriptor: the working directory."""
_PATH_MAX = 4096


class GoneError(Exception):
    """The caller does not wait any more: there is nobody to answer."""


class Place(Protocol):
    """Where a container's files are, as seen from the listener."""

    root: str
    """The container's root; ends with a slash."""

    def open(self, caller: Caller, base: int, path: bytes, flags: int) -> int:
        """Open a path that the caller named, relative to a descriptor of its, or `AT_FDCWD`.

        Raises:
            OSError: as open(2).
        """
        ...

    def is_inside(self, handle: int) -> bool:
        """Whether a file belongs to the image or to a volume, and not to what else is mounted."""
        ...


class Caller:
    """One caller, for the time of one call."""

    def __init__(self, call: Call, notifications: Notifications, proc: int, place: Place) -> None:
        self._call = call
        self._notifications = notifications
        self._proc = proc
        self._place = place
        self.thread = call.thread

    def near(self, action: Callable[[], int]) -> int:
        """Do something that takes the right to look into the process.

        Root without CAP_SYS_PTRACE, as in a plain `docker run`, has it as the process' own user.

        Raises:
            OSError: as the action does.
        """
        try:
            return action()
        except PermissionError:
            if os.geteuid() != 0:
                raise
        uid, gid = int(self._fact(b"Uid:")), int(self._fact(b"Gid:"))
        mine = os.getgid()
        try:
            os.setresgid(gid, gid, mine)
            os.setresuid(uid, uid, 0)
            return action()
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(mine, mine, mine)

    def _open(self, name: str, flags: int) -> int:
        path, flags = f"{self.thread}/{name}", flags | os.O_CLOEXEC
        return self.near(lambda: os.open(path, flags, dir_fd=self._proc))

    def _check(self) -> None:
        if not self._notifications.is_waiting(self._call):
            raise GoneError

    def read(self, address: int, size: int) -> bytes:
        """Up to `size` bytes of its memory.

        Raises:
            OSError: EFAULT.
        """
        memory = self._open("mem", os.O_RDONLY)
        try:
            data = os.pread(memory, size, address)
        except (OSError, OverflowError) as error:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
        finally:
            os.close(memory)
        self._check()
        return data

    def text(self, address: int) -> bytes:
        """A path or another text that ends with a zero byte."""
        text, end, _ = self.read(address, _PATH_MAX).partition(b"\0")
        if not end:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return text

    def write(self, address: int, data: bytes) -> None:
        """Write to its memory."""
        memory = self._open("mem", os.O_RDWR)
        try:
            self._check()
            os.pwrite(memory, data, address)
        except (OSError, OverflowError) as error:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
        finally:
            os.close(memory)

    def own(self, name: str, flags: int = os.O_PATH) -> int:
        """Open a file of its /proc directory: `cwd`, `root`, `fd/N`."""
        try:
            handle = self._open(name, flags)
        except FileNotFoundError as error:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from error
        try:
            self._check()
        except GoneError:
            os.close(handle)
            raise
        return handle

    def link(self, name: str) -> str:
        """The text of a link of its /proc directory."""
        return os.readlink(f"{self.thread}/{name}", dir_fd=self._proc)

    def umask(self) -> int:
        """Its file mode creation mask."""
        return int(self._fact(b"Umask:"), 8)

    def process(self) -> int:
        """The ID of the process whose thread waits."""
        return int(self._fact(b"Tgid:"))

    def _fact(self, name: bytes) -> bytes:
        """A line of its /proc/ID/status (proc(5))."""
        status = self.own("status", os.O_RDONLY)
        with os.fdopen(status, "rb") as file:
            return next((line.split()[1] for line in file if line.startswith(name)), b"0")

    def descriptor(self, number: int) -> int:
        """The file behind one of its descriptors, or its working directory."""
        return self.own(_name(number))

    def open(self, base: int, path: bytes, *, follow: bool) -> int:
        """The file at a path; `follow`: a symlink at its end too.

        Raises:
            OSError: as open(2).
        """
        if not path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        own = (b"/proc/self/", b"/proc/thread-self/", b"/proc/%d/" % self.thread)
        if path.startswith(own):
            handle = self.own(os.fsdecode(path.split(b"/", 3)[3]), os.O_PATH | os.O_NOFOLLOW)
            if not follow:
                return handle
            os.close(handle)
            return self.own(os.fsdecode(path.split(b"/", 3)[3]))
        return self._place.open(self, base, path, os.O_PATH | (0 if follow else os.O_NOFOLLOW))

    def parent(self, base: int, path: bytes) -> tuple[int, str]:
        """The directory that a path's last component lies in, and that component."""
        directory, _, name = path.rstrip(b"/").rpartition(b"/")
        if name in (b"", b".", b".."):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        rest = directory or (b"/" if path.startswith(b"/") else b".")
        handle = self._place.open(self, base, rest, os.O_PATH | os.O_DIRECTORY)
        return handle, os.fsdecode(name)


def _name(number: int) -> str:
    """What a descriptor is called in a /proc directory."""
    number = ctypes.c_int(number & 0xFFFFFFFF).value
    return "cwd" if number == AT_FDCWD else f"fd/{number}"


class Nowhere:
    """For a listener that has nothing to do with files."""

    root = "/"

    def open(self, caller: Caller, base: int, path: bytes, flags: int) -> int:
        """See `Place`."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def is_inside(self, handle: int) -> bool:
        """See `Place`."""
        return False


class NamespacePlace:
    """A container in namespaces, whose mount namespace the listener has entered.

    Args:
        volumes: where its volumes are mounted.
    """

    root = "/"

    def __init__(self, volumes: Iterable[str]) -> None:
        top = os.open("/", os.O_PATH | os.O_CLOEXEC)
        self._mounts = {mount_id(top)}
        for target in volumes:
            handle = open_in_root(top, target, os.O_PATH)
            self._mounts.add(mount_id(handle))
            os.close(handle)
        os.close(top)

    def open(self, caller: Caller, base: int, path: bytes, flags: int) -> int:
        """See `Place`."""
        flags |= os.O_CLOEXEC
        root = caller.link("root")
        if root != "/":  # A chroot inside the container.
            start = "/" if path.startswith(b"/") else self._below(caller, base, root)
            top = caller.own("root")
            try:
                return open_in_root(top, os.fspath(PurePosixPath(start, os.fsdecode(path))), flags)
            finally:
                os.close(top)
        if path.startswith(b"/"):
            return os.open(path, flags)
        directory = caller.descriptor(base)
        try:
            return os.open(path, flags, dir_fd=directory)
        finally:
            os.close(directory)

    def _below(self, caller: Caller, base: int, root: str) -> str:
        """The path of a base directory as the caller knows it in its chroot."""
        path = caller.link(_name(base))
        return "/" + path[len(root) :].lstrip("/") if path.startswith(root) else "/"

    def is_inside(self, handle: int) -> bool:
        """See `Place`."""
        return mount_id(handle) in self._mounts


class TreePlace:
    """A container under PRoot, which has made a host path of each path before it is notified of.

    PRoot has followed the container's symlinks inside its root. The path is looked up there again,
    so that a symlink that has come since leads nowhere else.

    Args:
        tree: of its files.
        volumes: the host's directories that it has as volumes.
    """

    def __init__(self, tree: str, volumes: Iterable[str]) -> None:
        self.root = tree.rstrip("/") + "/"
        self._places = (self.root, *(os.path.realpath(volume) + "/" for volume in volumes))
        self._top = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def open(self, caller: Caller, base: int, path: bytes, flags: int) -> int:
        """See `Place`."""
        text = os.fsdecode(path)
        if (text + "/").startswith(self.root):
            return open_in_root(self._top, text[len(self.root) :] or ".", flags)
        if text.startswith("/"):
            return os.open(text, flags | os.O_CLOEXEC)
        directory = caller.descriptor(base)
        try:
            return os.open(text, flags | os.O_CLOEXEC, dir_fd=directory)
        finally:
            os.close(directory)

    def is_inside(self, handle: int) -> bool:
        """See `Place`."""
        return (os.readlink(str(handle)) + "/").startswith(self._places)
