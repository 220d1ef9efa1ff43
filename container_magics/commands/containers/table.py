"""`containers`: the live table of containers."""

from __future__ import annotations

from ...views.container_table.view import ContainersView
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar
from ..session import Session, current
from .proxy import proxy_root

__all__ = ["CONTAINERS", "containers"]


def containers(all: bool = False, *, session: Session | None = None) -> ContainersView:
    """Watch containers, stop and start them, look into their logs, and open a shell.

    In a notebook the table lives as long as it is looked at.

    Args:
        all: also those that do not run, as `docker ps -a`.
        session: whose engine to ask; the notebook's by default.

    Raises:
        EngineUnavailableError: the engine does not answer.
    """
    engine = (session or current()).engine
    return ContainersView(engine, every=all, proxy=proxy_root(engine))


def _containers(arguments: Arguments, call: Call) -> ContainersView:
    return containers(arguments.on("all"), session=call.session)


CONTAINERS = Command(
    Grammar(
        "containers",
        "[OPTIONS]",
        "Watch containers: state, health, ports, use of processors and memory; with buttons",
        flags=(Flag("all", "show all containers, also those that do not run", "a"),),
        called="containers",
    ),
    _containers,
)
