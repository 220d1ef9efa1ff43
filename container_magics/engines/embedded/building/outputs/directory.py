"""`local`: the result's file system in a directory, as `fsutil` writes it for buildx.

Files belong to the caller. What the directory has is overwritten where the result has something
else, and stays where it has nothing; a directory in the way of a file gives way with its content.
No symlink is followed on the way, neither the result's nor one that was there.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .....errors import BuildError, UsageError
from .....oci.entries import Entry
from ...archives.rootfs import Opener
from .result import Result
from .whole import beside

__all__ = ["Directory", "move_into"]

_CHUNK = 1 << 20
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Directory:
    """Exports to a directory, which is made if it is missing."""

    title = "exporting to client directory"

    def __init__(self, destination: Path) -> None:
        self.place = os.fspath(destination)
        self._destination = destination

    def write(self, result: Result) -> None:
        """See `Exporter`."""
        destination = self._destination.resolve()
        if destination.exists() and not destination.is_dir():
            raise UsageError(f"destination directory {destination} is a file")
        destination.parent.mkdir(parents=True, exist_ok=True)
        with beside(destination) as scratch:
            staging = scratch / "new"
            staging.mkdir()
            directories: dict[str, Entry] = {}
            for entry, opener in result.entries():
                result.check()
                _make(staging, entry, opener, result)
                if entry.kind == stat.S_IFDIR:
                    directories[entry.path] = entry
            move_into(staging, destination, directories, scratch)


def _make(root: Path, entry: Entry, opener: Opener, result: Result) -> None:
    """Make one object below a directory that nobody else writes to; its parents are there."""
    full = root / entry.path
    if entry.kind == stat.S_IFDIR:
        full.mkdir(mode=0o700)
        return
    if entry.kind == 0:
        os.link(root / entry.link, full, follow_symlinks=False)
        return
    if entry.kind == stat.S_IFREG:
        _write(full, opener, result)
    elif entry.kind == stat.S_IFLNK:
        full.symlink_to(entry.link)
    elif entry.kind == stat.S_IFIFO:
        os.mkfifo(full)
    else:
        try:
            os.mknod(full, entry.mode, os.makedev(entry.major, entry.minor))
        except PermissionError as error:
            raise BuildError(
                f"failed to create device /{entry.path}: operation not permitted",
                hint="Only root can: export a stage without it, or use type=tar.",
            ) from error
    if entry.kind != stat.S_IFLNK:
        full.chmod(stat.S_IMODE(entry.mode))
    os.utime(full, (entry.mtime, entry.mtime), follow_symlinks=False)


def _write(full: Path, opener: Opener, result: Result) -> None:
    with full.open("xb") as target:
        if opener is None:
            return
        with opener() as source:
            while data := source.read(_CHUNK):
                result.check()
                target.write(data)


def move_into(source: Path, target: Path, directories: Mapping[str, Entry], scratch: Path) -> None:
    """Move what is in one directory into another, and directories' content into those there.

    Args:
        source: is empty afterwards, but for directories.
        target: is made if it is missing.
        directories: say the modes and times of those that come, by path.
        scratch: where to put what gives way; on one file system with the others.

    Raises:
        OSError: something cannot be replaced.
    """
    target.mkdir(exist_ok=True)
    order = sorted(directories, key=lambda path: path.split("/"))
    with _opened(source) as old, _opened(target) as new, _opened(scratch) as aside:
        for path in ("", *order):
            with _below(old, path) as here, _below(new, path) as there:
                for name in sorted(os.listdir(here)):
                    if (f"{path}/{name}" if path else name) in directories:
                        _take_directory(there, name, aside)
                    else:
                        _make_room(there, name, aside, for_directory=False)
                        os.replace(name, name, src_dir_fd=here, dst_dir_fd=there)
        for path in reversed(order):
            entry = directories[path]
            with _below(new, path) as there:
                os.fchmod(there, stat.S_IMODE(entry.mode))
                os.utime(there, (entry.mtime, entry.mtime))


def _take_directory(parent: int, name: str, aside: int) -> None:
    """See that there is a directory which can be written to."""
    _make_room(parent, name, aside, for_directory=True)
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
    with _below(parent, name) as directory:
        os.fchmod(directory, 0o700)


def _make_room(parent: int, name: str, aside: int, *, for_directory: bool) -> None:
    """Put aside what is a directory where a file comes, and the other way round."""
    try:
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(there.st_mode) != for_directory:
        os.rename(name, uuid.uuid4().hex, src_dir_fd=parent, dst_dir_fd=aside)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, _OPEN)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _below(root: int, path: str) -> Iterator[int]:
    """A directory's descriptor, by its clean path below another; no part may be a symlink."""
    here = os.dup(root)
    try:
        for part in path.split("/") if path else ():
            below = os.open(part, _OPEN, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)
