"""How often a view may write to the notebook: 4 updates and 100 kB a second, in all."""

from __future__ import annotations

from collections import deque

__all__ = ["Pace"]


class Pace:
    """Counts what was written in the last second.

    Args:
        interval: least seconds between two updates.
        volume: most characters in any second; one larger text may go alone.
    """

    def __init__(self, interval: float = 0.25, volume: int = 100_000) -> None:
        self._interval = interval
        self._volume = volume
        self._last: float | None = None
        self._written: deque[tuple[float, int]] = deque()

    def due(self, now: float) -> bool:
        """Whether `interval` has passed since the last update; true if the clock was set back."""
        return self._last is None or not 0 <= now - self._last < self._interval

    def room(self, size: int, now: float) -> bool:
        """Whether `size` more characters fit into this second."""
        while self._written and not 0 <= now - self._written[0][0] < 1:
            self._written.popleft()
        return not self._written or sum(s for _, s in self._written) + size <= self._volume

    def wrote(self, size: int, now: float) -> None:
        """Count `size` characters written, and start the interval again."""
        self._last = now
        self._written.append((now, size))
