"""What one thread writes, for another to read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

__all__ = ["piped"]


@contextmanager
def piped(write: Callable[[BinaryIO], object]) -> Iterator[BinaryIO]:
    """Read what a function writes while it writes it.

    Args:
        write: runs in a thread of its own. It gets a BrokenPipeError when the reader leaves
            early, and what it raises then is dropped.

    Raises:
        BaseException: what `write` raised, in place of what the reader made of the broken end.
    """
    read_end, write_end = os.pipe()
    left = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        with suppress(BrokenPipeError), os.fdopen(write_end, "wb") as target:
            try:
                write(target)
            except BaseException as error:  # noqa: BLE001 - raised again in the reader's thread
                if not left.is_set():
                    failures.append(error)

    worker = threading.Thread(target=work, name="container-magics-pipe", daemon=True)
    worker.start()
    try:
        with os.fdopen(read_end, "rb") as source:
            try:
                yield source
            finally:
                left.set()
    finally:
        worker.join()
        if failures:
            raise failures[0]
