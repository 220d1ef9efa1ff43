"""What the system calls about a process' own identity do (credentials(7))."""

from __future__ import annotations

import ctypes
import errno
import stat
import struct
from collections.abc import Callable, Mapping, Sequence

from ..listening.caller import Caller
from .identity import Identities, Identity, change

__all__ = ["Credentials"]

_MAX_GROUPS = 65536
_ID = struct.Struct("=I")

Arguments = Sequence[int]


class Credentials:
    """The identities of a container's processes, as they ask for and change them.

    Args:
        first: whom the container begins as.
    """

    def __init__(self, first: Identity) -> None:
        self._identities = Identities(first)
        self._former: dict[int, str] = {}

    @property
    def calls(self) -> Mapping[str, Callable[[Caller, str, Arguments], int]]:
        """What does each call, by name: gives the result, -errno where it fails."""
        families = (
            (self._get_id, "getuid geteuid getgid getegid"),
            (self._get_ids, "getresuid getresgid"),
            (self._get_groups, "getgroups"),
            (self._set_groups, "setgroups"),
            (self._set_id, "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid"),
            (self._capset, "capset"),
        )
        return {name: family for family, names in families for name in names.split()}

    def of(self, caller: Caller) -> Identity:
        """Who a caller is."""
        return self._identities.of(caller.thread, lambda: caller.link("exe"))

    def begin(self, pid: int, identity: Identity) -> None:
        """A process that is no descendant of the first one begins as somebody."""
        if self._identities.of(pid, str) != identity:
            self._identities.put(pid, identity)

    def execute(self, caller: Caller, uid: int, gid: int, mode: int) -> None:
        """A caller goes on as a program file of this owner and mode (execve(2))."""
        who = self.of(caller)
        euid = uid if mode & stat.S_ISUID else who.euid
        egid = gid if mode & stat.S_ISGID and mode & stat.S_IXGRP else who.egid
        new = who._replace(euid=euid, suid=euid, fsuid=euid, egid=egid, sgid=egid, fsgid=egid)
        if new != who:
            self._identities.put(caller.thread, new)

    def _get_id(self, caller: Caller, name: str, _: Arguments) -> int:
        who = self.of(caller)
        ids = {"getuid": who.ruid, "geteuid": who.euid, "getgid": who.rgid, "getegid": who.egid}
        return ids[name]

    def _get_ids(self, caller: Caller, name: str, arguments: Arguments) -> int:
        who = self.of(caller)
        for address, value in zip(arguments, who[:3] if "uid" in name else who[4:7], strict=False):
            caller.write(address, _ID.pack(value))
        return 0

    def _get_groups(self, caller: Caller, _: str, arguments: Arguments) -> int:
        groups = self.of(caller).groups
        size = ctypes.c_int(arguments[0] & 0xFFFFFFFF).value
        if size:
            if size < len(groups):
                return -errno.EINVAL
            caller.write(arguments[1], b"".join(map(_ID.pack, groups)))
        return len(groups)

    def _set_groups(self, caller: Caller, _: str, arguments: Arguments) -> int:
        who = self.of(caller)
        if not who.is_root:
            return -errno.EPERM
        if arguments[0] > _MAX_GROUPS:
            return -errno.EINVAL
        data = caller.read(arguments[1], _ID.size * arguments[0]) if arguments[0] else b""
        groups = tuple(value for (value,) in _ID.iter_unpack(data))
        self._identities.put(caller.thread, who._replace(groups=groups))
        return 0

    def _set_id(self, caller: Caller, name: str, arguments: Arguments) -> int:
        who = self.of(caller)
        new = change(who, name, arguments)
        if new != who:
            self._identities.put(caller.thread, new)
            if who.is_root and new.euid:
                self._former[caller.thread] = caller.link("exe")
        return {"setfsuid": who.fsuid, "setfsgid": who.fsgid}.get(name, 0)

    def _capset(self, caller: Caller, _: str, __: Arguments) -> int:
        """The kernel's capabilities stay as they are; a program that was root has kept them."""
        program = caller.link("exe")
        if self._former.get(caller.thread) == program:
            self._identities.keep_capabilities(caller.thread, program)
        return 0
