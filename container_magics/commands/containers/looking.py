"""What a container does and has: `docker top`, `port`, `diff`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...engines.containers import Port
from ...errors import ContainerMagicsError, UsageError
from ...views import Column, Table
from ..call import Call, Command
from ..grammar import Arguments, Grammar
from ..results import Lines

__all__ = ["DIFF", "PORT", "TOP"]

_TOP_WIDTH = 20
_TOP_CELL = 4000


def _top(arguments: Arguments, call: Call) -> Table:
    name, *options = arguments.operands
    processes = call.engine.top(name, options)
    columns = [Column(title, title, limit=_TOP_CELL) for title in processes.titles]
    rows = [dict(zip(processes.titles, row, strict=False)) for row in processes.rows]
    return Table(columns, rows, least_width=_TOP_WIDTH)


TOP = Command(
    Grammar(
        "top",
        "CONTAINER [ps OPTIONS]",
        "Display the running processes of a container",
        least=1,
        most=None,
        interspersed=False,
    ),
    _top,
)


def _port(arguments: Arguments, call: Call) -> Lines:
    name, *wanted = arguments.operands
    published = [port for port in call.engine.container(name).ports if port.host]
    if not wanted:
        return _sorted(
            f"{port.container}/{port.protocol} -> {_address(port)}" for port in published
        )
    number, _, protocol = wanted[0].partition("/")
    if not number.isascii() or not number.isdecimal() or int(number) > 0xFFFF:
        raise UsageError(f"Error: invalid port ({number})")
    found = [
        _address(port)
        for port in published
        if (port.container, port.protocol) == (int(number), protocol or "tcp")
    ]
    if not found:
        raise ContainerMagicsError(f"Error: No public port '{wanted[0]}' published for {name}")
    return _sorted(found)


def _address(port: Port) -> str:
    address = f"[{port.address}]" if ":" in port.address else port.address
    return f"{address}:{port.host}"


def _sorted(lines: Iterable[str]) -> Lines:
    """Numbers in them by their size."""
    return Lines(
        sorted(
            lines, key=lambda line: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", line)]
        )
    )


PORT = Command(
    Grammar(
        "port",
        "CONTAINER [PRIVATE_PORT[/PROTO]]",
        "List port mappings or a specific mapping for the container",
        least=1,
        most=2,
    ),
    _port,
)


def _diff(arguments: Arguments, call: Call) -> Lines:
    changes = call.engine.changes(arguments.operands[0])
    return Lines(f"{change.kind} {change.path}" for change in changes)


DIFF = Command(
    Grammar(
        "diff",
        "CONTAINER",
        "Inspect changes to files or directories on a container's filesystem",
        least=1,
        most=1,
    ),
    _diff,
)
