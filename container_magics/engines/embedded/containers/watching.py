"""A container's processes, and what they use, from /proc (proc(5))."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from ....errors import ConflictError, UnsupportedError, UsageError
from ...containers import ProcessTable, Usage
from ..sandbox.launcher import cgroups
from ..sandbox.launcher.supervisor import descendants_of
from ..storage.container_records import ContainerRow

__all__ = ["top", "usage"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _processes(row: ContainerRow) -> list[int]:
    """The processes of a container that runs.

    Raises:
        ConflictError: it does not.
    """
    state = row.state()
    if not state["Running"] or not state["Pid"]:
        raise ConflictError(f"Container {row.id} is not running")
    found = descendants_of(state["Supervisor"]["Pid"])
    return [pid for pid in found if pid != state["Listener"]]


def top(row: ContainerRow, arguments: Sequence[str]) -> ProcessTable:
    """See `ContainerVerbs.top`."""
    pids = set(_processes(row))
    if not shutil.which("ps"):
        raise UnsupportedError("top: there is no ps here", hint="apt-get install procps")
    words = ["ps", *(arguments or ("-ef",))]
    done = subprocess.run(words, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise UsageError(f"Error running ps: {done.stderr.strip()}")
    heading, *lines = done.stdout.splitlines()
    titles = tuple(heading.split())
    if "PID" not in titles:
        raise UsageError("Couldn't find PID field in ps output")
    place = titles.index("PID")
    rows = [tuple(line.split(None, len(titles) - 1)) for line in lines]
    return ProcessTable(
        titles, tuple(each for each in rows if len(each) > place and int(each[place]) in pids)
    )


def usage(row: ContainerRow) -> Usage:
    """See `ContainerVerbs.usage`; where there are control groups, by what these have counted."""
    ticks = pages = threads = 0
    for pid in _processes(row):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            sizes = Path(f"/proc/{pid}/statm").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has just ended.
        fields = stat.rpartition(")")[2].split()
        # Its own time, and that of the children it has waited for; user and system.
        ticks += sum(map(int, fields[11:15]))
        threads += int(fields[17])
        pages += int(sizes[1]) - int(sizes[2])
    counted = cgroups.used(row.state().get("Groups", ()))
    limits = row.detail["HostConfig"]
    total = os.sysconf("SC_PHYS_PAGES") * _PAGE
    return Usage(
        time.time(),
        ticks / _TICKS if counted.cpu is None else counted.cpu,
        pages * _PAGE if counted.memory is None else counted.memory,
        min(limits["Memory"] or total, total),
        threads if counted.pids is None else counted.pids,
        limits["NanoCpus"] / 1e9 or os.cpu_count() or 1,
    )
