"""System calls that Python's `os` lacks (at 3.10), through ctypes, raising OSError."""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import signal
import socket
import struct

__all__ = [
    "CLONE_NEWCGROUP",
    "CLONE_NEWIPC",
    "CLONE_NEWNET",
    "CLONE_NEWNS",
    "CLONE_NEWPID",
    "CLONE_NEWUSER",
    "CLONE_NEWUTS",
    "MNT_DETACH",
    "MS_BIND",
    "MS_NODEV",
    "MS_NOEXEC",
    "MS_NOSUID",
    "MS_PRIVATE",
    "MS_RDONLY",
    "MS_REC",
    "MS_REMOUNT",
    "MS_STRICTATIME",
    "become_subreaper",
    "die_with_parent",
    "drop_bounding_capabilities",
    "limit_capabilities",
    "mount",
    "no_new_privileges",
    "openat2_in_root",
    "pivot_root",
    "raise_loopback",
    "set_read_only",
    "sethostname",
    "syscall",
    "umount",
    "unshare",
]

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_STRICTATIME = 1 << 24
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_RESOLVE_IN_ROOT = 0x10
_SYS_OPENAT2 = 437
_CAPABILITY_VERSION_3 = 0x20080522
_SYS_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def syscall(number: int, *arguments: object) -> int:
    """A system call by number; the result, or OSError."""
    return _check(_libc.syscall(ctypes.c_long(number), *arguments), f"system call {number}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` (unshare(2))."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system; the error names the target (mount(2))."""
    result = _libc.mount(
        source.encode("utf-8", "surrogateescape"),
        target.encode("utf-8", "surrogateescape"),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        data.encode("utf-8", "surrogateescape") or None,
    )
    _check(result, f"mount {kind or 'bind'} on {target}")


def set_read_only(path: str) -> None:
    """Make a mount and every mount in it read-only (mount_setattr(2), Linux 5.12)."""
    attributes = struct.pack("=QQQQ", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        path.encode("utf-8", "surrogateescape"),
        ctypes.c_uint(_AT_RECURSIVE),
        attributes,
        ctypes.c_size_t(len(attributes)),
    )
    _check(int(result), f"mount_setattr {path}")


def umount(target: str, flags: int = 0) -> None:
    """Unmount what is on a path (umount2(2))."""
    _check(_libc.umount2(target.encode("utf-8", "surrogateescape"), flags), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    """Make a mount the root, and move the old root (pivot_root(2))."""
    number = _SYS_PIVOT_ROOT[platform.machine()]
    _check(_libc.syscall(ctypes.c_long(number), new.encode(), old.encode()), "pivot_root")


def sethostname(name: str) -> None:
    """Name this UTS namespace's host (sethostname(2))."""
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")


def _prctl(option: int, argument: int) -> int:
    result = _libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), 0, 0, 0)
    return _check(result, f"prctl {option}")


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Get signal `number` when the parent ends; at once if it has ended already.

    `parent` is 0 for the first process of a PID namespace, whose parent is outside.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def become_subreaper() -> None:
    """Adopt every descendant whose parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    """Set-user-ID files give nothing from here on; what seccomp asks of ordinary users."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_bounding_capabilities(keep: frozenset[int]) -> None:
    """Drop every capability but `keep` from the bounding set."""
    for capability in range(64):
        try:
            present = _prctl(_PR_CAPBSET_READ, capability)
        except OSError:
            return
        if present and capability not in keep:
            _prctl(_PR_CAPBSET_DROP, capability)


def limit_capabilities(keep: frozenset[int]) -> None:
    """Have none but `keep` from now on (capset(2)); for a process that executes nothing more."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    had = ctypes.create_string_buffer(24)
    _check(_libc.capget(header, had), "read capabilities")
    _, low, _, _, high, _ = struct.unpack("=6I", had.raw)
    mask = sum(1 << capability for capability in keep) & (high << 32 | low)
    words = [word for half in (mask & 0xFFFFFFFF, mask >> 32) for word in (half, half, 0)]
    _check(_libc.capset(header, struct.pack("=6I", *words)), "limit capabilities")


def openat2_in_root(root: int, path: str, flags: int) -> int:
    """Open a path as if `root` were `/` (openat2(2), RESOLVE_IN_ROOT); a file descriptor."""
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    raw = path.encode("utf-8", "surrogateescape") or b"."
    number = ctypes.c_long(_SYS_OPENAT2)
    result = _libc.syscall(number, ctypes.c_int(root), raw, how, ctypes.c_size_t(len(how)))
    return _check(int(result), f"open {path}")


def raise_loopback() -> None:
    """Bring up `lo` in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
