"""Descriptors to be read or written, and times to come; one at a time, in one thread."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable

__all__ = ["Loop", "Timer"]


class Timer:
    """Something that is due at a time, unless it is cancelled."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do not do it."""
        self.action = None


class Loop:
    """Runs actions when their descriptors are ready, or their times have come."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Timer]] = []

    def on_readable(self, handle: int, action: Callable[[], None]) -> None:
        """Do something whenever a descriptor can be read."""
        self._put(handle, selectors.EVENT_READ, action)

    def on_writable(self, handle: int, action: Callable[[], None]) -> None:
        """Do something whenever a descriptor can be written."""
        self._put(handle, selectors.EVENT_WRITE, action)

    def _put(self, handle: int, event: int, action: Callable[[], None]) -> None:
        if handle in self._selector.get_map():
            self._selector.modify(handle, event, action)
        else:
            self._selector.register(handle, event, action)

    def forget(self, handle: int) -> None:
        """Do not look at a descriptor any more, if it is one; before it is closed."""
        if handle >= 0 and handle in self._selector.get_map():
            self._selector.unregister(handle)

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Do something once, later."""
        timer = Timer(action)
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def turn(self) -> None:
        """Wait for what comes next, and do it."""
        while self._due and self._due[0][2].action is None:
            heapq.heappop(self._due)
        wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
        for key, _ in self._selector.select(wait):
            if self._selector.get_map().get(key.fd) is key:  # An action before may have changed it.
                key.data()
        while self._due and self._due[0][0] <= time.monotonic():
            _, _, timer = heapq.heappop(self._due)
            if timer.action is not None:
                timer.action()
