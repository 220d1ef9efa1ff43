"""Shells in containers, as terminals within the table's view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...engines.base import Engine
from ...engines.containers import Container, ExecRequest
from ...errors import UsageError
from ..terminal.view import TerminalView
from ..terminal.xterm import require_xterm

__all__ = ["Shells"]

_SHELL = "/bin/sh"

Send = Callable[[Mapping[str, Any], Sequence[bytes]], None]


class Shells:
    """At most one shell for each container.

    Args:
        engine: has the containers.
        send: tells the front end; any thread may call it.

    """

    def __init__(self, engine: Engine, send: Send) -> None:
        self._engine = engine
        self._send = send
        self._open: dict[str, tuple[int, TerminalView]] = {}
        self._number = 0

    @property
    def running(self) -> bool:
        """Whether one has not ended."""
        return any(view.busy for _, view in self._open.values())

    def state(self) -> dict[str, Any]:
        """What is open, by the container's ID; a new shell has a new number."""
        return {
            container: {"number": number, **view.start()}
            for container, (number, view) in self._open.items()
        }

    def start(self, container: Container) -> None:
        """Start a shell, in place of one that has ended; nothing where one runs.

        Raises:
            ConflictError: the container does not run, or is paused.
            RunError: it has no /bin/sh.
            UnsupportedError: xterm.js is not in this installation.
        """
        before = self._open.get(container.id)
        if before is not None and before[1].busy:
            return
        require_xterm()
        terminal = self._engine.open_terminal(container.id, ExecRequest((_SHELL,), tty=True))
        view = TerminalView(terminal, f"docker exec -it {container.name} {_SHELL}")
        view.shown(_Place(container.id, self._send))
        self._number += 1
        self._open[container.id] = (self._number, view)

    def answer(self, container: str, asked: str, given: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Answer a question of a terminal's front end.

        Raises:
            UsageError: there is no such shell or question.
        """
        _, view = self._open.get(container, (0, None))
        ask = None if view is None else view.questions().get(asked)
        if ask is None:
            raise UsageError("this shell was closed")
        return ask(**given)

    def close(self, container: str) -> None:
        """Hang up."""
        _, view = self._open.pop(container, (0, None))
        if view is not None:
            view.close()

    def close_all(self) -> None:
        """Hang up all of them."""
        for container in list(self._open):
            self.close(container)


class _Place:
    """Where a terminal is shown: a part of another view's page."""

    def __init__(self, container: str, send: Send) -> None:
        self._container = container
        self._send = send

    def send(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """See `Page.send`."""
        self._send({"shell": self._container, "message": message}, buffers)

    def redraw(self) -> None:
        """See `Page.redraw`: what is saved is the table."""
