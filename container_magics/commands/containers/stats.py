"""`docker stats`: what containers use, now and from second to second."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...engines.base import Engine
from ...engines.containers import Container, Usage
from ...errors import ConflictError, NotFoundError
from ...views import Column, Table, binary_size, human_size
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar
from ..listing import formatted
from ..results import Lines

__all__ = ["INTERVAL_SECONDS", "STATS"]

INTERVAL_SECONDS = 1.0
"""Between two samples; the use of processors is measured over it."""

_SHORT_ID = 12


def _stats(arguments: Arguments, call: Call) -> Table | Lines | None:
    sampling = _Sampling(call.engine, arguments.operands, every=arguments.on("all"))
    sampling.rows()
    if arguments.on("no-stream"):
        time.sleep(INTERVAL_SECONDS)
        return _listed(sampling.rows(), arguments)
    view = call.surface.table()
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(INTERVAL_SECONDS)
            shown = _listed(sampling.rows(), arguments)
            if isinstance(shown, Table):
                view.show(shown)
            else:
                call.surface.write(f"{shown}\n")
    return None


class _Sampling:
    """What containers use, time after time.

    Args:
        engine: has them.
        names: of those; without any all that run.
        every: also those that do not run.
    """

    def __init__(self, engine: Engine, names: Sequence[str], *, every: bool) -> None:
        self._engine = engine
        self._names = names
        self._every = every
        self._before: Mapping[str, Usage] = {}

    def rows(self) -> list[dict[str, Any]]:
        """A row for each container as it is now; rates are those since the last time."""
        if self._names:
            found = [(name, self._engine.container(name)) for name in self._names]
        else:
            found = [(each.id, each) for each in self._engine.containers(every=self._every)]
        usages: dict[str, Usage] = {}
        for _, container in found:
            # It may have ended meanwhile.
            with suppress(NotFoundError, ConflictError):
                if container.running:
                    usages[container.id] = self._engine.usage(container.id)
        rows = [
            _row(name, container, usages.get(container.id), self._before.get(container.id))
            for name, container in found
        ]
        self._before = usages
        return rows


def _row(
    asked: str, container: Container, usage: Usage | None, before: Usage | None
) -> dict[str, Any]:
    row: dict[str, Any] = {"Container": asked, "Name": container.name, "ID": container.id}
    if usage is None:
        zeros = (0, 0)
        return row | {
            **{"CPUPerc": 0.0, "MemUsage": zeros, "MemPerc": 0.0},
            **{"NetIO": zeros, "BlockIO": zeros, "PIDs": 0},
        }
    seconds = usage.time - before.time if before is not None else 0
    used = usage.cpu - before.cpu if before is not None else 0
    return row | {
        "CPUPerc": 100 * used / seconds if seconds > 0 else 0.0,
        "MemUsage": (usage.memory, usage.memory_limit),
        "MemPerc": 100 * usage.memory / usage.memory_limit if usage.memory_limit else 0.0,
        "NetIO": (usage.received, usage.sent),
        "BlockIO": (usage.read, usage.written),
        "PIDs": usage.pids,
    }


# --- text ---------------------------------------------------------------------------------------


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _memory(value: tuple[int, int]) -> str:
    return " / ".join(map(binary_size, value))


def _amounts(value: tuple[int | None, int | None]) -> str:
    first, second = value
    if first is None or second is None:
        return "--"
    return f"{human_size(first)} / {human_size(second)}"


_COLUMNS = (
    Column("ID", "CONTAINER ID"),
    Column("Name", "NAME"),
    Column("CPUPerc", "CPU %", _percent, numeric=True),
    Column("MemUsage", "MEM USAGE / LIMIT", _memory, numeric=True),
    Column("MemPerc", "MEM %", _percent, numeric=True),
    Column("NetIO", "NET I/O", _amounts, numeric=True),
    Column("BlockIO", "BLOCK I/O", _amounts, numeric=True),
    Column("PIDs", "PIDS", numeric=True),
)


def _listed(rows: Sequence[dict[str, Any]], arguments: Arguments) -> Table | Lines:
    if not arguments.on("no-trunc"):
        rows = [row | {"ID": row["ID"][:_SHORT_ID]} for row in rows]
    texts = [
        {"Container": row["Container"]}
        | {column.key: column.text(row[column.key]) for column in _COLUMNS}
        for row in rows
    ]
    headings = {column.key: column.heading for column in _COLUMNS}
    lines = formatted(texts, arguments.one("format"), headings)
    return Table(_COLUMNS, rows) if lines is None else lines


STATS = Command(
    Grammar(
        "stats",
        "[OPTIONS] [CONTAINER...]",
        "Display a live stream of container(s) resource usage statistics",
        most=None,
        flags=(
            Flag("all", "show all containers (default shows just running)", "a"),
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("no-stream", "show the first result only"),
            Flag("no-trunc", "do not shorten IDs"),
        ),
    ),
    _stats,
)
