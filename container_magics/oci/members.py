"""The members of a tar archive, read from bytes that nobody vouches for.

    read_members ──► Member           raw header blocks, their entry, and content to be read
        └──► HeaderParser ──► Entry

Python's `tarfile` spends seven times as long on the members of a large layer as SHA-256 does, and
does not give the raw header bytes that a layer's digest needs. Here they are kept.
"""

from __future__ import annotations

import io
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import CorruptArchiveError
from .entries import MAX_PATH, NO_XATTRS, Entry, clean_path
from .tar import BLOCK, FLAGS, XATTR, padding

__all__ = ["HeaderParser", "Member", "read_members"]

_MAX_EXTENSION = 1 << 20
_MAX_RAW = 4 << 20
_MAX_ID = (1 << 32) - 2
_MAX_DEVICE = (1 << 20) - 1
_MAX_TIME = (1 << 63) - 1

_HARDLINK, _SYMLINK = FLAGS[0], FLAGS[stat.S_IFLNK]
_KINDS = {b"\0": stat.S_IFREG, b"7": stat.S_IFREG} | {flag: kind for kind, flag in FLAGS.items()}
_EXTENSIONS = frozenset((b"x", b"g", b"L", b"K"))
# name, mode, uid, gid, mtime, link, magic, device numbers, prefix (POSIX ustar)
_FIELDS = struct.Struct("100s8s8s8s12x12s9x100s6s66x16s155s12x")


@dataclass(slots=True)
class Member:
    """An entry of an archive: its raw header blocks, and its content, still to be read."""

    raw: bytes
    entry: Entry
    read: Callable[[int], bytes] = field(repr=False)


