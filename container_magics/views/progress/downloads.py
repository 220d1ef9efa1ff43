"""A download inside a step: how far it is, and how fast."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ...engines.events import VertexStatus

__all__ = ["Download"]

_WINDOW = 5.0
_LEAST = 0.2


@dataclass(slots=True)
class Download:
    """A piece of work inside a step, in bytes; `total` 0 is unknown.

    Attributes:
        done: whether its engine said so, or all bytes of a known total are there.
    """

    id: str
    current: int = 0
    total: int = 0
    done: bool = False
    _began: tuple[float, int] | None = None
    _ended: float = 0.0
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, status: VertexStatus, now: float) -> None:
        """Take a status; `now`, in seconds since the epoch, is when it came."""
        over = self.done
        self.current = status.current
        self.total = status.total
        self.done = status.completed is not None or 0 < status.total <= status.current
        if status.started is not None:
            self._began = (status.started, 0)
        elif self._began is None:
            self._began = (now, status.current)
        if self.done and not over:
            both = status.started is not None and status.completed is not None
            self._ended = status.completed if both and status.completed is not None else now
        self._samples.append((now, status.current))
        # The last sample from before the window is its edge.
        while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW:
            self._samples.popleft()

    def rate(self, now: float) -> float | None:
        """Bytes a second: in the last seconds, or on average once it is done; None if unknown."""
        if self._began is None:
            return None
        if self.done:
            when, amount = self._began
            return _rate(self.current - amount, self._ended - when)
        edge = (s for s in reversed(self._samples) if now - s[0] >= _WINDOW)
        when, amount = next(edge, min(self._began, self._samples[0]))
        return _rate(self.current - amount, now - when)


def _rate(amount: int, elapsed: float) -> float | None:
    return amount / elapsed if amount > 0 and elapsed >= _LEAST else None
