"""`docker logs`: what a container wrote."""

from __future__ import annotations

import time

from ...engines.containers import LogRequest
from ...engines.events import Cancellation, Emit
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from ..results import RunOutput
from ..values import whole
from .foreground import stream
from .moments import moment

__all__ = ["LOGS"]


def _logs(arguments: Arguments, call: Call) -> RunOutput:
    name = arguments.operands[0]
    request = LogRequest(
        follow=arguments.on("follow"),
        tail=_tail(arguments.one("tail")),
        since=_moment(arguments, "since"),
        until=_moment(arguments, "until"),
        timestamps=arguments.on("timestamps"),
    )

    def logs(emit: Emit, cancel: Cancellation) -> int:
        call.engine.logs(name, request, emit, cancel)
        return 0

    return stream(logs, arguments.operands, call, leave=request.follow)


def _tail(text: str) -> int | None:
    """How many lines; None is all, which docker also takes a negative number for."""
    if text == "all":
        return None
    count = whole(text, "-n, --tail")
    return count if count >= 0 else None


def _moment(arguments: Arguments, flag: str) -> float | None:
    text = arguments.one(flag)
    return moment(text, flag, time.time()) if text else None


LOGS = Command(
    Grammar(
        "logs",
        "[OPTIONS] CONTAINER",
        "Fetch the logs of a container",
        least=1,
        most=1,
        flags=(
            Flag("follow", "go on until it ends, or the cell is interrupted", "f"),
            Flag("since", "only what was written from then on, such as 42m", "", "TIME"),
            Flag("tail", "only so many last lines", "n", "NUMBER", "all"),
            Flag("timestamps", "show when each line was written", "t"),
            Flag("until", "only what was written before, such as 42m", "", "TIME"),
        ),
        refused=refuse("details", "inspect shows the container's labels and environment."),
    ),
    _logs,
)
