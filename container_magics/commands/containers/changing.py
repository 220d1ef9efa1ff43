"""What a container is called and when it is restarted: `docker rename`, `docker update`."""

from __future__ import annotations

from ...errors import UsageError
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar, refuse
from .each import each
from .options import restart_policy

__all__ = ["RENAME", "UPDATE"]


def _rename(arguments: Arguments, call: Call) -> None:
    name, new = (operand.strip() for operand in arguments.operands)
    if not name or not new:
        raise UsageError("Error: Neither old nor new names may be empty")
    call.engine.rename(name, new)


RENAME = Command(
    Grammar("rename", "CONTAINER NEW_NAME", "Rename a container", least=2, most=2), _rename
)


def _update(arguments: Arguments, call: Call) -> list[str]:
    if not arguments.given("restart"):
        raise UsageError(
            "you must provide one or more flags when using this command",
            hint="--restart no|on-failure[:N]|always|unless-stopped",
        )
    policy = restart_policy(arguments.one("restart"))
    return each(arguments.operands, call, lambda name: call.engine.update(name, policy))


UPDATE = Command(
    Grammar(
        "update",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Update configuration of one or more containers",
        least=1,
        most=None,
        flags=(
            Flag(
                "restart", "no, on-failure[:max-retries], always or unless-stopped", value="POLICY"
            ),
        ),
        refused=refuse(
            "memory/m memory-swap memory-reservation kernel-memory pids-limit cpus cpu-shares/c "
            "cpuset-cpus cpuset-mems cpu-period cpu-quota cpu-rt-period cpu-rt-runtime "
            "blkio-weight",
            "Limits are set when a container is made: rm it, and run it with others.",
        ),
    ),
    _update,
)