class _Source:
    """Reads exactly; remembers the raw bytes of headers."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def exactly(self, count: int) -> bytes:
        data = self._read(count)
        if len(data) == count:
            return data
        parts = [data]
        missing = count - len(data)
        while missing and (data := self._read(missing)):
            parts.append(data)
            missing -= len(data)
        if missing:
            raise CorruptArchiveError("the archive ends in the middle of a member")
        return b"".join(parts)

    def block(self) -> bytes:
        """One block, or b"" at the end of the input (some writers leave the end marker out)."""
        data = self._read(BLOCK)
        while 0 < len(data) < BLOCK:
            more = self._read(BLOCK - len(data))
            if not more:
                raise CorruptArchiveError("the archive ends in the middle of a header")
            data += more
        return data

    def rest(self) -> Iterator[bytes]:
        while data := self._read(1 << 16):
            yield data


def read_members(read: Callable[[int], bytes]) -> Iterator[Member]:
    """Go through an uncompressed archive, member by member.

    Whatever content of a member the caller leaves unread is skipped. The last member has the
    path "" and mode -1, and `raw` holds the end marker and what follows it: with it, the raw
    bytes and contents together are the archive, byte for byte.

    Args:
        read: gives up to n bytes, b"" at the end, such as a file's `read`.

    Raises:
        CorruptArchiveError: a bad checksum, an unsafe path, a truncated or unsupported member.
    """
    source = _Source(read)
    parser = HeaderParser()
    before = b""
    while True:
        raw, entry = parser.next(source)
        if entry is None:
            yield Member(before + raw, Entry("", -1), lambda _count: b"")
            return
        content = _Content(source, entry.size)
        yield Member(before + raw, entry, content.read)
        content.skip()
        before = source.exactly(padding(entry.size))


class HeaderParser:
    """Parses the header blocks of one member after the other; keeps global pax records."""

    def __init__(self) -> None:
        self._shared: dict[str, bytes] = {}

    def parse(self, raw: bytes) -> Entry:
        """The entry whose header blocks `raw` holds, from its first byte.

        A header of one block has been read once before, and its checksum is not looked at again.
        """
        if len(raw) == BLOCK and raw[156:157] not in _EXTENSIONS:
            return _entry(raw, raw[156:157], _number(raw[124:136]), self._shared)
        _, entry = self.next(_Source(io.BytesIO(raw).read))
        if entry is None:
            raise CorruptArchiveError("a record of a layer holds no header")
        return entry

    def next(self, source: _Source) -> tuple[bytes, Entry | None]:
        """Raw blocks and entry of the next member; (all that is left, None) at the end."""
        raw: list[bytes] = []
        overrides: dict[str, bytes] = {}
        while True:
            block = source.block()
            if not block or block.count(0) == BLOCK:
                raw.append(block)
                for chunk in source.rest():
                    raw.append(chunk)
                    _bound(raw)
                return b"".join(raw), None
            raw.append(block)
            _bound(raw)
            _check(block)
            flag = block[156:157]
            size = _number(block[124:136])
            if flag not in _EXTENSIONS:
                records = {**self._shared, **overrides} if self._shared else overrides
                return b"".join(raw), _entry(block, flag, size, records)
            if size > _MAX_EXTENSION:
                raise CorruptArchiveError(f"an extension header of {size} bytes")
            body = source.exactly(size)
            raw += [body, source.exactly(padding(size))]
            if flag == b"x":
                overrides.update(_parse_pax(body))
            elif flag == b"g":
                self._shared.update(_parse_pax(body))
                if sum(map(len, self._shared.values())) > _MAX_EXTENSION or len(self._shared) > 100:
                    raise CorruptArchiveError("global pax headers of an unreasonable size")
            else:
                overrides["path" if flag == b"L" else "linkpath"] = body.split(b"\0", 1)[0]


class _Content:
    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self._left = size

    def read(self, count: int) -> bytes:
        count = min(count, self._left)
        data = self._source.exactly(count) if count else b""
        self._left -= len(data)
        return data

    def skip(self) -> None:
        while self._left:
            self.read(1 << 20)


def _bound(raw: list[bytes]) -> None:
    """Refuse to hold more than some megabytes of headers for one member, or of what follows all."""
    if len(raw) > _MAX_RAW // BLOCK or sum(map(len, raw)) > _MAX_RAW:
        raise CorruptArchiveError(
            f"more than {_MAX_RAW >> 20} MiB of headers for one member, or after the last"
        )


def _check(block: bytes) -> None:
    try:
        expected = _number(block[148:156])
    except CorruptArchiveError:
        expected = -1
    if expected != sum(block) - sum(block[148:156]) + 8 * 0x20:
        raise CorruptArchiveError("a header's checksum is wrong: not a tar archive, or damaged")


def _number(data: bytes) -> int:
    digits = data.rstrip(b" \0")
    if digits.isdigit() and b"8" not in digits and b"9" not in digits:
        return int(digits, 8)
    if data[0] in (0x80, 0xFF):
        value = int.from_bytes(data[1:], "big")
        return value - (1 << (8 * (len(data) - 1))) if data[0] == 0xFF else value
    text = data.strip(b" \0").split(b"\0", 1)[0]
    if text.strip(b"01234567"):
        raise CorruptArchiveError(f"a header has {data!r} where a number should be")
    return int(text, 8) if text else 0


_repeated = lru_cache(maxsize=1 << 12)(_number)
"""The same for fields of which most members of an archive have one of a few values."""


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _parse_pax(body: bytes) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    position = 0
    while position < len(body):
        space = body.find(b" ", position, position + 20)
        try:
            length = int(body[position:space]) if space > 0 else 0
        except ValueError:
            length = 0
        end = position + length
        equals = body.find(b"=", space, end)
        if length <= 0 or equals < 0 or end > len(body) or body[end - 1 : end] != b"\n":
            raise CorruptArchiveError("a pax record is malformed")
        records[body[space + 1 : equals].decode("utf-8", "surrogateescape")] = body[
            equals + 1 : end - 1
        ]
        position = end
    return records


def _entry(block: bytes, flag: bytes, size: int, overrides: Mapping[str, bytes]) -> Entry:
    if flag not in _KINDS:
        raise CorruptArchiveError(f"a member of unsupported type {flag!r}")
    kind = _KINDS[flag]
    path, mode, owner, group, modified, target, magic, devices, prefix = _FIELDS.unpack(block)
    name = _text(path)
    if magic == b"ustar\0" and prefix[0]:
        name = f"{_text(prefix)}/{name}"
    link = _text(target) if target[0] else ""
    uid, gid, mtime = _repeated(owner), _repeated(group), _repeated(modified)
    xattrs: dict[str, bytes] = {}
    if overrides:
        for key, value in overrides.items():
            if key.startswith(XATTR) and "\0" not in key:
                xattrs[key[len(XATTR) :]] = value
            elif key.startswith("GNU.sparse."):
                raise CorruptArchiveError(f"{name!r} is a sparse member, which layers may not hold")
        name = _override(overrides, "path", name)
        link = _override(overrides, "linkpath", link)
        try:
            size = int(overrides.get("size") or size)
            uid, gid = int(overrides.get("uid") or uid), int(overrides.get("gid") or gid)
            mtime = _seconds(overrides["mtime"]) if overrides.get("mtime") else mtime
        except ValueError:
            raise CorruptArchiveError(f"a pax record of {name!r} is not a number") from None
    major = minor = 0
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        major, minor = _number(devices[:8]), _number(devices[8:])
    if not (0 <= uid <= _MAX_ID and 0 <= gid <= _MAX_ID and size >= 0 and abs(mtime) <= _MAX_TIME):
        raise CorruptArchiveError(f"{name[:80]!r} has an impossible size, owner or time")
    if not (0 <= major <= _MAX_DEVICE and 0 <= minor <= _MAX_DEVICE):
        raise CorruptArchiveError(f"{name[:80]!r} has impossible device numbers")
    if flag == _SYMLINK and (not link or "\0" in link or len(link) > MAX_PATH):
        raise CorruptArchiveError(f"{name[:80]!r} is a symlink to an impossible path")
    if kind == stat.S_IFREG and name.endswith("/"):
        kind = stat.S_IFDIR
    return Entry(
        clean_path(name),
        kind | (_repeated(mode) & 0o7777),
        uid,
        gid,
        size if kind == stat.S_IFREG else 0,
        mtime,
        clean_path(link) if flag == _HARDLINK else (link if flag == _SYMLINK else ""),
        major,
        minor,
        xattrs or NO_XATTRS,
    )


def _override(records: Mapping[str, bytes], key: str, value: str) -> str:
    """A pax record as text; an empty one stands for none."""
    return records.get(key, b"").decode("utf-8", "surrogateescape") or value


def _seconds(value: bytes) -> int:
    """A decimal number of seconds, rounded down."""
    whole, _, fraction = value.partition(b".")
    if fraction.strip(b"0123456789"):
        raise ValueError
    return int(whole) - (whole.startswith(b"-") and bool(fraction.strip(b"0")))
