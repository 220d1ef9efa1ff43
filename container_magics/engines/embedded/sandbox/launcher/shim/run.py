"""One run of a container: the supervisor's process, and what is said from one to the other."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from .. import kernel
from ..forking import forget_everything_but, fork
from ..supervisor import descendants_of, supervise
from .loop import Loop

__all__ = ["Run"]

_CHUNK = 1 << 16

Heard = Callable[[Mapping[str, Any]], None]


class Run:
    """Starts a supervisor, and listens to it.

    Args:
        spec: of the container.
        streams: the container's; closed here.
        doors: of its control groups; closed here.
        loop: tells of the supervisor.
        heard: is told what the supervisor tells.

    Attributes:
        supervisor: its process ID.
        code: the container's exit status, once the supervisor has ended.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        streams: Sequence[int],
        doors: Sequence[int],
        loop: Loop,
        heard: Heard,
    ) -> None:
        self._loop = loop
        self._heard = heard
        self._text = b""
        self.code: int | None = None
        self._status, status = os.pipe2(os.O_CLOEXEC)
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        shim = os.getpid()
        self.supervisor = fork()
        if self.supervisor == 0:
            forget_everything_but((*streams, *doors, status, control.fileno()))
            kernel.die_with_parent(shim, signal.SIGTERM)
            supervise(spec, streams, status, control.fileno(), doors)
        control.close()
        for handle in (*streams, *doors, status):
            os.close(handle)
        loop.on_readable(self._status, self._read)

    def _read(self) -> None:
        data = os.read(self._status, _CHUNK)
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            self._heard(json.loads(line))
        if not data:
            self._loop.forget(self._status)
            os.close(self._status)
            self._control.close()
            _, outcome = os.waitpid(self.supervisor, 0)
            code = os.waitstatus_to_exitcode(outcome)
            if code < 0:  # Killed, or ended by `kill` before there was a container.
                _end_orphans()
            self.code = 128 + signal.SIGKILL if code < 0 else code
            self._heard({"ended": self.code})

    def execute(self, number: int, command: Mapping[str, Any], streams: Sequence[int]) -> None:
        """Have a further command run; its streams are closed here."""
        fields = {"init": False, "read_only": False, **command, "id": number}
        self._ask(fields, streams)
        for stream in streams:
            os.close(stream)

    def signal_command(self, number: int, what: int) -> None:
        """Send a signal to a further command."""
        self._ask({"id": number, "signal": what}, ())

    def _ask(self, asked: Mapping[str, Any], streams: Sequence[int]) -> None:
        with suppress(OSError):  # It is ending.
            socket.send_fds(self._control, [json.dumps(asked).encode()], streams)

    def kill(self) -> None:
        """Kill everything in the container."""
        if self.code is None:
            os.kill(self.supervisor, signal.SIGTERM)


def _end_orphans() -> None:
    """Kill and reap what a supervisor that was killed has left; the shim adopts it."""
    with suppress(ChildProcessError):
        while True:
            for pid in descendants_of(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)
