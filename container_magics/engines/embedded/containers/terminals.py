"""Terminals: the other end of one that a process in a container has."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import threading
from contextlib import suppress

from ....errors import RunError, UsageError
from ...containers import ExecRequest
from ..sandbox.shims import Shim
from ..storage.container_records import ContainerRow
from .asking import shim_for_exec
from .executing import exec_fields
from .lifecycle import Containers
from .streaming import outcome

__all__ = ["open_terminal"]

_CHUNK = 1 << 16


class _Terminal:
    """What is read and written at `output` and `given`; the shim says how it ends."""

    def __init__(self, shim: Shim, row: ContainerRow, output: int, given: int) -> None:
        self._shim = shim
        self._row = row
        self._output = output
        self._given = given
        self._lock = threading.Lock()
        self._waiting = threading.Lock()
        self._code: int | None = None
        self._closed = False

    def read(self) -> bytes:
        """See `Terminal`."""
        try:
            data = os.read(self._output, _CHUNK)
        except OSError:  # Nobody has the other end any more.
            data = b""
        if not data:
            self._end_reading()
        return data

    def _end_reading(self) -> None:
        with self._lock:
            output, self._output = self._output, -1
        if output >= 0:
            os.close(output)

    def write(self, data: bytes) -> None:
        """See `Terminal`."""
        with self._lock, suppress(OSError):
            while data and not self._closed:
                data = data[os.write(self._given, data) :]

    def wait(self) -> int:
        """See `Terminal`."""
        with self._waiting:
            if self._code is None:
                answer = outcome(self._shim, self._row)
                if "failed" in answer:
                    raise RunError(answer["failed"], returncode=answer["code"])
                self._code = int(answer["exit"])
            return self._code

    def close(self) -> None:
        """See `Terminal`."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._shim.hang_up()
        os.close(self._given)


class _CommandTerminal(_Terminal):
    """That of a further command: this process holds the other end itself."""

    def __init__(self, shim: Shim, row: ContainerRow, master: int) -> None:
        super().__init__(shim, row, master, os.dup(master))

    def resize(self, rows: int, columns: int) -> None:
        """See `Terminal`."""
        with self._lock, suppress(OSError, ValueError):  # It has ended, maybe just now.
            fcntl.ioctl(self._output, termios.TIOCSWINSZ, struct.pack("=HHHH", rows, columns, 0, 0))


class _ContainerTerminal(_Terminal):
    """That of a container: its shim has it, and keeps a log."""

    def resize(self, rows: int, columns: int) -> None:
        """See `Terminal`."""
        with suppress(OSError):
            self._shim.ask("resize", rows=rows, columns=columns)


def open_terminal(
    containers: Containers, row: ContainerRow, request: ExecRequest | None
) -> _CommandTerminal | _ContainerTerminal:
    """See `ContainerVerbs.open_terminal`."""
    if request is not None:
        shim = shim_for_exec(row)
        mine, console = socket.socketpair()
        with mine, console:
            command = {**exec_fields(row, request), "tty": True}
            command["env"] = {"TERM": "xterm", **command["env"]}
            shim.ask("exec", (console.fileno(),), command=command, detach=False)
            console.close()
            _, handles, _, _ = socket.recv_fds(mine, 1, 1)
        if not handles:
            answer = outcome(shim, row)
            shim.close()
            raise RunError(
                f"OCI runtime exec failed: {answer.get('failed', 'it ended at once')}",
                returncode=answer.get("code", 126),
            )
        os.set_inheritable(handles[0], False)
        return _CommandTerminal(shim, row, handles[0])
    if not row.detail["Config"]["Tty"]:
        raise UsageError(f"container {row.name} was made without a terminal (-t)")
    shim, running = containers.shim_to_attach(row)
    output, out = os.pipe()
    given_end, given = os.pipe()
    shim.ask("attach", (out, given_end), tty=True)
    for handle in (out, given_end):
        os.close(handle)
    if not running:
        shim.ask("start")
    return _ContainerTerminal(shim, row, output, given)
