"""Files of this machine as a tar, and a tar's files on this machine, for `docker cp`.

A tar from a container is untrusted. Everything is written below one directory, through
directories that are no symlinks; what is there gives way as with docker (`Untar` of its
`pkg/archive`), and files belong to the caller.
"""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...errors import ContainerMagicsError, CorruptArchiveError
from ...oci.entries import Entry
from ...oci.members import Member, read_members

__all__ = ["pack", "unpack"]

_CHUNK = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


# --- packing ------------------------------------------------------------------------------------


def pack(path: Path, name: str, target: BinaryIO, count: Callable[[int], None]) -> None:
    """Write a file, or a directory with all that is in it, as a tar.

    Args:
        path: of the file; a symlink is packed as one.
        name: what it is called in the tar; "" packs what is in the directory.
        target: where to.
        count: is told the bytes of each file.

    Raises:
        ContainerMagicsError: something cannot be read.
    """

    def counted(member: tarfile.TarInfo) -> tarfile.TarInfo:
        count(member.size)
        return member

    chosen = [(path, name)] if name else [(each, each.name) for each in sorted(path.iterdir())]
    # GNU's format, for names that are not UTF-8.
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for file, called in chosen:
            try:
                archive.add(file, arcname=called, filter=counted)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise ContainerMagicsError(
                    f"cannot read {error.filename or file}: {error.strerror or error}"
                ) from error


# --- unpacking ----------------------------------------------------------------------------------


def unpack(source: BinaryIO, directory: Path, name: str) -> int:
    """Put what a tar holds, one file or one directory, into a directory.

    Args:
        source: the tar; its first member is that file or directory.
        directory: is there.
        name: what the file or directory is called; "" puts what is in it into `directory`.

    Returns:
        The bytes of all files.

    Raises:
        ContainerMagicsError: a file cannot be written, or would replace a directory, or a
            directory a file.
        CorruptArchiveError: the tar is damaged, or leads out of the directory.
    """
    with _opened(directory) as root:
        return _Unpacking(root, directory, name).run(source)


class _Unpacking:
    def __init__(self, root: int, directory: Path, name: str) -> None:
        self._root = root
        self._directory = directory
        self._name = name
        self._top = ""
        self._directories: dict[str, Entry] = {}

    def run(self, source: BinaryIO) -> int:
        total = 0
        for number, member in enumerate(read_members(source.read)):
            entry = member.entry
            if entry.mode == -1:
                break
            if number == 0:
                self._top = entry.path
            path = self._renamed(entry.path)
            if path:
                with self._failures(path):
                    self._put(path, member)
            total += entry.size
        for path in sorted(self._directories, reverse=True):
            with self._failures(path), self._parent(path) as (parent, name):
                self._finish(parent, name, self._directories[path])
        return total

    def _renamed(self, path: str) -> str:
        """Where a member goes: below the new name, instead of the tar's."""
        if path == self._top:
            return self._name
        if self._top and not path.startswith(f"{self._top}/"):
            raise CorruptArchiveError(f"{path!r} does not belong to {self._top!r}")
        rest = path[len(self._top) :].lstrip("/")
        return f"{self._name}/{rest}" if self._name else rest

    def _put(self, path: str, member: Member) -> None:
        entry = member.entry
        with self._parent(path) as (parent, name):
            exists = self._make_room(parent, name, path, entry)
            if entry.kind == stat.S_IFDIR:
                if not exists:
                    os.mkdir(name, 0o700, dir_fd=parent)
                self._directories[path] = entry
            elif entry.kind == 0:
                with self._parent(self._renamed(entry.link)) as (source, linked):
                    os.link(
                        linked, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False
                    )
            else:
                self._make(parent, name, path, member)
                self._finish(parent, name, entry)

    def _make_room(self, parent: int, name: str, path: str, entry: Entry) -> bool:
        """Delete what is no directory; whether a directory is there."""
        try:
            there = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return False
        is_directory, becomes_one = stat.S_ISDIR(there.st_mode), entry.kind == stat.S_IFDIR
        if is_directory != becomes_one:
            old, new = ("directory", "non-directory")[:: 1 if is_directory else -1]
            raise ContainerMagicsError(
                f'cannot overwrite {old} "{self._directory / path}" with {new} "{self._directory}"'
            )
        if not is_directory:
            os.unlink(name, dir_fd=parent)
        return is_directory

    def _make(self, parent: int, name: str, path: str, member: Member) -> None:
        entry = member.entry
        if entry.kind == stat.S_IFREG:
            with os.fdopen(os.open(name, _FILE, 0o600, dir_fd=parent), "wb") as target:
                while data := member.read(_CHUNK):
                    target.write(data)
        elif entry.kind == stat.S_IFLNK:
            leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), "./" + entry.link))
            if leads.split("/")[0] == "..":
                raise CorruptArchiveError(f'invalid symlink "{path}" -> "{entry.link}"')
            os.symlink(entry.link, name, dir_fd=parent)
        elif entry.kind == stat.S_IFIFO:
            os.mkfifo(name, 0o600, dir_fd=parent)
        else:
            number = os.makedev(entry.major, entry.minor)
            os.mknod(name, entry.kind | 0o600, number, dir_fd=parent)

    def _finish(self, parent: int, name: str, entry: Entry) -> None:
        if entry.kind != stat.S_IFLNK:
            os.chmod(name, stat.S_IMODE(entry.mode), dir_fd=parent)
        os.utime(name, (entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The opened directory of a path, and the path's last part."""
        *parents, name = path.split("/")
        here = os.dup(self._root)
        try:
            for part in parents:
                below = os.open(part, _DIRECTORY, dir_fd=here)
                os.close(here)
                here = below
            yield here, name
        finally:
            os.close(here)

    @contextmanager
    def _failures(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ContainerMagicsError(
                f"cannot write {self._directory / path}: {error.strerror or error}"
            ) from error


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    handle = os.open(directory, _DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
