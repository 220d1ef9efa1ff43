"""A build context that comes as a tar archive, unpacked into a directory.

Only files, directories, symlinks, FIFOs and hard links among them are made, with the user's own
ownership; modes and times are the archive's, whose owners are told apart. Nothing is ever written
through a symlink, so nothing of an archive lands outside the directory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from ...errors import BuildError, CorruptArchiveError
from ...oci.compression import compression_of, decompressed, is_tar
from ...oci.entries import Entry
from ...oci.members import Member, read_members
from ...oci.tar import BLOCK

__all__ = ["is_archive", "unpack_archive"]

_CHUNK = 1 << 20
_MAX_MEMBERS = 1_000_000


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with these bytes (512 at least) is a tar, plain or compressed."""
    return bool(compression_of(head)) or is_tar(head[:BLOCK])


def unpack_archive(read: Callable[[int], bytes], directory: Path) -> dict[str, tuple[int, int]]:
    """Fill an empty directory with an archive: a tar, plain or in gzip, bzip2, xz or zstd.

    Args:
        read: gives up to n bytes of it, b"" at the end.
        directory: exists, and nobody else writes to it.

    Returns:
        UID and GID of each member, by path.

    Raises:
        CorruptArchiveError: it is damaged, no tar, or unsafe.
        BuildError: the disk is full.
    """
    directories: list[Entry] = []
    owners: dict[str, tuple[int, int]] = {}
    try:
        for number, member in enumerate(read_members(decompressed(read))):
            if number > _MAX_MEMBERS:
                raise CorruptArchiveError(f"an archive of more than {_MAX_MEMBERS} members")
            if member.entry.mode == -1:
                break
            if member.entry.kind == stat.S_IFDIR:
                directories.append(member.entry)
            _put(directory, member)
            owners[member.entry.path] = (member.entry.uid, member.entry.gid)
        for entry in reversed(directories):
            _finish(directory / entry.path, entry)
    except OSError as error:
        raise BuildError(
            f"cannot unpack the build context: {error.strerror or error}",
            hint=f"It is unpacked into {directory}; TMPDIR names another place.",
        ) from error
    return owners


def _put(root: Path, member: Member) -> None:
    entry = member.entry
    if not entry.path:
        return
    path = _safe(root, entry.path)
    if entry.kind == stat.S_IFDIR:
        if not _is_real_directory(path):
            _clear(path)
            path.mkdir()
        return
    _clear(path)
    if entry.kind == stat.S_IFREG:
        with path.open("xb") as file:
            while data := member.read(_CHUNK):
                file.write(data)
    elif entry.kind == stat.S_IFLNK:
        path.symlink_to(entry.link)
    elif entry.kind == stat.S_IFIFO:
        os.mkfifo(path)
    elif entry.kind == 0:
        target = _safe(root, entry.link)
        if _is_real_directory(target) or not os.path.lexists(target):
            raise CorruptArchiveError(
                f"hard link {entry.path!r} to {entry.link!r}, which the archive doesn't have"
            )
        os.link(target, path, follow_symlinks=False)
        return
    else:
        raise CorruptArchiveError(f"a device in a build context: {entry.path!r}")
    _finish(path, entry)


def _safe(root: Path, relative: str) -> Path:
    """Where a member is, its directories made; none of them may be anything else."""
    path = root
    for part in relative.split("/")[:-1]:
        path = path / part
        if not _is_real_directory(path):
            if os.path.lexists(path):
                raise CorruptArchiveError(f"archive member below something else: {relative!r}")
            path.mkdir()
    return path / relative.rpartition("/")[2]


def _is_real_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _clear(path: Path) -> None:
    """Make way for a later member of the same name."""
    if _is_real_directory(path):
        raise CorruptArchiveError(f"a directory and something else of one name: {path.name!r}")
    path.unlink(missing_ok=True)


def _finish(path: Path, entry: Entry) -> None:
    if entry.kind != stat.S_IFLNK:
        needed = 0o700 if entry.kind == stat.S_IFDIR else 0o400
        path.chmod(entry.mode & 0o7777 | (0 if os.geteuid() == 0 else needed))
    os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)
