"""Numbers of the system calls that a filter names, by machine."""

from __future__ import annotations

import platform

__all__ = ["NAMES", "NUMBERS", "numbers"]

_ALL = {
    "x86_64": {
        "bind": 49, "capset": 126, "chmod": 90, "chown": 92, "chroot": 161, "clone3": 435,
        "connect": 42, "creat": 85, "epoll_pwait2": 441, "execve": 59, "execveat": 322,
        "faccessat2": 439, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
        "fchown": 93, "fchownat": 260, "fgetxattr": 193, "fremovexattr": 199, "fsetxattr": 190,
        "fstat": 5, "getegid": 108, "geteuid": 107, "getgid": 104, "getgroups": 115,
        "getresgid": 120, "getresuid": 118, "getuid": 102, "getxattr": 191, "lchown": 94,
        "lgetxattr": 192, "listen": 50, "lremovexattr": 198, "lsetxattr": 189, "lstat": 6,
        "mkdir": 83, "mkdirat": 258, "mknod": 133, "mknodat": 259, "newfstatat": 262, "open": 2,
        "openat": 257, "openat2": 437, "pidfd_getfd": 438, "readlinkat": 267, "removexattr": 197,
        "seccomp": 317, "setdomainname": 171, "setfsgid": 123, "setfsuid": 122, "setgid": 106,
        "setgroups": 116, "sethostname": 170, "setns": 308, "setregid": 114, "setresgid": 119,
        "setresuid": 117, "setreuid": 113, "setsockopt": 54, "setuid": 105,
        "setxattr": 188, "stat": 4, "statx": 332, "symlink": 88, "symlinkat": 266,
    },
    "aarch64": {
        "bind": 200, "capset": 91, "chroot": 51, "clone3": 435, "connect": 203,
        "epoll_pwait2": 441, "execve": 221, "execveat": 281, "faccessat2": 439,
        "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54,
        "fgetxattr": 10, "fremovexattr": 16, "fsetxattr": 7, "fstat": 80, "getegid": 177,
        "geteuid": 175, "getgid": 176, "getgroups": 158, "getresgid": 150, "getresuid": 148,
        "getuid": 174, "getxattr": 8, "lgetxattr": 9, "listen": 201, "lremovexattr": 15,
        "lsetxattr": 6, "mkdirat": 34, "mknodat": 33, "newfstatat": 79, "openat": 56,
        "openat2": 437, "pidfd_getfd": 438, "readlinkat": 78, "removexattr": 14, "seccomp": 277,
        "setdomainname": 162,
        "setfsgid": 152, "setfsuid": 151, "setgid": 144, "setgroups": 159, "sethostname": 161,
        "setns": 268, "setregid": 143, "setresgid": 149, "setresuid": 147, "setreuid": 145,
        "setsockopt": 208, "setuid": 146, "setxattr": 5, "statx": 291, "symlinkat": 36,
    },
}  # fmt: skip

NUMBERS = _ALL.get(platform.machine(), {})
"""This machine's numbers by name; calls that it never had are missing."""
NAMES = {number: name for name, number in NUMBERS.items()}
"""The same the other way round."""


def numbers(*names: str) -> list[int]:
    """The numbers of the calls that this machine has."""
    return [NUMBERS[name] for name in names if name in NUMBERS]
