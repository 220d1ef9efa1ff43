"""Connections that an engine has taken over for a process' streams, on any transport.

Without a terminal, bytes come back in frames: the stream's number, three zero bytes, the length,
and as many bytes. <https://docs.docker.com/reference/api/engine/> (attach, "Stream format")
"""

from __future__ import annotations

import io
import os
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, Protocol

import requests

__all__ = ["Hijacked", "frames", "plain_socket"]

CHUNK_BYTES = 1 << 16
_HEADER = struct.Struct(">BxxxL")


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


def plain_socket(connection: _HasDescriptor) -> socket.socket:
    """A second handle on the socket below a response or stream; the caller closes it."""
    return socket.socket(fileno=os.dup(connection.fileno()))


def frames(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """What a process writes: (stream, bytes); `read` gives up to n bytes, and b"" at the end."""
    while header := read(_HEADER.size):
        while len(header) < _HEADER.size:
            more = read(_HEADER.size - len(header))
            if not more:
                return
            header += more
        stream, left = _HEADER.unpack(header)
        while left and (data := read(left)):
            left -= len(data)
            yield stream, data


class Hijacked:
    """One such connection; one thread may read while another writes.

    Args:
        response: the engine's answer.
        connection: what the SDK finds below it: a TLS socket, or a raw stream on another.
    """

    def __init__(
        self, response: requests.Response, connection: io.RawIOBase | socket.socket
    ) -> None:
        self._response = response
        # Some of it may have come with the answer's head, and is in this reader's buffer.
        self._reader: io.BufferedReader = response.raw._fp.fp  # type: ignore[union-attr]
        self._plain = plain_socket(response.raw)
        # What else the SDK finds is for reading only.
        self._tls = connection if isinstance(connection, ssl.SSLSocket) else None
        self._lock = threading.Lock()
        if self._tls is not None:
            self._tls.setblocking(False)

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Up to `size` bytes as soon as there are some; b"" at the end."""
        if self._tls is None:
            return self._reader.read1(size)
        while True:
            # OpenSSL's state is not for two threads, so neither may wait within it.
            with self._lock, suppress(ssl.SSLWantReadError):
                return self._reader.read1(size)
            select.select([self._plain], [], [])

    def write(self, data: bytes) -> None:
        """Send all of it."""
        if self._tls is None:
            self._plain.sendall(data)
            return
        left = memoryview(data)
        while left:
            with self._lock, suppress(ssl.SSLWantWriteError):
                left = left[self._tls.send(left) :]
                continue
            select.select([], [self._plain], [])

    def feed(self, source: BinaryIO, *, end: bool = True) -> None:
        """Copy standard input to the process; with `end`, then close that side."""
        read = getattr(source, "read1", source.read)
        # The process may end, and its connection close, before it has read everything.
        with suppress(OSError, ValueError):
            while data := read(CHUNK_BYTES):
                self.write(data)
            if end:
                self._plain.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the connection, also for a thread that reads or writes."""
        with suppress(OSError):
            self._plain.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self._plain.close()
