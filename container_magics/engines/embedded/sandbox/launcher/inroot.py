"""Paths resolved inside a root directory whose content nobody trusts.

A symlink in an image may point anywhere; followed by the host it would reach the user's own
files. `openat2` with RESOLVE_IN_ROOT does the walk in the kernel; where it is missing (old kernels,
seccomp profiles) the walk is done here, component by component, with O_NOFOLLOW.
"""

from __future__ import annotations

import errno
import os
import stat

from . import kernel

__all__ = [
    "make_directories",
    "make_mount_point",
    "open_file_below",
    "open_in_root",
    "read_in_root",
    "remove_empty_file",
]

_MAX_LINKS = 40
_MAX_FILE = 1 << 20
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a FIFO which an attacker has put in a file's place gives an error.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_in_root(root: int, path: str, flags: int) -> int:
    """Open a path inside the root (a directory's file descriptor).

    Raises:
        OSError: as open(2) would inside a chroot.
    """
    try:
        return kernel.openat2_in_root(root, path.lstrip("/"), flags)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
            raise
    return _walk(root, path, flags)


def _walk(root: int, path: str, flags: int) -> int:
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    opened = [os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)]
    links = 0
    try:
        while todo:
            part = todo.pop()
            if part == "..":
                if len(opened) > 1:
                    os.close(opened.pop())
                continue
            handle = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=opened[-1])
            if stat.S_ISLNK(os.fstat(handle).st_mode) and (todo or not flags & os.O_NOFOLLOW):
                target = os.readlink("", dir_fd=handle)
                os.close(handle)
                links += 1
                if links > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if target.startswith("/"):
                    while len(opened) > 1:
                        os.close(opened.pop())
                todo += [p for p in reversed(target.split("/")) if p not in ("", ".")]
                continue
            opened.append(handle)
        return os.open(f"/proc/self/fd/{opened[-1]}", (flags | os.O_CLOEXEC) & ~os.O_NOFOLLOW)
    finally:
        for handle in opened:
            os.close(handle)


def read_in_root(root: int, path: str) -> str:
    """The text of a regular file inside the root, at most 1 MiB; "" where there is none."""
    try:
        handle = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return ""
        return file.read(_MAX_FILE).decode("utf-8", "replace")


def make_directories(root: int, path: str) -> None:
    """`mkdir -p` inside the root; what is there already stays, symlinks lead inside."""
    here = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    done = ""
    try:
        for part in path.split("/"):
            if part in ("", ".", ".."):
                continue
            done += "/" + part
            try:
                below = open_in_root(root, done, os.O_PATH | os.O_DIRECTORY)
            except FileNotFoundError:
                os.mkdir(part, 0o755, dir_fd=here)
                below = open_in_root(root, done, os.O_PATH | os.O_DIRECTORY)
            os.close(here)
            here = below
    finally:
        os.close(here)


def make_mount_point(root: int, target: str, *, directory: bool) -> None:
    """What something can be mounted on inside the root; a file that is missing is made empty."""
    if directory:
        make_directories(root, target)
        return
    parent, _, name = target.rstrip("/").rpartition("/")
    make_directories(root, parent)
    try:
        os.close(open_in_root(root, target, os.O_PATH))
    except FileNotFoundError:
        holder = open_in_root(root, parent or ".", os.O_PATH | os.O_DIRECTORY)
        flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o644, dir_fd=holder))
        os.close(holder)


def remove_empty_file(root: int, path: str) -> None:
    """Remove a regular file inside the root if it is there and empty.

    Raises:
        PermissionError: a directory on the way does not let us.
    """
    parent, _, name = path.rpartition("/")
    try:
        directory = open_in_root(root, parent or ".", os.O_PATH | os.O_DIRECTORY)
    except PermissionError:
        raise
    except OSError:
        return  # It was in something else that was mounted.
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode) and not status.st_size:
            os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    finally:
        os.close(directory)


def open_file_below(root: str, path: str) -> int:
    """A regular file at a relative, clean path below a directory; no component may be a symlink.

    Raises:
        OSError: it is missing, is no regular file, or lies behind a symlink.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise OSError(f"not a clean path: {path!r}")
    here = os.open(root, _DIRECTORY)
    try:
        for part in parts[:-1]:
            below = os.open(part, _DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(parts[-1], _FILE, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"no regular file: {path!r}")
    return file
