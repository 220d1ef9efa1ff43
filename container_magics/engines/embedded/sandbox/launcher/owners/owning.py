"""Files of a container whose owners are kept in a ledger: shown, changed, made.

Each method does what one family of system calls does as root, or as another user, in an image
whose files all belong to one user for the kernel. Arguments are as in the calls; descriptors are
the listener's own.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from ..listening.caller import Place
from .identity import Identity
from .ledger import Ledger, Record

__all__ = ["CAPABILITY", "OwnedFiles", "Shown"]

CAPABILITY = b"security.capability"
_KEEP = 0xFFFFFFFF
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)
_MAX_CAPABILITY = 64


class Shown(NamedTuple):
    """What a stat(2) shall show in place of what the kernel does."""

    uid: int
    gid: int
    mode: int
    device: int


class OwnedFiles:
    """The files of one container.

    Args:
        ledger: keeps what they can't.
        place: tells the image's files from others.
        capable: whether root can use a file whatever its mode says. Else the real mode lets it.
    """

    def __init__(self, ledger: Ledger, place: Place, *, capable: bool) -> None:
        self._ledger = ledger
        self._place = place
        self.capable = capable
        self._uid, self._gid = os.geteuid(), os.getegid()

    # --- asking ---

    def shown(self, handle: int, status: os.stat_result, who: Identity) -> Shown:
        """How a file looks to a process.

        What is mounted from the store has records too. What else the user owns outside of the
        image, such as a folder of the host, belongs to whoever asks.
        """
        record = self._ledger.find(handle, status)
        if record is not None:
            device = os.makedev(record.major, record.minor) if record.kind else status.st_rdev
            return Shown(record.uid, record.gid, record.mode(status.st_mode), device)
        outside = (who.fsuid or who.fsgid) and not self._place.is_inside(handle)
        uid, gid = (who.fsuid, who.fsgid) if outside else (0, 0)
        return Shown(
            uid if status.st_uid == self._uid else status.st_uid,
            gid if status.st_gid == self._gid else status.st_gid,
            status.st_mode,
            status.st_rdev,
        )

    def _record(self, handle: int, status: os.stat_result) -> Record:
        return self._ledger.find(handle, status) or Record()

    # --- changing ---

    def own(self, handle: int, uid: int, gid: int, who: Identity) -> None:
        """Change owners as chown(2) does.

        The kernel changes nothing of the owner, but takes away set-user-ID bits, sets the change
        time, and copies the file up: so it is in the layer.

        Raises:
            PermissionError: the caller is not root, nor the owner who gives a group of theirs.
        """
        if not self._place.is_inside(handle):
            return
        status = os.stat(handle)
        record = self._record(handle, status)
        if not who.is_root and (
            record.uid != who.fsuid
            or uid not in (_KEEP, record.uid)
            or gid not in (_KEEP, record.gid, who.fsgid, *who.groups)
        ):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        os.chown(str(handle), -1, -1)
        permissions = record.permissions
        if permissions is not None and stat.S_ISREG(status.st_mode):
            lost = stat.S_ISUID | (stat.S_ISGID if permissions & stat.S_IXGRP else 0)
            permissions &= ~lost
        self._put(
            handle,
            record._replace(
                uid=record.uid if uid == _KEEP else uid,
                gid=record.gid if gid == _KEEP else gid,
                permissions=permissions,
                capability=b"",
            ),
        )

    def set_mode(self, handle: int, mode: int) -> bool:
        """Change a mode as chmod(2) does, but for what would lock the one user out.

        Returns:
            False where the kernel can do it.
        """
        status = os.stat(handle)
        record = self._record(handle, status)
        real = mode | self._forced(status.st_mode)
        wanted = None if real == mode else mode
        if wanted is record.permissions is None or not self._place.is_inside(handle):
            return False
        os.chmod(str(handle), real)
        self._put(handle, record._replace(permissions=wanted))
        return True

    def _forced(self, mode: int) -> int:
        if self.capable:
            return 0
        return 0o700 if stat.S_ISDIR(mode) else 0o600

    def capability(self, handle: int) -> bytes:
        """The attribute `security.capability` of a file, b"" where there is none."""
        return self._record(handle, os.stat(handle)).capability

    def set_capability(self, handle: int, value: bytes) -> None:
        """Set it, or remove it: b""."""
        if len(value) > _MAX_CAPABILITY:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        record = self._record(handle, os.stat(handle))
        self._put(handle, record._replace(capability=value))

    def _put(self, handle: int, record: Record) -> None:
        self._ledger.put(handle, os.stat(handle), record)

    # --- making ---

    def group_in(self, directory: int, who: Identity) -> int:
        """The group of what a process makes in a directory (inode(7), set-group-ID bit)."""
        status = os.stat(directory)
        if not status.st_mode & stat.S_ISGID:
            return who.fsgid
        return self._record(directory, status).gid

    def comes_out_right(self, directory: int, mode: int, who: Identity) -> bool:
        """Whether what the kernel makes there, with a mode, needs no record."""
        if self._forced(mode) & ~mode or who.fsuid or self.group_in(directory, who):
            return not self._place.is_inside(directory)
        return True

    def make_file(self, directory: int, name: str, flags: int, mode: int, who: Identity) -> int:
        """Make and open a regular file.

        Raises:
            FileExistsError: something of that name is there.
        """
        flags |= os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        made = os.open(name, flags, mode | self._forced(stat.S_IFREG), dir_fd=directory)
        self._enter(directory, name, mode, who)
        return made

    def make_directory(self, directory: int, name: str, mode: int, who: Identity) -> None:
        """As mkdir(2)."""
        os.mkdir(name, mode | self._forced(stat.S_IFDIR), dir_fd=directory)
        self._enter(directory, name, mode, who)

    def make_symlink(self, directory: int, name: str, target: bytes, who: Identity) -> None:
        """As symlink(2)."""
        os.symlink(target, os.fsencode(name), dir_fd=directory)
        self._enter(directory, name, 0o777, who)

    def make_node(self, directory: int, name: str, mode: int, device: int, who: Identity) -> None:
        """As mknod(2); in a device's place lies an empty file."""
        kind = stat.S_IFMT(mode)
        record = Record()
        if kind in _DEVICES:
            if not who.is_root:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            record = Record(kind=kind, major=os.major(device), minor=os.minor(device))
            kind = stat.S_IFREG
        os.mknod(name, kind | stat.S_IMODE(mode) | self._forced(kind), dir_fd=directory)
        self._enter(directory, name, mode, who, record)

    def _enter(
        self, directory: int, name: str, mode: int, who: Identity, record: Record | None = None
    ) -> None:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            real = os.stat(handle).st_mode
            extra = self._forced(real) & ~mode
            kept = stat.S_IMODE(real) & ~extra if extra else None
            gid = self.group_in(directory, who)
            given = record or Record()
            self._put(handle, given._replace(uid=who.fsuid, gid=gid, permissions=kept))
        finally:
            os.close(handle)
