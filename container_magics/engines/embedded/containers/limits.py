"""Limits of a container's memory, processors and processes, which control groups hold."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ....errors import UnsupportedError, UsageError
from ...run_request import RunRequest
from ..sandbox.launcher import cgroups
from ..storage.container_records import ContainerRow

__all__ = ["limits_of", "try_limits"]

_LEAST_CPUS = 0.01
_NO_SWAP = (
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
    "Memory limited without swap."
)


def try_limits(request: RunRequest) -> list[str]:
    """Make a control group with the limits that a container is to have, and remove it again.

    Returns:
        What of them will not hold, in Docker's words.

    Raises:
        UnsupportedError: there is none to be had here; with the flags and the reason.
        UsageError: a value makes no sense.
    """
    processors = len(os.sched_getaffinity(0))
    if request.cpus and not _LEAST_CPUS <= request.cpus <= processors:
        raise UsageError(
            f"Range of CPUs is from 0.01 to {processors}.00, as there are only {processors} CPUs "
            "available"
        )
    limits = cgroups.Limits(request.memory, request.cpus, request.pids_limit)
    flags = {"--memory": limits.memory, "--cpus": limits.cpus, "--pids-limit": limits.pids}
    try:
        planned = cgroups.plan(f"trial-{secrets.token_hex(8)}", limits)
        swap = cgroups.make(planned, limits)
        cgroups.remove(planned)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = f"{Path(error.filename).parent}: " if error.filename else ""
        raise UnsupportedError(
            f"{', '.join(flag for flag, limit in flags.items() if limit)}: a limit needs a control "
            f"group to write to, and there is none here ({where}{reason})",
            hint="Leave it out.",
        ) from error
    return [] if swap else [_NO_SWAP]


def limits_of(row: ContainerRow) -> cgroups.Limits:
    """Those that a container was made with."""
    host = row.detail["HostConfig"]
    return cgroups.Limits(host["Memory"], host["NanoCpus"] / 1e9, host["PidsLimit"] or 0)
