"""A container in the foreground: `docker attach`, and `docker start`, which may do that too."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from ...errors import ConflictError, UsageError
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from ..results import RunOutput
from .each import each
from .foreground import stream
from .terminal import show_terminal

if TYPE_CHECKING:
    from ...views.terminal.view import TerminalView

__all__ = ["ATTACH", "START"]

_CANNOT = {
    "paused": "You cannot attach to a paused container, unpause it first",
    "restarting": "You cannot attach to a restarting container, wait until it is running",
}


def _attach(arguments: Arguments, call: Call) -> TerminalView | RunOutput:
    name = arguments.operands[0]
    state = call.engine.container(name).state
    if state != "running":
        raise ConflictError(
            _CANNOT.get(state, "You cannot attach to a stopped container, start it first")
        )
    return _attached(name, call, None if arguments.on("no-stdin") else call.stdin)


def _attached(
    name: str, call: Call, stdin: BinaryIO | None, *, start: bool = False
) -> TerminalView | RunOutput:
    """Show what a container writes, and feed it, until it ends or the cell is interrupted."""
    engine = call.engine
    config = engine.inspect(engine.container(name).id)["Config"]
    if config.get("Tty"):
        verb = "start" if start else "attach"
        return show_terminal(call, lambda: engine.open_terminal(name), verb, [name])
    feed = stdin if config.get("OpenStdin") else None
    return stream(
        lambda emit, cancel: engine.attach(name, feed, emit, cancel, start=start),
        [name],
        call,
        leave=True,
    )


ATTACH = Command(
    Grammar(
        "attach",
        "[OPTIONS] CONTAINER",
        "Attach local standard input, output, and error streams to a running container",
        least=1,
        most=1,
        flags=(Flag("no-stdin", "do not feed standard input: the body of a %%docker cell"),),
        refused=refuse(
            "detach-keys sig-proxy", "Interrupting the cell detaches; docker kill -s sends signals."
        ),
    ),
    _attach,
    reads_input=lambda arguments: not arguments.on("no-stdin"),
)


def _start(arguments: Arguments, call: Call) -> list[str] | TerminalView | RunOutput:
    feeds = arguments.on("interactive")
    if not feeds and not arguments.on("attach"):
        return each(arguments.operands, call, call.engine.start)
    if len(arguments.operands) > 1:
        raise UsageError("you cannot start and attach multiple containers at once")
    return _attached(arguments.operands[0], call, call.stdin if feeds else None, start=True)


START = Command(
    Grammar(
        "start",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Start one or more stopped containers",
        least=1,
        most=None,
        flags=(
            Flag("attach", "show what it writes until it ends", "a"),
            Flag("interactive", "feed standard input: the body of a %%docker cell", "i"),
        ),
        refused={
            **refuse("detach-keys", "Interrupting the cell detaches."),
            **refuse("checkpoint checkpoint-dir"),
        },
    ),
    _start,
    reads_input=lambda arguments: arguments.on("interactive"),
)
