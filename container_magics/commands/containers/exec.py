"""`docker exec`: one more command in a running container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engines.containers import ExecRequest
from ...engines.follow import finish
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from ..results import RunOutput
from .foreground import stream
from .options import environment, workdir
from .terminal import show_terminal

if TYPE_CHECKING:
    from ...views.terminal.view import TerminalView

__all__ = ["EXEC"]


def _exec(arguments: Arguments, call: Call) -> TerminalView | RunOutput | None:
    name, *command = arguments.operands
    engine, detach, tty = call.engine, arguments.on("detach"), arguments.on("tty")
    feed = call.stdin if arguments.on("interactive") and not detach else None
    request = ExecRequest(
        tuple(command),
        environment=environment(arguments),
        user=arguments.one("user"),
        workdir=workdir(arguments.one("workdir")),
        stdin=feed,
        detach=detach,
        tty=tty,
    )
    if detach:
        finish(lambda emit, cancel: engine.exec(name, request, emit, cancel))
        return None
    if tty:
        return show_terminal(
            call, lambda: engine.open_terminal(name, request), "exec", arguments.operands
        )
    return stream(
        lambda emit, cancel: engine.exec(name, request, emit, cancel), arguments.operands, call
    )


EXEC = Command(
    Grammar(
        "exec",
        "[OPTIONS] CONTAINER COMMAND [ARG...]",
        "Execute a command in a running container",
        least=2,
        most=None,
        interspersed=False,
        flags=(
            Flag("detach", "run the command in the background, its output dropped", "d"),
            Flag("env", "set an environment variable; NAME alone takes yours", "e", "NAME[=VALUE]"),
            Flag("env-file", "read environment variables from a file", value="FILE"),
            Flag("interactive", "feed standard input: the body of a %%docker cell", "i"),
            Flag("tty", "give the command a terminal", "t"),
            Flag("user", "user name or UID, and group", "u", "USER[:GROUP]"),
            Flag("workdir", "working directory inside the container", "w", "DIR"),
        ),
        refused={
            **refuse("privileged", "The command has what the container has: leave it out."),
            **refuse("detach-keys", "Interrupting the cell ends the command."),
        },
    ),
    _exec,
    reads_input=lambda arguments: arguments.on("interactive"),
)
