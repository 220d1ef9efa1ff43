"""Whom a process takes itself for, where the kernel knows one user only (credentials(7)).

Linux hands a process' resource limits down to its children and through execve(2), and lets another
process set them. So the number of an identity is the soft limit RLIMIT_LOCKS of each process that
has another one than its container began with: a limit that Linux has kept, and not looked at, since
2.4.25. It can't go stale, whatever happens to process IDs.
"""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Identities", "Identity", "change"]

_RLIMIT_LOCKS = 10
_FIRST = 1 << 40
_UNCHANGED = 0xFFFFFFFF


class Identity(NamedTuple):
    """The IDs of a process: real, effective, saved, of the file system; users, then groups."""

    ruid: int
    euid: int
    suid: int
    fsuid: int
    rgid: int
    egid: int
    sgid: int
    fsgid: int
    groups: tuple[int, ...]
    capable: bool = False
    """Whether it has kept root's capabilities without being root."""

    @classmethod
    def of(cls, uid: int, gid: int, groups: Sequence[int]) -> Identity:
        """A user as they log in."""
        return cls(uid, uid, uid, uid, gid, gid, gid, gid, tuple(groups))

    @property
    def is_root(self) -> bool:
        """Whether it may do what capabilities allow."""
        return self.euid == 0 or self.capable


class Identities:
    """The identities of a container's processes."""

    def __init__(self, first: Identity) -> None:
        self._known = [first]
        self._numbers = {first: 0}
        self._capable: dict[int, str] = {}

    def of(self, thread: int, program: Callable[[], str]) -> Identity:
        """A process' identity.

        Args:
            thread: the ID of one of its threads.
            program: tells the path of the program that it executes.
        """
        soft, _ = resource.prlimit(thread, _RLIMIT_LOCKS)
        number = soft - _FIRST
        identity = self._known[number] if 0 <= number < len(self._known) else self._known[0]
        if self._capable and self._capable.get(thread) == program():
            return identity._replace(capable=True)
        return identity

    def keep_capabilities(self, thread: int, program: str) -> None:
        """A thread that is not root any more may still do all, until it executes another program.

        So it is after a capset(2) of what prctl(2), PR_SET_KEEPCAPS, has left it.
        """
        self._capable[thread] = program

    def put(self, thread: int, identity: Identity) -> None:
        """Change the identity of a process, and so of the children that it will have."""
        identity = identity._replace(capable=False)
        if identity not in self._numbers:
            self._numbers[identity] = len(self._known)
            self._known.append(identity)
        _, hard = resource.prlimit(thread, _RLIMIT_LOCKS)
        resource.prlimit(thread, _RLIMIT_LOCKS, (_FIRST + self._numbers[identity], hard))


def change(identity: Identity, name: str, given: Sequence[int]) -> Identity:
    """What a system call of the setuid(2) family makes of an identity.

    Args:
        identity: the caller's.
        name: of the call; not setgroups, which has its list in memory.
        given: its arguments.

    Raises:
        PermissionError: the caller may not.
        OSError: EINVAL, for a single ID of -1.
    """
    users = "uid" in name
    real, effective, saved, files = identity[:4] if users else identity[4:8]
    ids = (real, effective, saved)
    asked = [value & _UNCHANGED for value in given]
    if name in ("setfsuid", "setfsgid"):
        new = (*ids, asked[0] if _may(identity, asked[:1], (*ids, files)) else files)
    elif name in ("setuid", "setgid"):
        if asked[0] == _UNCHANGED:
            raise OSError(errno.EINVAL, "not an ID")
        _check(identity, asked[:1], (real, saved))
        new = (asked[0],) * 4 if identity.is_root else (real, asked[0], saved, asked[0])
    elif name in ("setreuid", "setregid"):
        _check(identity, asked[:1], (real, effective))
        _check(identity, asked[1:2], ids)
        r, e = _kept(asked[:2], (real, effective))
        moved = asked[0] != _UNCHANGED or asked[1] not in (_UNCHANGED, real)
        new = (r, e, e if moved else saved, e)
    else:
        _check(identity, asked[:3], ids)
        r, e, s = _kept(asked[:3], ids)
        new = (r, e, s, e)
    if users:
        return identity._replace(ruid=new[0], euid=new[1], suid=new[2], fsuid=new[3])
    return identity._replace(rgid=new[0], egid=new[1], sgid=new[2], fsgid=new[3])


def _kept(asked: Sequence[int], now: Sequence[int]) -> list[int]:
    return [old if new == _UNCHANGED else new for new, old in zip(asked, now, strict=True)]


def _may(identity: Identity, asked: Sequence[int], allowed: Sequence[int]) -> bool:
    return identity.is_root or all(value in (_UNCHANGED, *allowed) for value in asked)


def _check(identity: Identity, asked: Sequence[int], allowed: Sequence[int]) -> None:
    if not _may(identity, asked, allowed):
        raise PermissionError(errno.EPERM, "not root")
