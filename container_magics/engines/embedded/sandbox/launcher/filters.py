"""Seccomp programs (classic BPF, seccomp(2)) for the rungs without full privilege.

`notify` hands the calls that a single user can't do, or would be lied to about, to the listener
(see `listener`). Where there can be none, `pretend_root` answers "done" to what package managers
insist on: changing owners and identities, making device nodes. `hide_new_calls` answers ENOSYS to
calls that Debian 12's PRoot does not translate, so that programs use the older ones.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import struct
from collections.abc import Iterable

from . import kernel
from .calls import NUMBERS, numbers

__all__ = [
    "hide_new_calls",
    "install",
    "install_notifying",
    "notify",
    "notify_of_ports",
    "pretend_root",
]

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NOTIFY = 0x7FC00000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_AND = 0x54
_ARGUMENT_LOW = (16, 24, 32, 40, 48, 56)
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_OWNERS = ("chown", "fchown", "lchown", "fchownat")
_IDENTITY = (
    "setuid", "setgid", "setreuid", "setregid", "setgroups", "setresuid", "setresgid", "setfsuid",
    "setfsgid", "capset",
)  # fmt: skip
_ASKING = (
    "getuid", "getgid", "geteuid", "getegid", "getresuid", "getresgid", "getgroups", "stat",
    "fstat", "lstat", "newfstatat", "statx", "getxattr", "lgetxattr", "fgetxattr",
)  # fmt: skip
_MAKING = ("creat", "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat")
_ATTRIBUTES = (
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
)  # fmt: skip
_MODES = ("chmod", "fchmod", "fchmodat", "fchmodat2")
_NEW_CALLS = ("statx", "clone3", "openat2", "faccessat2", "epoll_pwait2", "fchmodat2")
_ADDRESSES = ("bind", "connect")
_AT_FDCWD = 0xFFFFFF9C
_PATH_MAX = 4096
_S_IFMT, _S_IFCHR, _S_IFBLK = 0o170000, 0o020000, 0o060000


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _always(calls: Iterable[int], action: int) -> list[bytes]:
    program: list[bytes] = []
    for number in calls:
        program += [_op(_JUMP_EQUAL, number, 0, 1), _op(_RETURN, action)]
    return program


def _whole(body: list[bytes]) -> bytes:
    """Only this machine's own ABI is filtered; another (i386 on x86-64) passes untouched."""
    arch = _AUDIT_ARCH[platform.machine()]
    start = [_op(_LOAD, 4), _op(_JUMP_EQUAL, arch, 1, 0), _op(_RETURN, _ALLOW), _op(_LOAD, 0)]
    return b"".join([*start, *body, _op(_RETURN, _ALLOW)])


def pretend_root() -> bytes:
    """The program for one UID and no listener: what it can't do seems to succeed."""
    body = _always(numbers(*_OWNERS, *_IDENTITY), _ERRNO | 0)
    for name, argument in (("mknod", 1), ("mknodat", 2)):
        for number in numbers(name):
            body += [
                _op(_JUMP_EQUAL, number, 0, 6),
                _op(_LOAD, _ARGUMENT_LOW[argument]),
                _op(_AND, _S_IFMT),
                _op(_JUMP_EQUAL, _S_IFCHR, 1, 0),
                _op(_JUMP_EQUAL, _S_IFBLK, 0, 1),
                _op(_RETURN, _ERRNO | 0),
                _op(_LOAD, 0),
            ]
    return _whole(body)


def notify_of_ports(*, copying: bool) -> bytes:
    """The program that hands calls about addresses of sockets to a listener.

    Args:
        copying: whether the listener can have copies of sockets, and need not be told more.
    """
    return _whole(_addresses(copying=copying))


def _addresses(*, copying: bool) -> list[bytes]:
    body = _always(numbers(*_ADDRESSES), _NOTIFY)
    if not copying:
        body += _always(numbers("listen"), _NOTIFY)
        body += [
            _op(_JUMP_EQUAL, NUMBERS["setsockopt"], 0, 6),
            _op(_LOAD, _ARGUMENT_LOW[1]),
            _op(_JUMP_EQUAL, socket.IPPROTO_IPV6, 0, 3),
            _op(_LOAD, _ARGUMENT_LOW[2]),
            _op(_JUMP_EQUAL, socket.IPV6_V6ONLY, 0, 1),
            _op(_RETURN, _NOTIFY),
            _op(_LOAD, 0),
        ]
    return body


def notify(*, capable: bool, ports: bool, copying: bool) -> bytes:
    """The program that hands calls to a listener; of those that open a file, the creating ones.

    Args:
        capable: whether the kernel gives a container's root its capabilities.
        ports: whether also those about addresses of sockets.
        copying: see `notify_of_ports`.
    """
    names = (
        *_OWNERS,
        *_IDENTITY,
        *_ASKING,
        *_MAKING,
        *_ATTRIBUTES,
        *_MODES,
    )
    # PRoot has put another program in the place of the one to execute.
    more = ("execve", "execveat") if capable else ("chroot",)
    body = _addresses(copying=copying) if ports else []
    body += _always(numbers(*names, *more), _NOTIFY)
    for name, argument in (("open", 1), ("openat", 2)):
        for number in numbers(name):
            body += [
                _op(_JUMP_EQUAL, number, 0, 5),
                _op(_LOAD, _ARGUMENT_LOW[argument]),
                _op(_AND, os.O_CREAT),
                _op(_JUMP_EQUAL, 0, 1, 0),
                _op(_RETURN, _NOTIFY),
                _op(_LOAD, 0),
            ]
    if not capable:
        body += _always(numbers("sethostname", "setdomainname"), _ERRNO | 0)
    return _whole(body)


def hide_new_calls() -> bytes:
    """The program for PRoot 5.1.0: calls it does not translate do not exist.

    It aborts, and everything in the container with it, at a readlinkat(2) of an empty path. A
    filter can't see the path; systemd's programs are the ones that do it, always with a buffer of
    4096 bytes, and go on after an error.
    """
    body = _always(numbers(*_NEW_CALLS), _ERRNO | errno.ENOSYS)
    body += [
        _op(_JUMP_EQUAL, NUMBERS["readlinkat"], 0, 6),
        _op(_LOAD, _ARGUMENT_LOW[0]),
        _op(_JUMP_EQUAL, _AT_FDCWD, 3, 0),
        _op(_LOAD, _ARGUMENT_LOW[3]),
        _op(_JUMP_EQUAL, _PATH_MAX, 0, 1),
        _op(_RETURN, _ERRNO | errno.EINVAL),
        _op(_LOAD, 0),
    ]
    return _whole(body)


def install(program: bytes, flags: int = 0) -> int:
    """Bind a program to this process and all its descendants.

    It takes privileges, or `kernel.no_new_privileges` before it.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    mode = ctypes.c_uint(_SET_MODE_FILTER)
    return kernel.syscall(NUMBERS["seccomp"], mode, ctypes.c_uint(flags), descriptor)


def install_notifying(program: bytes) -> int:
    """The same with a program that notifies; the descriptor for the listener.

    A caller is not disturbed by signals while the listener works for it, where Linux can (5.19).

    Raises:
        OSError: this kernel has no notification, or something else listens to this process.
    """
    try:
        return install(program, _NEW_LISTENER | _WAIT_KILLABLE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return install(program, _NEW_LISTENER)
