"""Further commands in a container, and its own streams."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from ....errors import ConflictError, RunError
from ...containers import ExecRequest
from ...events import Cancellation, Emit
from ..storage.container_records import ContainerRow
from .asking import shim_for_exec
from .description import command_of
from .lifecycle import Containers, could_not_start
from .streaming import Pipes, first_fact, outcome

__all__ = ["attach", "exec_fields", "execute"]


def attach(
    containers: Containers,
    row: ContainerRow,
    stdin: BinaryIO | None,
    emit: Emit,
    cancel: Cancellation,
    *,
    start: bool,
) -> int:
    """See `ContainerVerbs.attach`."""
    if row.state()["Paused"]:
        raise ConflictError(
            f"You cannot attach to a paused container, unpause it first: {row.name}"
        )
    if not row.running and not start:
        raise ConflictError("You cannot attach to a stopped container, start it first")
    shim, running = containers.shim_to_attach(row)
    with shim:
        pipes = Pipes(stdin if row.detail["Config"]["OpenStdin"] else None)
        shim.ask("attach", pipes.ends_given(), tty=False)
        if not running:
            shim.ask("start")
        cancel.on_cancel(shim.hang_up)
        pipes.follow(emit)
        answer = outcome(shim, row, cancel)
    if "failed" in answer:
        raise could_not_start(answer)
    return int(answer["exit"])


def execute(
    row: ContainerRow,
    request: ExecRequest,
    emit: Emit,
    cancel: Cancellation,
) -> int:
    """See `ContainerVerbs.exec`."""
    with shim_for_exec(row) as shim:
        if request.detach:
            nothing = os.open(os.devnull, os.O_RDWR)
            shim.ask("exec", [nothing] * 3, command=exec_fields(row, request), detach=True)
            os.close(nothing)
            answer = first_fact(shim)
        else:
            pipes = Pipes(request.stdin)
            out, err, given = pipes.ends()
            shim.ask("exec", (given, out, err), command=exec_fields(row, request), detach=False)
            cancel.on_cancel(shim.hang_up)
            pipes.follow(emit)
            answer = outcome(shim, row, cancel)
    if "failed" in answer:
        raise RunError(f"OCI runtime exec failed: {answer['failed']}", returncode=answer["code"])
    return int(answer.get("exit", 0))


def exec_fields(row: ContainerRow, request: ExecRequest) -> dict[str, Any]:
    """A further command as its supervisor wants it."""
    command = command_of(row.detail)
    return {
        "argv": list(request.command),
        "env": {**command.env, **request.environment},
        "cwd": request.workdir or command.workdir,
        "user": request.user or command.user,
        "tty": request.tty,
    }
