"""`docker run` and `docker attach` in the foreground: streams, until the container ends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from ....errors import ConflictError, ContainerMagicsError, NotFoundError, RunError
from ...events import Cancellation, Emit
from ...results import RunResult
from ...run_request import RunRequest
from .creating import create
from .starting import INTERRUPTED, starting
from .streaming import attached, emit_output, ending, feed

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["attach", "run"]


def run(engine: Connection, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
    """Run a container to its end; a cancellation kills it.

    Raises:
        RunError: it could not be started, with the exit status that `docker run` would have.
        ConflictError: the name is in use.
        PullError: the image is not there and cannot be pulled.
    """
    container = create(engine, request, emit, cancel, foreground=True)
    try:
        if cancel.cancelled:
            raise RunError("cancelled before the container started", returncode=INTERRUPTED)
        return RunResult(container, _run_created(engine, container, request, emit, cancel))
    finally:
        if request.remove:
            with suppress(NotFoundError), engine.calling() as api:
                api.remove_container(container, v=True, force=True)


def _run_created(
    engine: Connection, container: str, request: RunRequest, emit: Emit, cancel: Cancellation
) -> int:
    def kill() -> None:
        # An end needs no help.
        with suppress(ConflictError, NotFoundError), engine.calling() as api:
            api.kill(container)

    stdin = request.stdin
    with (
        starting(),
        engine.calling() as api,
        attached(api, container, stdin=stdin is not None) as connection,
    ):
        api.start(container)
        cancel.on_cancel(kill)
        if stdin is not None:
            feed(connection, stdin)
        emit_output(connection, emit, tty=request.tty)
        return int(api.wait(container, timeout=None)["StatusCode"])


def attach(
    engine: Connection,
    name: str,
    stdin: BinaryIO | None,
    emit: Emit,
    cancel: Cancellation,
    *,
    start: bool,
) -> int:
    """Emit what a container writes from now on and feed it, until it ends; the exit status.

    Where its standard input stays open for others (`docker run -d -i`), the end of `stdin` is not
    told to it: the engine would then stop giving output. A cancellation detaches; then it is 0.

    Raises:
        ConflictError: it does not run, without `start`.
        RunError: it could not be started.
    """
    try:
        status = _attach(engine, name, stdin, emit, cancel, start=start)
    except ContainerMagicsError:
        if not cancel.cancelled:
            raise
        return 0
    return 0 if cancel.cancelled else status


def _attach(
    engine: Connection,
    name: str,
    stdin: BinaryIO | None,
    emit: Emit,
    cancel: Cancellation,
    *,
    start: bool,
) -> int:
    with starting(), engine.calling(cancel) as api:
        data = api.inspect_container(name)
        if not start:
            _check_attachable(data["State"])
        config = data["Config"]
        source = stdin if config["OpenStdin"] else None
        with (
            ending(engine, data, cancel) as end,
            attached(api, data["Id"], stdin=source is not None) as connection,
        ):
            if start:
                api.start(data["Id"])
            if source is not None:
                feed(connection, source, end=bool(config["StdinOnce"]))
            emit_output(connection, emit, tty=bool(config["Tty"]))
            return end()


def _check_attachable(state: dict[str, object]) -> None:
    if not state["Running"]:
        raise ConflictError("You cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise ConflictError("You cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise ConflictError("You cannot attach to a restarting container, wait until it is running")
