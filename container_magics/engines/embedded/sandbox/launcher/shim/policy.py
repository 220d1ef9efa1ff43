"""When a container is started again by itself, as Docker does it."""

from __future__ import annotations

__all__ = ["RestartPolicy"]

_FIRST_SECONDS = 0.1
_MOST_SECONDS = 60.0
_WELL_SECONDS = 10.0


class RestartPolicy:
    """Decides after each end; the pause doubles, until a run has lasted ten seconds.

    Args:
        name: `no`, `on-failure`, `always` or `unless-stopped`.
        retries: at most so often in a row, for `on-failure`; 0 is no limit.
    """

    def __init__(self, name: str, retries: int) -> None:
        self.name = name
        self.retries = retries
        self._pause = 0.0
        self._failures = 0

    def change(self, name: str, retries: int) -> None:
        """Take on another policy."""
        self.name, self.retries = name, retries

    def after(self, code: int, seconds: float) -> float | None:
        """How long to wait before the next start, in seconds, or None for no other one.

        Args:
            code: the exit status.
            seconds: how long the run has lasted.
        """
        if seconds >= _WELL_SECONDS:
            self._pause, self._failures = 0.0, 0
        if self.name == "no" or (self.name == "on-failure" and code == 0):
            return None
        if self.name == "on-failure" and self.retries and self._failures >= self.retries:
            return None
        self._failures += 1
        self._pause = min(max(_FIRST_SECONDS, 2 * self._pause), _MOST_SECONDS)
        return self._pause
