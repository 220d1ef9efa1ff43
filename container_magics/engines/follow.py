"""From an engine's blocking verb to an iterator for the one thread that displays.

A notebook's output belongs to the thread that runs the cell: what another thread prints lands
in the next cell. So the verb runs in a worker, its events queue here, and the caller gets them
in order, or None when `tick` seconds passed without one (time to redraw a clock).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from .events import Cancellation, Emit, EngineEvent

__all__ = ["Following", "finish", "follow"]

T = TypeVar("T")


class Following(Generic[T]):
    """Iterate over a running verb's events; afterwards `result` is what it returned.

    Leaving the iteration early (an exception, KeyboardInterrupt) cancels the verb and waits for
    it to end, so that nothing runs on behind the caller's back.
    """

    def __init__(self, verb: Callable[[Emit, Cancellation], T], tick: float) -> None:
        self._verb = verb
        self._tick = tick
        self._queue: queue.SimpleQueue[EngineEvent | None] = queue.SimpleQueue()
        self._cancel = Cancellation()
        self._outcome: list[T] = []
        self._error: BaseException | None = None

    @property
    def result(self) -> T:
        """What the verb returned; only after the iteration has ended."""
        return self._outcome[0]

    def _work(self) -> None:
        try:
            self._outcome.append(self._verb(self._queue.put, self._cancel))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
        finally:
            self._queue.put(None)

    def __iter__(self) -> Iterator[EngineEvent | None]:
        worker = threading.Thread(target=self._work, name="container-magics-verb", daemon=True)
        worker.start()
        try:
            while True:
                try:
                    event = self._queue.get(timeout=self._tick)
                except queue.Empty:
                    yield None
                    continue
                if event is None:
                    break
                yield event
        finally:
            if worker.is_alive():
                self._cancel.cancel()
            worker.join()
        if self._error is not None:
            raise self._error


def follow(verb: Callable[[Emit, Cancellation], T], *, tick: float = 0.25) -> Following[T]:
    """Run `verb(emit, cancel)` in a worker thread and follow its events.

    Args:
        verb: such as `lambda emit, cancel: engine.build(request, emit, cancel)`.
        tick: seconds after which the iterator yields None if no event came.
    """
    return Following(verb, tick)


def finish(verb: Callable[[Emit, Cancellation], T]) -> T:
    """Run a verb to its end with nobody looking at its events; an interrupt cancels it."""
    following = follow(verb)
    for _ in following:
        continue
    return following.result
