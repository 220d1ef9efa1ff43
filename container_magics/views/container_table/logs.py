"""The last lines of a container's log, followed for a front end.

A container may write faster than anybody reads: of what has come since the last time, a quarter of
a second before, the end is shown, and the lines before it are counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition, Thread
from typing import Any

from ...engines.base import Engine
from ...engines.containers import LogRequest
from ...engines.events import Cancellation, EngineEvent, Output
from ...errors import ContainerMagicsError
from ..terminal_text import LineReader

__all__ = ["LogFollower"]

_TAIL = 200
_KEPT = 500
_WIDTH = 400
_WAITING = 65_536
_PACE = 0.25


class LogFollower:
    """Follows until the container ends, or `close`.

    Args:
        engine: has the container.
        container: its ID.
        send: tells a front end; called in a thread.
    """

    def __init__(
        self, engine: Engine, container: str, send: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._engine = engine
        self._container = container
        self._send = send
        self._cancel = Cancellation()
        self._changed = Condition()
        self._waiting: deque[Output] = deque()
        self._size = 0
        self._ended = False
        self._error = ""
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._count = 0
        self._readers = self._new_readers()
        for work in (self._read, self._show):
            Thread(target=work, name=f"container logs {work.__name__}", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether the container has ended, or the following failed."""
        return self._ended

    def close(self) -> None:
        """Follow no more."""
        self._cancel.cancel()

    def state(self) -> Mapping[str, Any]:
        """All that a front end shows that has just come: see `_message`."""
        with self._changed:
            return self._message(len(self._lines))

    def _read(self) -> None:
        request = LogRequest(follow=True, tail=_TAIL)
        try:
            self._engine.logs(self._container, request, self._take, self._cancel)
        except ContainerMagicsError as error:
            self._error = error.message
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take(self, event: EngineEvent) -> None:
        if not isinstance(event, Output):
            return
        with self._changed:
            self._waiting.append(event)
            self._size += len(event.data)
            if self._size > _WAITING:
                while self._size > _WAITING and len(self._waiting) > 1:
                    gone = self._waiting.popleft().data
                    self._size -= len(gone)
                    self._count += gone.count(b"\n")
                # What begins in the middle of a line is a line of its own.
                self._readers = self._new_readers()
                self._lines.clear()
            self._changed.notify_all()

    def _show(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._waiting)
                new = self._digest()
                message = self._message(new)
                last = self._ended
            if self._cancel.cancelled:
                return
            self._send(message)
            if last:
                return
            with self._changed:
                self._changed.wait_for(lambda: self._ended, _PACE)

    def _digest(self) -> int:
        """Make lines of what has come; how many of them are new."""
        before = self._count
        waiting, self._waiting, self._size = self._waiting, deque(), 0
        for output in waiting:
            self._readers[output.stream].feed(output.data)
        if self._ended:
            for reader in self._readers.values():
                reader.end()
        return min(self._count - before, len(self._lines))

    def _message(self, new: int) -> Mapping[str, Any]:
        """The latest `new` lines, the number of the first of them, and the one that has no end."""
        lines = list(self._lines)[len(self._lines) - new :]
        return {
            "log": self._container,
            "from": self._count - new,
            "lines": lines,
            "open": [reader.pending for reader in self._readers.values() if reader.pending],
            "ended": self._ended,
            "error": self._error,
        }

    def _new_readers(self) -> Mapping[int, LineReader]:
        return {stream: LineReader(self._append, _WIDTH) for stream in (1, 2)}

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._count += 1
