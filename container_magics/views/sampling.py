"""What containers use, sampled again and again for as long as somebody looks.

    front end ── looks, leaves ──► Watch ── once a second ──► the view's own work
                                                                 │  Meter, one a container
                                                                 ▼
                                                               Sample

A front end says again and again that it is there: one that was closed without a word is forgotten,
and with the last one the thread ends.
"""

from __future__ import annotations

import atexit
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread

from ..engines.containers import Usage

__all__ = ["INTERVAL_SECONDS", "LOOK_SECONDS", "Meter", "Sample", "Watch"]

INTERVAL_SECONDS = 1.0
"""Between two samples, at least."""
LOOK_SECONDS = 15
"""How often a front end says that it is there."""

# A browser may let a page in the background run once a minute only.
_PATIENCE = 90.0
_END_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """What a container uses at one moment.

    Attributes:
        time: seconds since the epoch.
        cpu: percent of one processor, since the sample before.
        memory: bytes that its processes hold, without the page cache.
        memory_limit: bytes that they may hold.
        pids: how many processes and threads there are.
    """

    time: float
    cpu: float
    memory: int
    memory_limit: int
    pids: int


class Meter:
    """One container's samples; the use of processors is measured between two of them.

    Args:
        kept: how many of the latest samples are kept.

    Attributes:
        samples: oldest first.
    """

    def __init__(self, kept: int) -> None:
        self.samples: deque[Sample] = deque(maxlen=kept)
        self._before: Usage | None = None

    def take(self, usage: Usage) -> None:
        """Note what was used until now; the first time there is no rate, and so no sample."""
        before, self._before = self._before, usage
        seconds = usage.time - before.time if before is not None else 0
        if before is None or seconds <= 0:
            return
        # One that was started again counts from 0 again.
        used = max(0.0, usage.cpu - before.cpu)
        self.samples.append(
            Sample(usage.time, 100 * used / seconds, usage.memory, usage.memory_limit, usage.pids)
        )

    def pause(self) -> None:
        """It does not run, or nobody looks: the next rate is not measured from here."""
        self._before = None


class Watch:
    """Does something once a second in a thread, as long as somebody looks.

    What takes long is done less often: at most a quarter of the time goes into it.

    Args:
        work: what is done.
        ended: called in the thread when nobody looks any more.
    """

    def __init__(self, work: Callable[[], None], ended: Callable[[], None]) -> None:
        self._work = work
        self._ended = ended
        self._changed = Condition()
        self._lookers: dict[str, float] = {}
        self._thread: Thread | None = None
        self._closed = False

    @property
    def running(self) -> bool:
        """Whether somebody looks."""
        return self._thread is not None

    def look(self, who: str) -> None:
        """Somebody is there, or still is."""
        with self._changed:
            if self._closed:
                return
            self._lookers[who] = time.monotonic() + _PATIENCE
            if self._thread is None:
                self._thread = Thread(target=self._run, name="container watch", daemon=True)
                atexit.register(self.close)
                self._thread.start()

    def leave(self, who: str) -> None:
        """Somebody is not there any more."""
        with self._changed:
            self._lookers.pop(who, None)
            self._changed.notify_all()

    def close(self) -> None:
        """End, and begin no more; wait some seconds for the work that is being done."""
        with self._changed:
            self._closed = True
            self._lookers.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_END_SECONDS)

    def _run(self) -> None:
        try:
            while self._watched():
                started = time.monotonic()
                self._work()
                spent = time.monotonic() - started
                with self._changed:
                    self._changed.wait_for(
                        lambda: not self._lookers, max(INTERVAL_SECONDS - spent, 3 * spent)
                    )
        except BaseException:
            with self._changed:
                self._give_up()
            raise

    def _watched(self) -> bool:
        """Whether somebody looks; if not, the thread is given up."""
        while not self._looked_at():
            self._ended()
            with self._changed:
                # Somebody may have come back while things were ended.
                if not self._lookers:
                    self._give_up()
                    return False
        return True

    def _give_up(self) -> None:
        self._thread = None
        atexit.unregister(self.close)

    def _looked_at(self) -> bool:
        now = time.monotonic()
        with self._changed:
            self._lookers = {who: end for who, end in self._lookers.items() if end > now}
            return bool(self._lookers)
