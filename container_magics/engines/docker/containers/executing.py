"""`docker exec`: one more command in a running container, its streams and its exit status."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from ....errors import ContainerMagicsError, RunError
from ...containers import ExecRequest
from ...events import Cancellation, Emit, EngineEvent, Output
from .lifecycle import changing
from .starting import INTERRUPTED, NOT_EXECUTABLE, starting, status_of
from .streaming import emit_output, feed

if TYPE_CHECKING:
    from ..api import Api
    from ..connection import Connection

__all__ = ["execute", "exit_status", "prepare"]

_POLL_SECONDS = 0.02


def prepare(engine: Connection, name: str, request: ExecRequest) -> str:
    """Tell the engine of a command; the ID of what is yet to be started.

    Raises:
        ConflictError: the container does not run, or is paused.
    """
    with changing(engine) as api:
        answer = api.exec_create(
            name,
            list(request.command),
            stdin=request.stdin is not None or request.tty,
            tty=request.tty,
            user=request.user,
            environment=dict(request.environment),
            workdir=request.workdir or None,
        )
    return str(answer["Id"])


def execute(
    engine: Connection, name: str, request: ExecRequest, emit: Emit, cancel: Cancellation
) -> int:
    """Run a command in a container; its exit status, 0 where it is detached.

    A cancellation leaves the command alone, as the engine knows no way to end it; then it is 130.

    Raises:
        ConflictError: the container does not run, or is paused.
        RunError: it could not be started (126, 127).
    """
    command = prepare(engine, name, request)
    if request.detach:
        with starting(), engine.calling() as api:
            api.exec_start(command, detach=True, tty=request.tty)
        return 0
    try:
        status = _stream(engine, command, request, emit, cancel)
    except ContainerMagicsError:
        if not cancel.cancelled:
            raise
        return INTERRUPTED
    return INTERRUPTED if cancel.cancelled else status


def exit_status(api: Api, command: str, cancel: Cancellation) -> int:
    """The exit status of a command; waits for one that has closed its output and runs on."""
    while (state := api.exec_inspect(command))["Running"] and not cancel.cancelled:
        time.sleep(_POLL_SECONDS)
    return int(state["ExitCode"] or 0)


def _stream(
    engine: Connection, command: str, request: ExecRequest, emit: Emit, cancel: Cancellation
) -> int:
    with starting(), engine.calling(cancel) as api:
        with closing(api.hijack_exec(command, tty=request.tty)) as connection:
            if request.stdin is not None:
                feed(connection, request.stdin)
            emit_output(connection, _Refusals(api, command, emit).take, tty=request.tty)
        return exit_status(api, command, cancel)


class _Refusals:
    """The engine writes why it could not start a command as if that were the command's output."""

    def __init__(self, api: Api, command: str, emit: Emit) -> None:
        self._api = api
        self._command = command
        self._emit = emit
        self._first = True

    def take(self, event: EngineEvent) -> None:
        """Emit output.

        Raises:
            RunError: it is such a refusal.
        """
        first, self._first = self._first, False
        if first and isinstance(event, Output) and event.data.endswith(b"\r\n"):
            state = self._api.exec_inspect(self._command)
            if state["ExitCode"] and not state["Running"] and not state["Pid"]:
                message = event.data.decode(errors="replace").strip().removesuffix(": unknown")
                raise RunError(message, returncode=status_of(message, NOT_EXECUTABLE))
        self._emit(event)
