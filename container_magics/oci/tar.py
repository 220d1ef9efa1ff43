"""Tar as layers are written: the header blocks of an entry, and what is put around content.

Layers are POSIX pax archives with GNU extensions (OCI image-spec, "Image Layer Filesystem
Changeset"). `members` reads them.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping

from .entries import Entry

__all__ = ["BLOCK", "END", "FLAGS", "XATTR", "header", "padding"]

BLOCK = 512
END = bytes(2 * BLOCK)
FLAGS = {
    0: b"1",  # A hard link.
    stat.S_IFREG: b"0",
    stat.S_IFLNK: b"2",
    stat.S_IFCHR: b"3",
    stat.S_IFBLK: b"4",
    stat.S_IFDIR: b"5",
    stat.S_IFIFO: b"6",
}
"""The type flag of each kind of entry."""
XATTR = "SCHILY.xattr."
"""What pax records of extended attributes begin with."""

_OCTAL_11 = 0o77777777777
_OCTAL_7 = 0o7777777


def padding(size: int) -> int:
    """Bytes of zeros after a member's content of `size` bytes."""
    return -size % BLOCK


def header(entry: Entry) -> bytes:
    """The header blocks of an entry: plain ustar where it fits, else with a pax record before.

    Deterministic: the same entry gives the same bytes (what Docker's Go writer keeps as well:
    whole seconds, no user names, no access times).
    """
    kind = entry.kind
    name = entry.path + "/" if kind == stat.S_IFDIR else entry.path
    records: dict[str, bytes] = {}
    raw_name, prefix = _split_name(name)
    if raw_name is None:
        encoded = name.encode("utf-8", "surrogateescape")
        records["path"] = encoded
        raw_name, prefix = encoded[:100], b""
    raw_link = entry.link.encode("utf-8", "surrogateescape")
    if len(raw_link) > 100 or not raw_link.isascii():
        records["linkpath"] = raw_link
        raw_link = raw_link[:100]
    size, uid, gid, mtime = entry.size, entry.uid, entry.gid, entry.mtime
    if size > _OCTAL_11:
        records["size"], size = b"%d" % size, 0
    if uid > _OCTAL_7:
        records["uid"], uid = b"%d" % uid, 0
    if gid > _OCTAL_7:
        records["gid"], gid = b"%d" % gid, 0
    if not 0 <= mtime <= _OCTAL_11:
        records["mtime"], mtime = b"%d" % mtime, 0
    for key, value in entry.xattrs.items():
        records[XATTR + key] = value
    block = _ustar(
        raw_name, entry.mode & 0o7777, uid, gid, size, mtime, FLAGS[kind], raw_link,
        entry.major, entry.minor, prefix,
    )  # fmt: skip
    return _pax(records, name) + block if records else block


def _split_name(name: str) -> tuple[bytes | None, bytes]:
    if not name.isascii():
        return None, b""
    raw = name.encode()
    if len(raw) <= 100:
        return raw, b""
    if len(raw) > 256:
        return None, b""
    cut = raw.rfind(b"/", 0, 156)
    if cut <= 0 or len(raw) - cut - 1 > 100 or cut == len(raw) - 1:
        return None, b""
    return raw[cut + 1 :], raw[:cut]


def _ustar(
    name: bytes, mode: int, uid: int, gid: int, size: int, mtime: int, flag: bytes, link: bytes,
    major: int, minor: int, prefix: bytes,
) -> bytes:  # fmt: skip
    head = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (
        name.ljust(100, b"\0"),
        mode,
        uid,
        gid,
        size,
        mtime,
    )
    tail = b"%s%sustar\00000%s%07o\0%07o\0%s" % (
        flag, link.ljust(100, b"\0"), bytes(64), major, minor, prefix.ljust(167, b"\0"),
    )  # fmt: skip
    checksum = sum(head) + sum(tail) + 8 * 0x20
    return b"%s%06o\0 %s" % (head, checksum, tail)


def _pax(records: Mapping[str, bytes], name: str) -> bytes:
    body = b"".join(_pax_record(key, records[key]) for key in sorted(records))
    directory, _, base = name.rstrip("/").rpartition("/")
    label = f"{directory}/PaxHeaders.0/{base}".encode("ascii", "ignore")[:100]
    block = _ustar(label, 0, 0, 0, len(body), 0, b"x", b"", 0, 0, b"")
    return block + body + bytes(padding(len(body)))


def _pax_record(key: str, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (key.encode("utf-8", "surrogateescape"), value)
    length = len(rest) + 1
    while len(b"%d%s" % (length, rest)) != length:
        length = len(b"%d%s" % (length, rest))
    return b"%d%s" % (length, rest)
