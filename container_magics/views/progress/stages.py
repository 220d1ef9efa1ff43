"""The stages of a build as its steps have left them: pure data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .states import StepState

if TYPE_CHECKING:
    from .log import Step

__all__ = ["Span", "StageLog"]


class Span(NamedTuple):
    """A time from `start` to `end`, in seconds since the epoch."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is; 0 where the clock was set back."""
        return max(0.0, self.end - self.start)

    @classmethod
    def of(cls, steps: Iterable[Step], now: float) -> Span | None:
        """From the first start to the last end, which is `now` while one runs."""
        spans = [span for step in steps if (span := step.span(now))]
        if not spans:
            return None
        return cls(min(span.start for span in spans), max(span.end for span in spans))


class StageLog:
    """One stage of a build.

    Attributes:
        name: its name, or its number.
        steps: its steps, those that were announced in that order.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[Step] = []

    def add(self, step: Step, *, begun: bool) -> None:
        """Take a step: at the end, or where it has begun before others, behind those that have."""
        place = len(self.steps)
        if begun:
            at = (at for at, other in enumerate(self.steps, 1) if other.state.begun)
            place = max(at, default=0)
        self.steps.insert(place, step)

    @property
    def base(self) -> str:
        """The image it starts from, as its `FROM` step names it; "" without such a step."""
        for step in self.steps:
            keyword, _, image = step.instruction.partition(" ")
            if keyword == "FROM":
                return image.partition("@")[0].removeprefix("docker.io/library/")
        return ""

    @property
    def done(self) -> int:
        """How many of its steps went well."""
        return sum(step.state in (StepState.DONE, StepState.CACHED) for step in self.steps)

    @property
    def state(self) -> StepState:
        """Where it stands: what went wrong in it first, then what goes on."""
        states = [step.state for step in self.steps]
        for state in (StepState.ERROR, StepState.CANCELLED, StepState.RUNNING, StepState.WAITING):
            if state in states:
                return state
        if states[-1] is StepState.NOT_RUN:
            return StepState.NOT_RUN
        cached = all(state in (StepState.CACHED, StepState.NOT_RUN) for state in states)
        return StepState.CACHED if cached else StepState.DONE

    def span(self, now: float) -> Span | None:
        """From the start of its first step to the end of its last; None before it began."""
        return Span.of(self.steps, now)

    def busy(self, now: float, gap: float) -> list[Span]:
        """When a step of it ran, in order; pauses of at most `gap` seconds count as work."""
        busy: list[Span] = []
        for span in sorted(span for step in self.steps if (span := step.span(now))):
            if busy and span.start - busy[-1].end <= gap:
                busy[-1] = Span(busy[-1].start, max(busy[-1].end, span.end))
            else:
                busy.append(span)
        return busy
