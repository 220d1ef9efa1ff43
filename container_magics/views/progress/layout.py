"""Which display of a cell shows which step of a build."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from ..cell import CellDisplay
from .log import BuildLog, Step
from .parts import HeadingPart, InternalPart, Part, StepPart
from .stages import StageLog

__all__ = ["Layout", "Shown"]

_ALONE = 24
_TOGETHER = 10
_MOST_DISPLAYS = 44
_FIRST_LOOK = 0.25


@dataclass(slots=True)
class Shown:
    """A display, of one part or of several: what it shows, and the states it shows."""

    room: int
    parts: list[Part] = field(default_factory=list)
    display: CellDisplay = field(default_factory=CellDisplay)
    html: str = ""
    states: tuple[Hashable, ...] = ()
    updated: float = 0.0
    stale: bool = True

    @property
    def present(self) -> tuple[Hashable, ...]:
        """The states of its parts now."""
        return tuple(part.state for part in self.parts)

    @property
    def running(self) -> bool:
        """Whether a clock in it goes on."""
        return any(part.running for part in self.parts)

    def draw(self, now: float, *, final: bool) -> str:
        """Its HTML; logs of finished steps are left out while others beside them go on."""
        full = len(self.parts) >= self.room and all(part.over for part in self.parts)
        logs = final or full or self.room == 1
        return "".join(part.html(now, logs=logs) for part in self.parts)

    def text(self, now: float) -> str:
        """Its lines of text."""
        return "\n".join(part.text(now) for part in self.parts)


class Layout:
    """The displays of a build, top to bottom.

    A build of one stage gets a display for each step when it starts, in the order in which
    steps start. One of several stages is laid out a moment after its first step has started:
    for every stage a heading, and below it its steps, also those that wait. The steps of no
    stage share a display.

    A step that becomes known later goes to the end of its stage where that is the last one, and
    else into the display of the step before it; only when that is full, to the end of all, below
    a heading that says so.

    JupyterLab folds away what comes after a cell's 50th output, and the result is the last: so
    after 24 displays, ten parts share one, and the 44th takes all that come.

    Args:
        log: the build.
    """

    def __init__(self, log: BuildLog) -> None:
        self.displays: list[Shown] = []
        self._log = log
        self._by_step: dict[str, Shown] = {}
        self._headed: set[str] = set()
        self._internal = InternalPart()
        self._last_stage = ""
        self._begun: float | None = None

    def of(self, step: Step) -> Shown | None:
        """The display that a step is in."""
        return self._by_step.get(step.digest)

    def place(self, now: float, *, final: bool = False) -> None:
        """Give steps their displays.

        Args:
            now: seconds since the epoch.
            final: whether the build is over.
        """
        unseen = [step for step in self._log.steps if step.digest not in self._by_step]
        begun = sorted(filter(lambda step: step.state.begun, unseen), key=_start)
        if len(self._log.stages) < 2:
            for step in begun:
                self._add(step)
            return
        if self._begun is None and begun:
            self._begun = now
        if self._begun is None or (not final and 0 <= now - self._begun < _FIRST_LOOK):
            return
        for step in begun:
            if not step.stage:
                self._add_internal(step)
        for stage in self._log.stages:
            if stage.name not in self._headed:
                self._headed.add(stage.name)
                self._head(stage)
            for step in stage.steps:
                if step.digest not in self._by_step:
                    self._place_in(stage, step)

    def _place_in(self, stage: StageLog, step: Step) -> None:
        at = stage.steps.index(step)
        before = [other for other in stage.steps[:at] if other.digest in self._by_step]
        after = any(other.digest in self._by_step for other in stage.steps[at + 1 :])
        if self._last_stage == stage.name and not after:
            self._add(step)
            return
        if before and len(self._by_step[before[-1].digest].parts) < _TOGETHER:
            self._insert_after(before[-1], step)
            return
        self._append(HeadingPart(self._log, stage, continued=True), fresh=True)
        self._last_stage = stage.name
        self._add(step)

    def _head(self, stage: StageLog) -> None:
        """A heading at the end, or where steps of the stage are shown already, above the first."""
        heading = HeadingPart(self._log, stage)
        first = next((step for step in stage.steps if step.digest in self._by_step), None)
        if first is None:
            self._append(heading, fresh=True)
            self._last_stage = stage.name
            return
        shown = self._by_step[first.digest]
        shown.parts.insert(shown.parts.index(StepPart(first)), heading)
        shown.stale = True

    def _add(self, step: Step) -> None:
        self._by_step[step.digest] = self._append(StepPart(step))
        self._last_stage = step.stage

    def _insert_after(self, before: Step, step: Step) -> None:
        shown = self._by_step[before.digest]
        shown.parts.insert(shown.parts.index(StepPart(before)) + 1, StepPart(step))
        shown.stale = True
        self._by_step[step.digest] = shown

    def _add_internal(self, step: Step) -> None:
        others = self._internal.steps
        if others:
            shown = self._by_step[others[0].digest]
        else:
            shown = self._append(self._internal, fresh=True)
            self._last_stage = ""
        others.append(step)
        shown.stale = True
        self._by_step[step.digest] = shown

    def _append(self, part: Part, *, fresh: bool = False) -> Shown:
        """Show a part at the end, in a display of its own or beside others."""
        shown = self.displays[-1] if self.displays else None
        most = len(self.displays) >= _MOST_DISPLAYS
        if shown is None or ((fresh or len(shown.parts) >= shown.room) and not most):
            shown = Shown(1 if len(self.displays) < _ALONE else _TOGETHER)
            self.displays.append(shown)
        shown.parts.append(part)
        shown.stale = True
        return shown


def _start(step: Step) -> float:
    return step.started or 0.0
