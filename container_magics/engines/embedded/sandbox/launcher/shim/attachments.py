"""Clients that see a container's output as it comes, and type."""

from __future__ import annotations

import os
from contextlib import suppress

from .loop import Loop

__all__ = ["Attachment"]

_MOST_PENDING = 1 << 20


class Attachment:
    """One client's streams.

    Args:
        loop: looks at them.
        output: descriptors by stream, 1 and 2; with a terminal both are one.
        input: what the client types, or -1.
    """

    def __init__(self, loop: Loop, output: dict[int, int], input: int) -> None:
        self._loop = loop
        self.input = input
        self._output = output
        self._pending: dict[int, bytearray] = {handle: bytearray() for handle in output.values()}
        for handle in self._pending:
            os.set_blocking(handle, False)

    @property
    def crowded(self) -> bool:
        """Whether the client is so far behind that the container has to wait for it."""
        return any(len(data) > _MOST_PENDING for data in self._pending.values())

    @property
    def waiting(self) -> list[int]:
        """Descriptors that have something to write."""
        return [handle for handle, data in self._pending.items() if data]

    def feed(self, stream: int, data: bytes) -> None:
        """Pass on what came."""
        handle = self._output.get(stream, -1)
        if handle >= 0:
            self._pending[handle] += data
            self.flush(handle)

    def flush(self, handle: int) -> None:
        """Write what can be written now; a client that has gone takes nothing any more."""
        pending = self._pending.get(handle)
        while pending:
            try:
                del pending[: os.write(handle, pending)]
            except BlockingIOError:
                return
            except OSError:
                self._drop(handle)
                return

    def _drop(self, handle: int) -> None:
        self._pending.pop(handle).clear()
        self._output = {stream: kept for stream, kept in self._output.items() if kept != handle}
        self._loop.forget(handle)
        os.close(handle)

    def close_input(self) -> None:
        """It types no more."""
        if self.input >= 0:
            self._loop.forget(self.input)
            os.close(self.input)
            self.input = -1

    def close(self) -> None:
        """Give the streams up."""
        self.close_input()
        for handle in set(self._output.values()):
            self._loop.forget(handle)
            with suppress(OSError):
                os.close(handle)
        self._output = {}
        self._pending.clear()
