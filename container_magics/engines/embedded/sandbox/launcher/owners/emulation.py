"""What each system call does that the listener is notified of."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ..listening.caller import AT_FDCWD, Caller, Place
from .credentials import Credentials
from .ledger import ATTRIBUTE
from .making import Arguments, Making, Result
from .owning import CAPABILITY, OwnedFiles, Shown
from .status import stat_bytes, statx_bytes

__all__ = ["Emulation"]

_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000


class Emulation:
    """The calls of one container's processes.

    Args:
        files: their files.
        credentials: who they are.
        place: where their files are.
        more: what does further calls, by name.
    """

    def __init__(
        self,
        files: OwnedFiles,
        credentials: Credentials,
        place: Place,
        more: Mapping[str, Callable[[Caller, str, Arguments], Result]],
    ) -> None:
        self._files = files
        self._credentials = credentials
        self._place = place
        self._families: dict[str, Callable[[Caller, str, Arguments], Result]] = {
            **more,
            **credentials.calls,
            **Making(files, credentials, place).calls,
        }
        for family, names in (
            (self._stat, "stat lstat fstat newfstatat statx"),
            (self._chown, "chown lchown fchown fchownat"),
            (self._chmod, "chmod fchmod fchmodat fchmodat2"),
            (self._get_attribute, "getxattr lgetxattr fgetxattr"),
            (self._set_attribute, "setxattr lsetxattr fsetxattr"),
            (self._remove_attribute, "removexattr lremovexattr fremovexattr"),
            (self._chroot, "chroot"),
            (self._execute, "execve execveat"),
        ):
            self._families.update(dict.fromkeys(names.split(), family))

    def result(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        """The result of a call.

        Raises:
            GoneError: nobody waits for it.
        """
        try:
            return self._families[name](caller, name, arguments)
        except OSError as error:
            return -(error.errno or errno.EIO)
        except (OverflowError, ValueError):  # A number that Python's own calls refuse.
            return -errno.EINVAL

    # --- asking about files ---

    def _stat(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        try:
            handle = self._asked(caller, name, arguments)
        except OSError:
            return None  # The kernel says what is wrong.
        try:
            status = os.stat(handle)
            shown = self._files.shown(handle, status, self._credentials.of(caller))
            if shown == Shown(status.st_uid, status.st_gid, status.st_mode, status.st_rdev):
                return None
            if name == "statx":
                flags, mask, address = arguments[2:5]
                caller.write(address, statx_bytes(handle, flags, mask, *shown))
            else:
                address = arguments[2 if name == "newfstatat" else 1]
                caller.write(address, stat_bytes(status, *shown))
        finally:
            os.close(handle)
        return 0

    def _asked(self, caller: Caller, name: str, arguments: Arguments) -> int:
        if name == "fstat":
            return caller.descriptor(arguments[0])
        if name in ("stat", "lstat"):
            return caller.open(AT_FDCWD, caller.text(arguments[0]), follow=name == "stat")
        flags = arguments[2 if name == "statx" else 3]
        return _at(caller, arguments[0], arguments[1], flags)

    def _get_attribute(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        if caller.text(arguments[1]) != CAPABILITY:
            return None
        with _named(caller, name, arguments[0]) as handle:
            if not self._place.is_inside(handle):
                return None
            value = self._files.capability(handle)
        size = arguments[3]
        if not value:
            return -errno.ENODATA
        if size:
            if size < len(value):
                return -errno.ERANGE
            caller.write(arguments[2], value)
        return len(value)

    # --- changing files ---

    def _chown(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        if name == "fchownat":
            uid, gid, flags = arguments[2:5]
            try:
                handle = _at(caller, arguments[0], arguments[1], flags)
            except FileNotFoundError:
                # A caller's own /proc, such as behind /dev/stdout: nothing of the image.
                return 0 if _is_host_s(caller.text(arguments[1])) else -errno.ENOENT
        else:
            uid, gid = arguments[1:3]
            try:
                handle = _one(caller, name, arguments[0])
            except FileNotFoundError:
                return 0 if _is_host_s(caller.text(arguments[0])) else -errno.ENOENT
        try:
            who = self._credentials.of(caller)
            self._files.own(handle, uid & 0xFFFFFFFF, gid & 0xFFFFFFFF, who)
        finally:
            os.close(handle)
        return 0

    def _chmod(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        if name.startswith("fchmodat"):
            flags = arguments[3] if name == "fchmodat2" else 0
            handle = _at(caller, arguments[0], arguments[1], flags)
            mode = arguments[2]
        else:
            handle = _one(caller, name, arguments[0])
            mode = arguments[1]
        try:
            done = self._files.set_mode(handle, mode & 0o7777)
        finally:
            os.close(handle)
        return 0 if done else None

    def _set_attribute(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        attribute = caller.text(arguments[1])
        who = self._credentials.of(caller)
        if attribute != CAPABILITY:
            return 0 if attribute == ATTRIBUTE.encode() and not who.is_root else None
        if not who.is_root:
            return -errno.EPERM
        value = caller.read(arguments[2], min(arguments[3], 1 << 16))
        with _named(caller, name, arguments[0]) as handle:
            if not self._place.is_inside(handle):
                return None
            self._files.set_capability(handle, value)
        return 0

    def _remove_attribute(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        if caller.text(arguments[1]) != CAPABILITY:
            return None
        if not self._credentials.of(caller).is_root:
            return -errno.EPERM
        with _named(caller, name, arguments[0]) as handle:
            if not self._place.is_inside(handle):
                return None
            if not self._files.capability(handle):
                return -errno.ENODATA
            self._files.set_capability(handle, b"")
        return 0

    def _chroot(self, caller: Caller, _: str, arguments: Arguments) -> Result:
        """Only into the root that is there: PRoot has no other."""
        with _named(caller, "chroot", arguments[0]) as handle:
            same = os.path.samestat(os.stat(handle), os.stat(self._place.root))
        return 0 if same else -errno.EPERM

    def _execute(self, caller: Caller, name: str, arguments: Arguments) -> Result:
        """Give a program its owner's identity where its mode says so; the kernel starts it."""
        who = self._credentials.of(caller)
        if who.is_root:
            return None
        try:
            if name == "execveat":
                handle = _at(caller, arguments[0], arguments[1], arguments[4])
            else:
                handle = _one(caller, name, arguments[0])
        except OSError:
            return None
        try:
            status = os.stat(handle)
            uid, gid, mode, _ = self._files.shown(handle, status, who)
            inside = self._place.is_inside(handle)
        finally:
            os.close(handle)
        if inside and stat.S_ISREG(mode) and mode & 0o111:
            self._credentials.execute(caller, uid, gid, mode)
        return None


def _is_host_s(path: bytes) -> bool:
    return path.startswith((b"/dev/", b"/proc/"))


def _at(caller: Caller, base: int, path: int, flags: int) -> int:
    """The file that an …at(2) call names with AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW."""
    text = caller.text(path) if path else b""
    if not text and flags & _AT_EMPTY_PATH:
        return caller.descriptor(base)
    return caller.open(base, text, follow=not flags & _AT_SYMLINK_NOFOLLOW)


def _one(caller: Caller, name: str, argument: int) -> int:
    """The file that a call names by its first argument: `f…` a descriptor, `l…` no symlink."""
    if name.startswith("f"):
        return caller.descriptor(argument)
    return caller.open(AT_FDCWD, caller.text(argument), follow=not name.startswith("l"))


@contextmanager
def _named(caller: Caller, name: str, argument: int) -> Iterator[int]:
    handle = _one(caller, name, argument)
    try:
        yield handle
    finally:
        os.close(handle)
