"""A further port of the host for one of the container: what comes is passed on to the first one.

A server's socket can be bound in one place only (`listening.ports`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

from .loop import Loop

__all__ = ["Relays"]

_CHUNK = 1 << 16
_MOST_CONNECTIONS = 100
"""At a time; each takes four descriptors, of which an ordinary process may have 1024."""

_LATER_SECONDS = 1.0

Place = tuple[str, int]
"""An IP address and a port."""


class Relays:
    """Listens at places and passes connections on to others; their number is limited together.

    Args:
        loop: tells of what comes.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._listening: list[tuple[socket.socket, Place]] = []
        self._connections = 0

    def listen(self, place: Place, target: Place) -> None:
        """Pass what comes at a place on to a target.

        Raises:
            OSError: the place is taken.
        """
        listening = socket.create_server(place, family=_family(place), backlog=128)
        listening.setblocking(False)
        self._listening.append((listening, target))
        self._welcome()

    def _welcome(self) -> None:
        if self._connections < _MOST_CONNECTIONS:
            for listening, target in self._listening:
                action = partial(self._accept, listening, target)
                self._loop.on_readable(listening.fileno(), action)

    def _hold_back(self) -> None:
        for listening, _ in self._listening:
            self._loop.forget(listening.fileno())

    def close(self) -> None:
        """Listen no more; what is connected ends with the server."""
        self._hold_back()
        for listening, _ in self._listening:
            listening.close()
        self._listening.clear()

    def _accept(self, listening: socket.socket, target: Place) -> None:
        with ExitStack() as opened:
            try:
                server = opened.enter_context(socket.socket(_family(target)))
                returning = opened.enter_context(server.dup())
                room = opened.enter_context(server.dup())
                # Last, since one that was accepted can wait no more; it needs two descriptors.
                client = opened.enter_context(listening.accept()[0])
                room.close()
                back = (returning, opened.enter_context(client.dup()))
            except (BlockingIOError, ConnectionError):  # It has gone again.
                return
            except OSError:  # There are too many open files; the next one waits.
                self._hold_back()
                self._loop.after(_LATER_SECONDS, self._welcome)
                return
            opened.pop_all()
        for end in (client, server):
            end.setblocking(False)
        server.connect_ex(target)  # Where that fails, the first recv says so.
        self._connections += 1
        if self._connections == _MOST_CONNECTIONS:
            self._hold_back()
        open_ways = 2

        def ended() -> None:
            nonlocal open_ways
            open_ways -= 1
            if not open_ways:
                self._connections -= 1
                self._welcome()

        _Way(self._loop, client, server, ended)
        _Way(self._loop, *back, ended)


class _Way:
    """One direction of a connection, with descriptors of its own: the loop has one action each."""

    def __init__(
        self, loop: Loop, source: socket.socket, target: socket.socket, ended: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._source = source
        self._target = target
        self._ended = ended
        self._data = b""
        self._await_more()

    def _await_more(self) -> None:
        self._loop.on_readable(self._source.fileno(), partial(self._unless_broken, self._read))

    def _unless_broken(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BlockingIOError:
            return
        except OSError:
            for end in (self._source, self._target):
                with suppress(OSError):  # It is broken already.
                    end.shutdown(socket.SHUT_RDWR)
            self._end()

    def _read(self) -> None:
        self._data = self._source.recv(_CHUNK)
        if self._data:
            self._loop.forget(self._source.fileno())
            self._loop.on_writable(self._target.fileno(), partial(self._unless_broken, self._write))
        else:
            self._target.shutdown(socket.SHUT_WR)
            self._end()

    def _write(self) -> None:
        self._data = self._data[self._target.send(self._data) :]
        if not self._data:
            self._loop.forget(self._target.fileno())
            self._await_more()

    def _end(self) -> None:
        for end in (self._source, self._target):
            self._loop.forget(end.fileno())
            end.close()
        self._ended()


def _family(place: Place) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in place[0] else socket.AF_INET
