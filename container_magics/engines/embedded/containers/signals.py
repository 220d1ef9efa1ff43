"""Signals by the names that people give them."""

from __future__ import annotations

import re
import signal

from ....errors import UsageError

__all__ = ["signal_number"]


def signal_number(name: str) -> int:
    """A signal by number or name, with or without SIG.

    Raises:
        UsageError: there is no such signal.
    """
    if name.isdigit() and 0 < int(name) < signal.NSIG:
        return int(name)
    plain = name.upper().removeprefix("SIG")
    found = getattr(signal.Signals, f"SIG{plain}", None)
    if found is None:
        offset = re.fullmatch(r"RTMIN\+(\d+)|RTMAX-(\d+)", plain)
        if offset is None:
            raise UsageError(f"Invalid signal: {name}")
        return int(
            signal.SIGRTMIN + int(offset[1]) if offset[1] else signal.SIGRTMAX - int(offset[2])
        )
    return int(found)
