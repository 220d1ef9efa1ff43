"""The terminal of a container, or of one more command in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ....errors import ConflictError, ContainerMagicsError, EngineUnavailableError
from ...containers import ExecRequest, Terminal
from ...events import Cancellation
from .executing import exit_status, prepare
from .starting import starting
from .streaming import attached, ending

if TYPE_CHECKING:
    from ..connection import Connection
    from ..hijacking import Hijacked

__all__ = ["open_terminal"]


class _Terminal:
    """A `Terminal` over a connection; the engine does not hang up a process that is left."""

    def __init__(
        self,
        connection: Hijacked,
        resize: Callable[[int, int], None],
        wait: Callable[[], int],
        close: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._resize = resize
        self._wait = wait
        self._close = close

    def read(self) -> bytes:
        """See `Terminal.read`."""
        try:
            return self._connection.read()
        except (OSError, ValueError):
            return b""

    def write(self, data: bytes) -> None:
        """See `Terminal.write`."""
        with suppress(OSError, ValueError):
            self._connection.write(data)

    def resize(self, rows: int, columns: int) -> None:
        """See `Terminal.resize`."""
        # Whatever the engine says, it is of a process that has just ended.
        try:
            self._resize(rows, columns)
        except EngineUnavailableError:
            raise
        except ContainerMagicsError:
            return

    def wait(self) -> int:
        """See `Terminal.wait`."""
        return self._wait()

    def close(self) -> None:
        """See `Terminal.close`."""
        self._close()


def open_terminal(engine: Connection, name: str, command: ExecRequest | None) -> Terminal:
    """A terminal of a new command, or else of the container itself, which is started if need be.

    Raises:
        ConflictError: the container is paused, or does not run and a command is asked for.
        RunError: it could not be started (125, 126, 127).
    """
    if command is not None:
        return _of_command(engine, prepare(engine, name, replace(command, tty=True)))
    return _of_container(engine, name)


def _of_command(engine: Connection, command: str) -> Terminal:
    def resize(rows: int, columns: int) -> None:
        with engine.calling() as api:
            api.exec_resize(command, height=rows, width=columns)

    def wait() -> int:
        with engine.calling() as api:
            return exit_status(api, command, Cancellation())

    with starting(), engine.calling() as api:
        connection = api.hijack_exec(command, tty=True)
    return _Terminal(connection, resize, wait, connection.close)


def _of_container(engine: Connection, name: str) -> Terminal:
    with starting(), engine.calling() as api, ExitStack() as connections:
        data = api.inspect_container(name)
        container, state = str(data["Id"]), data["State"]
        if state["Paused"]:
            raise ConflictError("You cannot attach to a paused container, unpause it first")
        end = connections.enter_context(ending(engine, data))
        connection = connections.enter_context(attached(api, container, stdin=True))
        if not state["Running"]:
            api.start(container)
        kept = connections.pop_all()

    def resize(rows: int, columns: int) -> None:
        with engine.calling() as api:
            api.resize(container, height=rows, width=columns)

    def wait() -> int:
        with engine.calling():
            return end()

    return _Terminal(connection, resize, wait, kept.close)
