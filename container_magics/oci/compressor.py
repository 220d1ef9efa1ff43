"""Writing what is to be compressed: gzip or zstd, for layers that leave a store.

The same input gives the same bytes on every machine: no names and no times are in them, and what
is compressed side by side is cut at fixed places.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

__all__ = ["GZIP_LEVELS", "ZSTD_LEVELS", "compressed"]

GZIP_LEVELS = range(10)
ZSTD_LEVELS = range(1, 23)
_BLOCK = 1 << 20
_GZIP = 31
"""zlib's number for a gzip header around a window of 32 KiB."""
_MAX_WORKERS = 8


def compressed(chunks: Iterable[bytes], kind: str, level: int | None = None) -> Iterator[bytes]:
    """Chunks of bytes, compressed.

    Without a level, gzip is written by isal in members of 1 MiB each, on all processors: RFC 1952
    has a file be one or more of them. Memory stays below 4 MiB a processor.

    Args:
        chunks: what to compress.
        kind: `gzip`, `zstd`, or "" to leave them as they are.
        level: one of the format's own; by default a fast one.
    """
    if not kind:
        yield from chunks
        return
    if kind == "zstd":
        compress, flush = _zstd(level)
    elif level is not None:
        compress, flush = _gzip(level)
    else:
        yield from _gzip_members(chunks)
        return
    for block in _blocks(chunks):
        if data := compress(block):
            yield data
    yield flush()


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of one size: where they are cut shows in what comes out.

    The last may be shorter; of nothing there is one empty block.
    """
    pending: list[memoryview] = []
    size = 0
    first = True
    for chunk in chunks:
        rest = memoryview(chunk)
        while size + len(rest) >= _BLOCK:
            cut = _BLOCK - size
            yield b"".join([*pending, rest[:cut]])
            rest = rest[cut:]
            pending.clear()
            size = 0
            first = False
        if rest:
            pending.append(rest)
            size += len(rest)
    if pending or first:
        yield b"".join(pending)


def _gzip_members(chunks: Iterable[bytes]) -> Iterator[bytes]:
    from isal import isal_zlib

    def member(block: bytes) -> bytes:
        return bytes(isal_zlib.compress(block, isal_zlib.ISAL_DEFAULT_COMPRESSION, _GZIP))

    pool, workers = _pool()
    pending: deque[Future[bytes]] = deque()
    for block in _blocks(chunks):
        pending.append(pool.submit(member, block))
        if len(pending) > 2 * workers:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


@cache
def _pool() -> tuple[ThreadPoolExecutor, int]:
    """Threads that compress, for whoever does it at the moment; as many as there are processors."""
    workers = min(len(os.sched_getaffinity(0)), _MAX_WORKERS)
    return ThreadPoolExecutor(workers, "container-magics-gzip"), workers


def _gzip(level: int) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    import zlib

    thorough = zlib.compressobj(level, wbits=_GZIP)
    return thorough.compress, thorough.flush


def _zstd(level: int | None) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    import zstandard

    frame = zstandard.ZstdCompressor(level=3 if level is None else level).compressobj()
    return frame.compress, frame.flush
