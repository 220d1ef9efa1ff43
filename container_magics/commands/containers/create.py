"""`docker create`: a container that does not run yet."""

from __future__ import annotations

from dataclasses import replace

from ..call import Call, Command
from ..grammar import Arguments, Grammar
from .creating import create
from .flags import FLAGS, REFUSED
from .options import run_request

__all__ = ["CREATE"]


def _create(arguments: Arguments, call: Call) -> str:
    fed = arguments.on("interactive")
    request = replace(run_request(arguments), open_stdin=fed, stdin_once=fed)
    container = create(arguments, call, request)
    call.surface.write(f"{container}\n")
    return container


CREATE = Command(
    Grammar(
        "create",
        "[OPTIONS] IMAGE [COMMAND] [ARG...]",
        "Create a new container",
        least=1,
        most=None,
        interspersed=False,
        flags=FLAGS,
        refused=REFUSED,
    ),
    _create,
)
