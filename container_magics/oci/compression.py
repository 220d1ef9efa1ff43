"""Reading what may be compressed: gzip, zstd, bzip2, xz or plain, known by its first bytes.

Layers are plain, gzip or zstd (OCI image-spec, "Layer media types"); archives that people load,
import or ADD come in any of the five. Concatenated members, frames and streams count as one, as
their formats say. Memory is bounded whatever the input: at most 64 MiB of output is held, and
dictionaries and windows that would take more than 256 MiB are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..errors import CorruptArchiveError

__all__ = ["compression_of", "decompressed", "is_tar"]

_INPUT = 1 << 16
_OUTPUT = 1 << 18
_MEMORY = 256 << 20
_WINDOW = 128 << 20
_ZSTD_STEP = 1 << 11
_HEAD = 6
_BLOCK = 512


def compression_of(head: bytes) -> str:
    """`gzip`, `zstd`, `bzip2` or `xz` by the first 6 bytes of a file, or "" for anything else."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or (
        head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50
    ):
        return "zstd"
    if head.startswith(b"BZh"):
        return "bzip2"
    return "xz" if head.startswith(b"\xfd7zXZ\0") else ""


def is_tar(head: bytes) -> bool:
    """Whether an uncompressed file that begins with these bytes is a tar archive.

    Takes what Go's `archive/tar` takes as a first header, and so what ADD unpacks: any block of
    512 bytes whose checksum is right, with or without a `ustar` magic.
    """
    block = head[:_BLOCK]
    if len(block) < _BLOCK or not any(block):
        return False
    try:
        stored = int(block[148:156].split(b"\0", 1)[0].strip() or b"-1", 8)
    except ValueError:
        return False
    return stored == sum(block) - sum(block[148:156]) + 8 * 0x20


def decompressed(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A reader of the uncompressed bytes behind another reader.

    Args:
        read: gives up to n bytes, b"" at the end, such as a file's `read`.

    Returns:
        A function of the same kind. It raises CorruptArchiveError where the input is damaged,
        ends too early or goes on with something else; what `read` raises passes through.
    """
    return _Reader(read).read


class _Decoder(Protocol):
    """What `bz2.BZ2Decompressor` and its like have in common: one member of a stream."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Reader:
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._kind: str | None = None
        self._decoder: _Decoder | None = None
        self._pending = b""
        self._out = memoryview(b"")

    def read(self, count: int) -> bytes:
        if not self._out:
            self._out = memoryview(self._fill())
        data = bytes(self._out[:count])
        self._out = self._out[count:]
        return data

    def _fill(self) -> bytes:
        if self._kind is None:
            self._peek()
            self._kind = compression_of(self._pending)
        if not self._kind:
            data, self._pending = self._pending or self._read(_OUTPUT), b""
            return data
        while True:
            if self._decoder is None and not self._begin():
                return b""
            if data := self._step():
                return data

    def _peek(self) -> None:
        while len(self._pending) < _HEAD and (more := self._read(_INPUT)):
            self._pending += more

    def _begin(self) -> bool:
        """Start on the next member; False at the end of the input."""
        self._pending = self._pending.lstrip(b"\0")
        self._peek()
        while self._pending[:1] == b"\0":
            self._pending = self._pending.lstrip(b"\0")
            self._peek()
        if not self._pending:
            return False
        if compression_of(self._pending) != self._kind:
            raise CorruptArchiveError(f"the {self._kind} data are followed by something else")
        self._decoder = _decoder(str(self._kind))
        return True

    def _step(self) -> bytes:
        decoder = self._decoder
        assert decoder is not None  # noqa: S101 - for mypy: `_fill` has just seen to it
        data = b""
        if decoder.needs_input:
            data, self._pending = self._pending or self._read(_INPUT), b""
            if not data:
                raise CorruptArchiveError(f"the {self._kind} data end in the middle: truncated")
        try:
            out = decoder.decompress(data, _OUTPUT)
        except _errors() as error:
            raise CorruptArchiveError(f"the {self._kind} data are damaged: {error}") from error
        if decoder.eof:
            self._pending = decoder.unused_data
            self._decoder = None
        return out


class _Zstd:
    """One zstd frame with the interface of `bz2.BZ2Decompressor`.

    The library gives all output of an input at once, and 4 bytes may stand for 128 KiB: hence
    steps that are small enough for their output to be held.
    """

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._input = memoryview(b"")
        self._out = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._frame.eof and not self._out

    @property
    def needs_input(self) -> bool:
        return not self._out and not self._input and not self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data + bytes(self._input)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            self._input = memoryview(data)
        while not self._out and self._input and not self._frame.eof:
            self._out = memoryview(self._frame.decompress(self._input[:_ZSTD_STEP]))
            self._input = self._input[_ZSTD_STEP:]
        out = bytes(self._out[:max_length])
        self._out = self._out[max_length:]
        return out


def _decoder(kind: str) -> _Decoder:
    if kind == "gzip":
        from isal import igzip_lib

        gzip: _Decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        return gzip
    if kind == "zstd":
        return _Zstd()
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


def _errors() -> tuple[type[Exception], ...]:
    """What the decoders raise for damaged input."""
    import lzma

    import zstandard
    from isal import igzip_lib

    damaged: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # a wrong stub
    return (damaged, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError, ValueError)
