"""What a process in a container writes and is fed, by pipes to it or to its shim.

client ──pipes──► shim or process;  the shim's answers come on its socket
"""

from __future__ import annotations

import os
import selectors
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from ....errors import SandboxError
from ...events import Cancellation, Emit, Output
from ..sandbox.shims import Shim
from ..storage.container_records import SHIM_KILLED, ContainerRow

__all__ = ["Pipes", "first_fact", "outcome"]

_CHUNK = 1 << 16


class Pipes:
    """Pipes for one process: output, error, and input where there is some.

    Args:
        stdin: what it is fed; None is nothing.
    """

    def __init__(self, stdin: BinaryIO | None) -> None:
        self._stdin = stdin
        out, self._out = os.pipe()
        err, self._err = os.pipe()
        self._open = {out: 1, err: 2}
        self._feed = -1
        if stdin is None:
            self._in = os.open(os.devnull, os.O_RDONLY)
        else:
            self._in, self._feed = os.pipe()

    def ends(self) -> tuple[int, int, int]:
        """The other side's output, error and input."""
        return self._out, self._err, self._in

    def ends_given(self) -> tuple[int, ...]:
        """The same without an input where there is none."""
        return self.ends() if self._stdin is not None else (self._out, self._err)

    def follow(self, emit: Emit) -> None:
        """Give the other side's ends up, feed it, and emit what comes until the end."""
        for handle in self.ends():
            os.close(handle)
        if self._stdin is not None:
            threading.Thread(
                target=_feed, args=(self._stdin, self._feed), name="container-stdin", daemon=True
            ).start()
        try:
            with selectors.DefaultSelector() as selector:
                for handle in self._open:
                    selector.register(handle, selectors.EVENT_READ)
                while self._open:
                    for key, _ in selector.select():
                        data = os.read(key.fd, _CHUNK)
                        if data:
                            emit(Output(self._open[key.fd], data))
                        else:
                            selector.unregister(key.fd)
                            os.close(key.fd)
                            del self._open[key.fd]
        finally:
            for handle in self._open:
                os.close(handle)


def _feed(source: BinaryIO, target: int) -> None:
    """Copy standard input into the container; it may close its end at any time."""
    with os.fdopen(target, "wb", buffering=0) as pipe, suppress(BrokenPipeError):
        shutil.copyfileobj(source, pipe)


def outcome(shim: Shim, row: ContainerRow, cancel: Cancellation | None = None) -> Mapping[str, Any]:
    """Wait for the answer that says how a process ended, or could not be started.

    Args:
        shim: is asked.
        row: the container, whose end may have come before the question.
        cancel: may end the conversation.

    Raises:
        SandboxError: the shim was killed.
    """
    while (answer := shim.answer()) is not None:
        if "exit" in answer or "failed" in answer:
            return answer
    if cancel is not None and cancel.cancelled:
        return {"exit": 0}
    state = row.state()
    if state["Running"] or state["Error"] == SHIM_KILLED:
        raise SandboxError(f"the shim of {row.name} was killed, and the container with it")
    return {"exit": state["ExitCode"]}


def first_fact(shim: Shim) -> Mapping[str, Any]:
    """What a shim says of a start: {"started"} or {"failed", "code"}.

    Raises:
        SandboxError: it has ended without a word.
    """
    while (answer := shim.answer()) is not None:
        if "started" in answer or "failed" in answer or "exit" in answer:
            return answer
    raise SandboxError("the container's shim was killed before the container ran")
