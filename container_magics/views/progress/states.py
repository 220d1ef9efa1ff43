"""The states of a build's steps."""

from __future__ import annotations

from enum import Enum

__all__ = ["StepState"]


class StepState(Enum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CACHED = "cached"
    DONE = "done"
    ERROR = "failed"
    CANCELLED = "cancelled"
    NOT_RUN = "not run"

    @property
    def over(self) -> bool:
        """Whether nothing more happens in it."""
        return self not in (StepState.WAITING, StepState.RUNNING)

    @property
    def begun(self) -> bool:
        """Whether anything has happened in it."""
        return self not in (StepState.WAITING, StepState.NOT_RUN)
