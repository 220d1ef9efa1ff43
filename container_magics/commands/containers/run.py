"""`docker run`: in the foreground, in the background (`-d`), or with a terminal (`-t`)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...engines.base import Engine
from ...engines.events import Cancellation, Emit
from ...engines.follow import follow
from ...engines.results import RunResult
from ...engines.run_request import RunRequest
from ...errors import ContainerMagicsError, RunError, UsageError
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from ..results import RunOutput
from .creating import create, id_file, pull
from .flags import FLAGS, REFUSED
from .options import run_request
from .streaming import Streaming
from .terminal import show_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...views.terminal.view import TerminalView

__all__ = ["RUN"]

_ENGINE_FAILED = 125


def _run(arguments: Arguments, call: Call) -> str | RunOutput | TerminalView:
    request = run_request(arguments)
    interactive, engine = arguments.on("interactive"), call.engine
    if arguments.on("detach"):
        return _in_background(arguments, call, replace(request, open_stdin=interactive))
    if request.tty:
        request = replace(request, open_stdin=interactive, stdin_once=interactive)
        return show_terminal(
            call,
            lambda: engine.open_terminal(create(arguments, call, request)),
            "run",
            arguments.operands,
        )
    return _in_foreground(
        arguments, call, replace(request, stdin=call.stdin if interactive else None)
    )


# --- in the background --------------------------------------------------------------------------


def _in_background(arguments: Arguments, call: Call, request: RunRequest) -> str | RunOutput:
    """Start a container and leave it; the ID is told even where it cannot start, as docker does."""
    container = ""
    try:
        container = create(arguments, call, request)
        call.surface.write(f"{container}\n")
        call.engine.start(container)
    except UsageError:
        raise
    except ContainerMagicsError as error:
        code = _failed(error, request, call)
        return RunOutput("", "", code, arguments.operands, container)
    return container


# --- in the foreground --------------------------------------------------------------------------


def _in_foreground(arguments: Arguments, call: Call, request: RunRequest) -> RunOutput:
    quiet = arguments.on("quiet")
    with id_file(arguments.one("cidfile")) as write_id:
        pull(arguments, call)
        streaming = Streaming(call.surface, quiet=quiet)

        def run(emit: Emit, cancel: Cancellation) -> RunResult:
            if not arguments.given("cidfile"):
                return call.engine.run(request, emit, cancel)
            return _run_by_steps(call.engine, request, write_id, emit, cancel)

        following = follow(run)
        try:
            for event in following:
                streaming.take(event)
        except UsageError:
            raise
        except ContainerMagicsError as error:
            streaming.close()
            code = _failed(error, request, call)
            return streaming.output(code, arguments.operands, "")
        finally:
            streaming.close()
    result = following.result
    output = streaming.output(result.returncode, arguments.operands, result.container)
    if not call.lenient:
        output.check()
    return output


def _run_by_steps(
    engine: Engine,
    request: RunRequest,
    created: Callable[[str], object],
    emit: Emit,
    cancel: Cancellation,
) -> RunResult:
    """The engine's `run`, for whoever wants the ID before the container starts."""
    container = engine.create(request, emit, cancel)
    created(container)

    def kill() -> None:
        with suppress(ContainerMagicsError):
            engine.kill(container)

    cancel.on_cancel(kill)
    return RunResult(container, engine.attach(container, request.stdin, emit, cancel, start=True))


# --- failures -----------------------------------------------------------------------------------


def _failed(error: ContainerMagicsError, request: RunRequest, call: Call) -> int:
    """Tell why a container could not be had or started; the exit status of that.

    Raises:
        ContainerMagicsError: the call is not lenient.
    """
    explained = _explained(error, request)
    if not call.lenient:
        raise explained from None
    call.surface.write("\n".join(explained._render_traceback_()) + "\n", 2)
    return explained.returncode if isinstance(explained, RunError) else _ENGINE_FAILED


def _explained(error: ContainerMagicsError, request: RunRequest) -> ContainerMagicsError:
    first = request.command[0] if request.command else ""
    if not isinstance(error, RunError) or error.returncode not in (126, 127):
        return error
    if first == ".":
        hint = "What follows the image is the command: a build takes a context, a run none."
    elif first.startswith("-") and request.entrypoint is None:
        hint = f"What follows the image is the command: put {first} before {request.image}."
    else:
        return error
    return RunError(error.message, returncode=error.returncode, hint=hint)


RUN = Command(
    Grammar(
        "run",
        "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        "Create and run a new container from an image",
        least=1,
        most=None,
        interspersed=False,
        flags=(*FLAGS, Flag("detach", "run it in the background, and print its ID", "d")),
        refused={
            **REFUSED,
            **refuse("detach-keys sig-proxy", "Interrupting the cell ends the container."),
        },
    ),
    _run,
    reads_input=lambda arguments: arguments.on("interactive") and not arguments.on("detach"),
)
