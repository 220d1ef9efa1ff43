"""Threads that carry an image's layers side by side, and end together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ContainerMagicsError
from .events import Cancellation

__all__ = ["Crew", "retrying"]

_GRACE_SECONDS = 2.0

T = TypeVar("T")


class _Stopped(Exception):  # noqa: N818 - not an error: it unwinds a thread that was told to stop
    """The rest of the work has ended."""


class Crew:
    """Threads that work for one transfer, and are left behind where the network holds them up.

    They are daemons and clean up after themselves: a read from a silent server ends only after
    its timeout, and nobody who has cancelled waits for that.

    Args:
        what: the transfer, as in "the pull of alpine:3.18.0 was cancelled".
        cancel: ends it.
    """

    def __init__(self, what: str, cancel: Cancellation) -> None:
        self._what = what
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._cancelled: Future[None] = Future()
        self._futures: list[Future[Any]] = []
        cancel.on_cancel(lambda: self._cancelled.set_result(None))

    def run(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """Do each task in a thread of its own; the first failure is raised at once."""
        futures = [self._start(task) for task in tasks]
        waiting: set[Future[Any]] = {*futures, self._cancelled}
        while not all(future.done() for future in futures):
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            if self._cancelled in done:
                raise ContainerMagicsError(f"the {self._what} was cancelled")
            for future in done:
                future.result()
        return [future.result() for future in futures]

    def _start(self, task: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(task())
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                future.set_exception(error)

        self._futures.append(future)
        threading.Thread(target=work, name=f"container-magics {self._what}", daemon=True).start()
        return future

    def check(self) -> None:
        """End this thread if the transfer has ended."""
        if self._stop.is_set():
            raise _Stopped

    def hand_over(self, source: Path, target: Path) -> None:
        """Rename a directory, unless the transfer has ended and nobody would remove it."""
        with self._lock:
            self.check()
            source.rename(target)

    def dismiss(self) -> None:
        """Tell all threads to stop, and wait for those that can."""
        with self._lock:
            self._stop.set()
        wait(self._futures, timeout=_GRACE_SECONDS)


def retrying(seconds: float) -> str:
    """What is said of a layer that waits for another try, in Docker's words."""
    return f"Retrying in {seconds:.0f} seconds"
