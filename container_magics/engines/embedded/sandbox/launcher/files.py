"""Directories of files that nobody else writes to: walked, copied, removed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

__all__ = ["copy", "remove", "stamp_of", "walk"]

_CHUNK = 1 << 20


def stamp_of(status: os.stat_result) -> list[int]:
    """What shows that a file changed, as `snapshots.scan.Stamp` has it.

    Inode, change time in ns, size in bytes (0 for a directory), mode.
    """
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return [status.st_ino, status.st_ctime_ns, size, status.st_mode]


def walk(root: str) -> Iterator[tuple[str, str]]:
    """A directory and every path below, relative and whole, a directory before what is in it."""
    todo = [""]
    yield "", root
    while todo:
        directory = todo.pop()
        with os.scandir(f"{root}/{directory}" if directory else root) as items:
            found = [(item.name, item.is_dir(follow_symlinks=False)) for item in items]
        for name, is_directory in found:
            path = f"{directory}/{name}" if directory else name
            if is_directory:
                todo.append(path)
            yield path, f"{root}/{path}"


def remove(root: str) -> None:
    """Delete a directory and all that is in it, also while somebody else does."""
    for _, full in reversed(list(walk(root))):
        with suppress(FileNotFoundError):
            status = os.lstat(full)
            (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(full)


def copy(source: str, target: str) -> None:
    """Copy a file, or a directory with all that is in it, as root: owners, modes and times too.

    Symlinks stay what they are, but for the source itself. Sockets are left out.
    """
    source = os.path.realpath(source)
    if not os.path.isdir(source):
        _copy_one(source, target)
        return
    made = []
    for path, full in walk(source):
        place = f"{target}/{path}" if path else target
        _copy_one(full, place)
        made.append((full, place))
    for full, place in reversed(made):  # Writing into a directory changes its time.
        if os.path.isdir(place) and not os.path.islink(place):
            _set_times(full, place)


def _copy_one(source: str, target: str) -> None:
    status = os.lstat(source)
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFSOCK:
        return
    if kind == stat.S_IFDIR:
        os.mkdir(target)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(source), target)
    elif kind == stat.S_IFREG:
        _copy_content(source, target)
    else:
        os.mknod(target, status.st_mode, status.st_rdev)
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if kind != stat.S_IFLNK:
        os.chmod(target, stat.S_IMODE(status.st_mode))
    _set_times(source, target)


def _set_times(source: str, target: str) -> None:
    status = os.lstat(source)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def _copy_content(source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as reading, open(target, "xb", buffering=0) as writing:
        try:
            while os.copy_file_range(reading.fileno(), writing.fileno(), _CHUNK):
                pass
        except OSError:  # Not between these file systems.
            reading.seek(0)
            writing.truncate(0)
            writing.seek(0)
            while data := reading.read(_CHUNK):
                writing.write(data)
