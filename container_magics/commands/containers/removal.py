"""The end of containers: `docker rm` and `docker container prune`."""

from __future__ import annotations

import time

from ...engines.results import PruneReport, Removal
from ...errors import UnsupportedError, UsageError
from ...views import human_size
from ..call import Call, Command
from ..confirmation import confirm
from ..grammar import Arguments, Flag, Grammar, refuse
from .each import each
from .moments import moment

__all__ = ["PRUNE", "RM", "report_prune"]


def _rm(arguments: Arguments, call: Call) -> list[str]:
    force, volumes = arguments.on("force"), arguments.on("volumes")
    return each(
        arguments.operands,
        call,
        lambda name: call.engine.remove_container(name, force=force, volumes=volumes),
        forgiving=force,
    )


RM = Command(
    Grammar(
        "rm",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Remove one or more containers",
        least=1,
        most=None,
        flags=(
            Flag("force", "force the removal of a running container (uses SIGKILL)", "f"),
            Flag("volumes", "remove the container's anonymous volumes", "v"),
        ),
        refused=refuse("link/l", "Containers are not linked: put them on one network."),
    ),
    _rm,
)


def _prune(arguments: Arguments, call: Call) -> PruneReport:
    until = _until(arguments)
    confirm(arguments, call, "container prune", "all stopped containers")
    deleted, reclaimed = call.engine.prune_containers(until)
    return report_prune(call, "Containers", deleted, reclaimed)


def _until(arguments: Arguments) -> float | None:
    until = None
    for text in arguments.all("filter"):
        key, _, value = text.partition("=")
        if key in ("label", "label!"):
            raise UnsupportedError(
                f"docker container prune --filter {key}= is not available in this version of "
                "container-magics",
                hint="ps -aq --filter status=exited --filter label=… gives names for rm.",
            )
        if key != "until":
            raise UsageError(f"invalid filter '{key}'", hint="until= is one.")
        until = moment(value, "until", time.time())
    return until


def report_prune(call: Call, kind: str, deleted: tuple[str, ...], reclaimed: int) -> PruneReport:
    """Say what a prune deleted, as docker does.

    Args:
        call: whose surface shows it.
        kind: such as `Containers`.
        deleted: IDs or names.
        reclaimed: bytes.
    """
    if deleted:
        call.surface.write(f"Deleted {kind}:\n" + "".join(f"{name}\n" for name in deleted) + "\n")
    call.surface.write(f"Total reclaimed space: {human_size(reclaimed, 4)}\n")
    return PruneReport(Removal(deleted=deleted), reclaimed)


PRUNE = Command(
    Grammar(
        "container prune",
        "[OPTIONS]",
        "Remove all stopped containers",
        flags=(
            Flag("filter", "until= a time: only what was made before it", "", "KEY=VALUE"),
            Flag("force", "do not ask", "f"),
        ),
    ),
    _prune,
)
