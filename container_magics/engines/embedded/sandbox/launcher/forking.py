"""What a child that stays a Python program does first: it is not the process it was forked from."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

__all__ = ["forget_everything_but", "fork"]


def fork() -> int:
    """Fork with SIGTERM held back, so that none goes to what the child was forked from.

    The child takes it again from `forget_everything_but` on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def forget_everything_but(kept: Iterable[int]) -> None:
    """Close every descriptor but the standard ones and these, and take signals as they come.

    So that this process holds nothing that others wait for the end of.
    """
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in {0, 1, 2, *kept}:
            with suppress(OSError):  # The listing's own.
                os.close(int(name))
