"""Limits of a container's processes, by the names that `docker --ulimit` has."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable

from .program import CannotStartError

__all__ = ["set_limits"]

_RESOURCES = {
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "locks": 10,
    "memlock": resource.RLIMIT_MEMLOCK,
    "msgqueue": resource.RLIMIT_MSGQUEUE,
    "nice": resource.RLIMIT_NICE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "rss": resource.RLIMIT_RSS,
    "rtprio": resource.RLIMIT_RTPRIO,
    "rttime": 15,
    "sigpending": resource.RLIMIT_SIGPENDING,
    "stack": resource.RLIMIT_STACK,
}


def set_limits(ulimits: Iterable[tuple[str, int, int]]) -> None:
    """Set limits of this process and what it becomes (setrlimit(2)); -1 is no limit.

    Raises:
        CannotStartError: no such resource, or a limit that may not be had here.
    """
    for name, soft, hard in ulimits:
        if name not in _RESOURCES:
            raise CannotStartError(f"invalid ulimit type: {name}", 125)
        try:
            resource.setrlimit(_RESOURCES[name], (soft, hard))
        except (ValueError, OSError) as error:
            _, have = resource.getrlimit(_RESOURCES[name])
            most = "unlimited" if have == resource.RLIM_INFINITY else str(have)
            raise CannotStartError(
                f"the limit {name}={soft}:{hard} can't be set ({error}): the hard limit here is "
                f"{most}, and going beyond it needs CAP_SYS_RESOURCE on this machine, "
                f"which UID {os.getuid()} here doesn't have",
                125,
            ) from error
