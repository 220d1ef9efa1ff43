"""What a display of a build is made of: a stage's heading, a step, the steps of no stage."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from ..html import FAINT, MONO, escape, span
from ..text import visible
from .headings import heading_html, heading_text
from .log import BuildLog, Step
from .stages import StageLog
from .states import StepState
from .step_html import BLOCK, MARKS, ROW, step_html, step_text, step_timing, warnings_html

__all__ = ["HeadingPart", "InternalPart", "Part", "StepPart"]


class Part(Protocol):
    """A piece of a display."""

    @property
    def state(self) -> Hashable:
        """Differs when it has come to show something else, clocks apart."""
        ...

    @property
    def running(self) -> bool:
        """Whether its clock goes on."""
        ...

    @property
    def over(self) -> bool:
        """Whether nothing more happens in it."""
        ...

    def html(self, now: float, *, logs: bool) -> str:
        """As HTML; `logs`: whether a step that went well shows what it said."""
        ...

    def text(self, now: float) -> str:
        """As lines of text."""
        ...


@dataclass(frozen=True, slots=True)
class StepPart:
    """One step."""

    step: Step

    @property
    def state(self) -> Hashable:
        """The step's."""
        return self.step.state

    @property
    def running(self) -> bool:
        """Whether the step runs."""
        return self.step.state is StepState.RUNNING

    @property
    def over(self) -> bool:
        """Whether the step is over."""
        return self.step.state.over

    def html(self, now: float, *, logs: bool) -> str:
        """See `step_html`."""
        return step_html(self.step, now, logs=logs)

    def text(self, now: float) -> str:
        """See `step_text`."""
        return step_text(self.step, now)


@dataclass(frozen=True, slots=True)
class HeadingPart:
    """The heading of a stage's steps, or of those that came when others stood below the first."""

    log: BuildLog
    stage: StageLog
    continued: bool = False

    @property
    def state(self) -> Hashable:
        """The stage's, and how many steps are done; its length once the build is over."""
        return self.stage.state, self.stage.done, len(self.stage.steps), self.log.over

    @property
    def running(self) -> bool:
        """Whether the build's time, which the bar is drawn to, goes on."""
        return not self.log.over and self.stage.span(0) is not None

    @property
    def over(self) -> bool:
        """Whether the build is over."""
        return self.log.over

    def html(self, now: float, *, logs: bool) -> str:
        """See `heading_html`."""
        return heading_html(self.log, self.stage, now, continued=self.continued)

    def text(self, now: float) -> str:
        """See `heading_text`."""
        return heading_text(self.log, self.stage, now, continued=self.continued)


@dataclass(slots=True)
class InternalPart:
    """What the engine does beside the Dockerfile's steps (it loads, it exports), in one line."""

    steps: list[Step] = field(default_factory=list)

    @property
    def state(self) -> Hashable:
        """The states of all."""
        return tuple(step.state for step in self.steps)

    @property
    def running(self) -> bool:
        """Whether one runs."""
        return any(step.state is StepState.RUNNING for step in self.steps)

    @property
    def over(self) -> bool:
        """Whether all are over."""
        return all(step.state.over for step in self.steps)

    def html(self, now: float, *, logs: bool) -> str:
        """A line on the one that runs or ran last; failed ones in full, the others folded."""
        failed = [step for step in self.steps if step.state is StepState.ERROR]
        loud = "".join(step_html(step, now) for step in failed)
        rows = "".join(step_html(step, now, logs=logs) for step in self.steps)
        mark, style = MARKS[self._shown.state]
        row = (
            f'<div style="display:flex;align-items:baseline;gap:0.6em;{FAINT}">'
            + span(mark, f"{style};flex:0 0 auto;width:1.1em;font-weight:700", "internal steps")
            + f'<span style="{MONO};font-size:12px;flex:1 1 auto;min-width:0;overflow:hidden;'
            f'text-overflow:ellipsis;white-space:nowrap">{escape(self._said, 200)}</span> '
            + span(
                step_timing(self._shown, now),
                "flex:0 0 auto;min-width:7em;text-align:right;white-space:nowrap;"
                "margin-right:5.6em",
            )
            + "</div>"
        )
        advice = "" if failed else "".join(warnings_html(step) for step in self.steps)
        return (
            f'<div style="{BLOCK}"><details><summary style="{ROW};cursor:pointer;'
            f'list-style-position:outside">{row}</summary>{rows}</details>{loud}{advice}</div>'
        )

    def text(self, now: float) -> str:
        """A line, and what failed."""
        failed = [step_text(step, now) for step in self.steps if step.state is StepState.ERROR]
        line = f"{MARKS[self._shown.state][0]}  {visible(self._said, 200)}"
        return "\n".join([f"{line}  {step_timing(self._shown, now)}".rstrip(), *failed])

    @property
    def _shown(self) -> Step:
        """The step that runs, else the one that failed, else the last."""
        for state in (StepState.RUNNING, StepState.ERROR):
            for step in reversed(self.steps):
                if step.state is state:
                    return step
        return self.steps[-1]

    @property
    def _said(self) -> str:
        if not self.over:
            return self._shown.name
        return f"{len(self.steps)} internal steps: " + ", ".join(
            step.name.removeprefix("[internal] ") for step in self.steps
        )
