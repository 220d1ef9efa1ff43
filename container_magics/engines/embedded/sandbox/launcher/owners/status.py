"""What stat(2) and statx(2) write to a program's memory, with other owners than a file has."""

from __future__ import annotations

import ctypes
import os
import platform
import struct

from .. import kernel
from ..calls import NUMBERS

__all__ = ["mount_id", "stat_bytes", "statx_bytes"]

# st_dev, st_ino, then in this machine's order: st_nlink, st_mode, st_uid, st_gid; st_rdev, st_size,
# st_blksize, st_blocks, and three times of seconds and nanoseconds.
_STAT = {
    "x86_64": struct.Struct("=QQQIII4xQqqq6q24x"),
    "aarch64": struct.Struct("=QQIIIIQ8xqi4xq6q8x"),
}
_OWNERS, _MODE, _DEVICE = struct.Struct("=II"), struct.Struct("=H"), struct.Struct("=II")
_OWNERS_AT, _MODE_AT, _DEVICE_AT = 20, 28, 128
_STATX_SIZE, _MOUNT_ID_AT = 256, 144
_STATX_MNT_ID = 0x1000
_AT_EMPTY_PATH = 0x1000
_AT_SYNC_TYPE = 0x6000


def _statx(handle: int, flags: int, mask: int) -> bytearray:
    buffer = (ctypes.c_char * _STATX_SIZE)()
    kernel.syscall(
        NUMBERS["statx"],
        ctypes.c_int(handle),
        b"",
        ctypes.c_int(flags | _AT_EMPTY_PATH),
        ctypes.c_uint(mask),
        buffer,
    )
    return bytearray(buffer.raw)


def mount_id(handle: int) -> int:
    """Which mount an open file lies on; 0 where Linux does not say (before 5.8)."""
    (found,) = struct.unpack_from("=Q", _statx(handle, 0, _STATX_MNT_ID), _MOUNT_ID_AT)
    return int(found)


def stat_bytes(status: os.stat_result, uid: int, gid: int, mode: int, device: int) -> bytes:
    """A `struct stat` with other owners, mode and device number than the file has."""
    size, blocks = status.st_size, status.st_blocks
    times: list[int] = []
    for nanoseconds in (status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns):
        times += divmod(nanoseconds, 1_000_000_000)
    first = (status.st_nlink, mode) if platform.machine() == "x86_64" else (mode, status.st_nlink)
    return _STAT[platform.machine()].pack(
        status.st_dev, status.st_ino, *first, uid, gid, device, size, status.st_blksize, blocks,
        *times,
    )  # fmt: skip


def statx_bytes(
    handle: int, flags: int, mask: int, uid: int, gid: int, mode: int, device: int
) -> bytes:
    """A `struct statx` of an open file, likewise."""
    buffer = _statx(handle, flags & _AT_SYNC_TYPE, mask)
    _OWNERS.pack_into(buffer, _OWNERS_AT, uid, gid)
    _MODE.pack_into(buffer, _MODE_AT, mode)
    if device:
        _DEVICE.pack_into(buffer, _DEVICE_AT, os.major(device), os.minor(device))
    return bytes(buffer)
