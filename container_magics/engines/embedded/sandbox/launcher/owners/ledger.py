"""Owners, device numbers and capabilities that the files of one user can't have, kept with them.

A record lies in an extended attribute of the file itself, where it moves with a rename, is shared
by hard links, goes up with overlayfs' copies, and ends with the file. Linux has no such attribute
on symlinks, FIFOs and sockets, and some file systems have none at all. Records of those are held in
memory by inode; an open descriptor keeps the inode from being used again, and knows the file's
path at the end. A file without a record is root's.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import struct
from contextlib import suppress
from typing import NamedTuple

__all__ = ["ATTRIBUTE", "Ledger", "Record", "decode", "encode"]

ATTRIBUTE = "user.container-magics"
"""The attribute's name."""

_FORMAT = struct.Struct("<BxHHxxIIII")
_VERSION = 1
_NO_PERMISSIONS = 0xFFFF
_MAX_CAPABILITY = 64
_NO_ATTRIBUTES = (errno.ENOTSUP, errno.EPERM)


class Record(NamedTuple):
    """What a file has for the image, besides its content.

    Attributes:
        uid: its owner.
        gid: its group.
        kind: `stat.S_IFCHR` or `S_IFBLK` of a device, in whose place an empty file lies; else 0.
        permissions: mode bits (07777) where the file itself can't have them, else None.
        major: of a device.
        minor: of a device.
        capability: the value of its attribute `security.capability`, or b"".
    """

    uid: int = 0
    gid: int = 0
    kind: int = 0
    permissions: int | None = None
    major: int = 0
    minor: int = 0
    capability: bytes = b""

    def mode(self, mode: int) -> int:
        """The whole mode, from that of the file in whose place it lies."""
        kind = self.kind or stat.S_IFMT(mode)
        return kind | (stat.S_IMODE(mode) if self.permissions is None else self.permissions)


def encode(record: Record) -> bytes:
    """A record as the attribute's value."""
    permissions = _NO_PERMISSIONS if record.permissions is None else record.permissions
    numbers = (record.uid, record.gid, record.major, record.minor)
    return _FORMAT.pack(_VERSION, record.kind, permissions, *numbers) + record.capability


def decode(value: bytes) -> Record | None:
    """A record from an attribute's value; None for anything else, which any program may write."""
    if not _FORMAT.size <= len(value) <= _FORMAT.size + _MAX_CAPABILITY:
        return None
    version, kind, permissions, uid, gid, major, minor = _FORMAT.unpack_from(value)
    if version != _VERSION or kind not in (0, stat.S_IFCHR, stat.S_IFBLK):
        return None
    kept = None if permissions == _NO_PERMISSIONS else permissions & 0o7777
    return Record(uid, gid, kind, kept, major, minor, value[_FORMAT.size :])


class Ledger:
    """The records of one container.

    Files are named by O_PATH descriptors. The working directory of the process must be its
    /proc/self/fd, through which such a file's attributes are in reach.
    """

    def __init__(self) -> None:
        self._others: dict[tuple[int, int], tuple[int, Record]] = {}

    def find(self, handle: int, status: os.stat_result) -> Record | None:
        """A file's record."""
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            with suppress(OSError):
                return decode(os.getxattr(str(handle), ATTRIBUTE))
        other = self._others.get((status.st_dev, status.st_ino)) if self._others else None
        return None if other is None else other[1]

    def put(self, handle: int, status: os.stat_result, record: Record) -> None:
        """Give a file a record.

        Raises:
            OSError: it can't be kept: too many files are open, or the disk is full.
        """
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            try:
                os.setxattr(str(handle), ATTRIBUTE, encode(record))
            except OSError as error:
                if error.errno not in _NO_ATTRIBUTES:
                    raise
            else:
                return
        key = (status.st_dev, status.st_ino)
        held = self._others[key][0] if key in self._others else os.dup(handle)
        self._others[key] = (held, record)

    def load(self, path: int, root: str) -> None:
        """Take on the records that `save` wrote when the container ran before."""
        with os.fdopen(os.dup(path)) as file:
            text = file.read()
        for place, value in json.loads(text or "{}").items():
            record = decode(bytes.fromhex(value))
            with suppress(OSError):  # It has been removed meanwhile.
                handle = os.open(root + place, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
                status = os.fstat(handle)
                if record is not None:
                    self._others[status.st_dev, status.st_ino] = (handle, record)

    def save(self, path: int, root: str) -> None:
        """Write the records that lie in no attribute, by path below `root`, as JSON; the end."""
        found = {}
        for held, record in self._others.values():
            place = os.readlink(str(held))
            if place.startswith(root) and os.stat(held).st_nlink:
                found[place[len(root) :]] = encode(record).hex()
            os.close(held)
        os.ftruncate(path, 0)
        os.lseek(path, 0, os.SEEK_SET)
        with os.fdopen(path, "w") as file:
            json.dump(found, file)
