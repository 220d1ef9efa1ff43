"""Seccomp programs (classic BPF, seccomp(2)) for the rungs without full privilege.

`pretend_root` answers "done" to what a user namespace with one UID cannot do and package managers
insist on: changing owners and identities, making device nodes. `hide_new_calls` answers ENOSYS to
calls that Debian 12's PRoot does not translate, so that programs use the older ones.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

from . import kernel

__all__ = ["hide_new_calls", "install", "pretend_root"]

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_AND = 0x54
_ARGUMENT_LOW = (16, 24, 32, 40, 48, 56)
_SET_MODE_FILTER = 1
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_IDENTITY = {
    "x86_64": {
        "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260, "setuid": 105, "setgid": 106,
        "setreuid": 113, "setregid": 114, "setgroups": 116, "setresuid": 117, "setresgid": 119,
        "setfsuid": 122, "setfsgid": 123, "capset": 126,
    },
    "aarch64": {
        "fchownat": 54, "fchown": 55, "setregid": 143, "setgid": 144, "setreuid": 145,
        "setuid": 146, "setresuid": 147,
        "setresgid": 149, "setfsuid": 151, "setfsgid": 152, "setgroups": 159,
        "capset": 91,
    },
}  # fmt: skip
_MKNOD = {"x86_64": ((133, 1), (259, 2)), "aarch64": ((33, 2),)}
_NEW_CALLS = {
    "x86_64": {"statx": 332, "clone3": 435, "openat2": 437, "faccessat2": 439, "epoll_pwait2": 441},
    "aarch64": {
        "statx": 291,
        "clone3": 435,
        "openat2": 437,
        "faccessat2": 439,
        "epoll_pwait2": 441,
    },
}
_READLINKAT = {"x86_64": 267, "aarch64": 78}
_AT_FDCWD = 0xFFFFFF9C
_PATH_MAX = 4096
_S_IFMT, _S_IFCHR, _S_IFBLK = 0o170000, 0o020000, 0o060000


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _answer(numbers: Iterable[int], value: int) -> list[bytes]:
    program: list[bytes] = []
    for number in numbers:
        program += [_op(_JUMP_EQUAL, number, 0, 1), _op(_RETURN, _ERRNO | value)]
    return program


def _whole(body: list[bytes]) -> bytes:
    """Only this machine's own ABI is filtered; another (i386 on x86-64) passes untouched."""
    arch = _AUDIT_ARCH[platform.machine()]
    start = [_op(_LOAD, 4), _op(_JUMP_EQUAL, arch, 1, 0), _op(_RETURN, _ALLOW), _op(_LOAD, 0)]
    return b"".join([*start, *body, _op(_RETURN, _ALLOW)])


def pretend_root() -> bytes:
    """The program for one UID: identity changes and device nodes seem to succeed."""
    machine = platform.machine()
    body = _answer(_IDENTITY[machine].values(), 0)
    for number, argument in _MKNOD[machine]:
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


def hide_new_calls() -> bytes:
    """The program for PRoot 5.1.0: calls it does not translate do not exist.

    It aborts, and everything in the container with it, at a readlinkat(2) of an empty path. A
    filter can't see the path; systemd's programs are the ones that do it, always with a buffer of
    4096 bytes, and go on after an error.
    """
    machine = platform.machine()
    body = _answer(_NEW_CALLS[machine].values(), errno.ENOSYS)
    body += [
        _op(_JUMP_EQUAL, _READLINKAT[machine], 0, 6),
        _op(_LOAD, _ARGUMENT_LOW[0]),
        _op(_JUMP_EQUAL, _AT_FDCWD, 3, 0),
        _op(_LOAD, _ARGUMENT_LOW[3]),
        _op(_JUMP_EQUAL, _PATH_MAX, 0, 1),
        _op(_RETURN, _ERRNO | errno.EINVAL),
        _op(_LOAD, 0),
    ]
    return _whole(body)


def install(program: bytes) -> None:
    """Bind a program to this process and all its descendants; sets no_new_privs."""
    kernel.no_new_privileges()
    buffer = ctypes.create_string_buffer(program, len(program))
    descriptor = struct.pack("=HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    number = _SYS_SECCOMP[platform.machine()]
    kernel.syscall(number, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(0), descriptor)
