"""A build while it runs, in a notebook cell: one display a step, and how it ended below them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..engines.base import BuildResult, EngineEvent, ImageSummary, Message, Output, PullProgress
from ..errors import BuildError
from .build_log import BuildLog, Step, StepState
from .build_view import BuildView
from .cell import CellDisplay
from .html import escape
from .outcome import failure_html, failure_text, result_html, result_text
from .pacing import Pace
from .plain import TerminalProgress
from .progress_html import BLOCK, step_html, step_text, warning_html
from .text import visible

__all__ = ["BuildLog", "NotebookProgress", "TerminalProgress"]


_ALONE = 24
_TOGETHER = 10
_MOST_DISPLAYS = 44


@dataclass(slots=True)
class _Shown:
    """A display of one step, or of several: what it shows, and the states it shows."""

    room: int
    steps: list[Step] = field(default_factory=list)
    display: CellDisplay = field(default_factory=CellDisplay)
    html: str = ""
    states: tuple[StepState, ...] = ()
    updated: float = 0.0
    stale: bool = True

    @property
    def present(self) -> tuple[StepState, ...]:
        """The states of its steps now."""
        return tuple(step.state for step in self.steps)

    def draw(self, now: float, *, final: bool) -> str:
        """Its HTML; logs of finished steps are left out while others beside them go on."""
        full = len(self.steps) >= self.room and all(state.over for state in self.present)
        logs = final or full or self.room == 1
        return "".join(step_html(step, now, logs=logs) for step in self.steps)


class NotebookProgress(BuildView):
    """Live output of a build in the cell of the thread that calls it.

    Every step gets a display of its own when it starts, in the order in which steps start, and
    only steps that run or changed are written again: at most 4 updates and 100,000 characters
    a second in all, so that an open log elsewhere stays open. At the end each display holds
    its step's final state, which is what the saved notebook shows.

    JupyterLab folds away what comes after a cell's 50th output, and the result is the last: so
    after 24 displays, ten steps share one, and the 44th takes all that come.

    Args:
        title: a line above the steps, or "".
        log: the state to draw; a new one unless given.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        title: str = "",
        log: BuildLog | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = BuildLog() if log is None else log
        self._clock = clock
        self._begun = clock()
        self._pace = Pace()
        self._shown: dict[str, _Shown] = {}
        self._displays: list[_Shown] = []
        if title:
            _show_once(f'<div style="{BLOCK};font-weight:600">{escape(title)}</div>', title)

    def update(self, event: EngineEvent | None) -> None:
        """Take one event; None redraws the clocks of running steps.

        A `Message` is shown as a line of its own; pulls inside a build are `VertexStatus`
        events, so the events of pulls and runs mean nothing here.
        """
        if isinstance(event, Message):
            _show_once(f'<div style="{BLOCK}">{escape(event.text, 1000)}</div>', event.text)
        elif event is not None and not isinstance(event, PullProgress | Output):
            step = self.log.update(event)
            if step is not None and step.digest in self._shown:
                self._shown[step.digest].stale = True
        now = self._clock()
        if self._pace.due(now):
            self._draw(now)

    def finish(self, result: BuildResult, previous: ImageSummary | None = None) -> None:
        """Show every step's final state and the result.

        Args:
            result: what the build made.
            previous: the image that bore the first tag before.
        """
        self._draw_all()
        _show_once(
            "".join(map(warning_html, self.log.warnings)) + result_html(result, previous),
            result_text(result, previous),
        )

    def fail(self, error: BaseException) -> None:
        """Show what was running as failed or cancelled, with the failing log open."""
        now = self._clock()
        for step in self.log.fail(error.step if isinstance(error, BuildError) else "", now):
            if step.digest in self._shown:
                self._shown[step.digest].stale = True
        self._draw_all()
        elapsed = max(0.0, now - self._begun)
        _show_once(
            "".join(map(warning_html, self.log.warnings)) + failure_html(self.log, error, elapsed),
            failure_text(self.log, error, elapsed),
        )

    def _draw(self, now: float) -> None:
        for step in self._unseen():
            self._place(step)
        for shown in self._displays:
            if not shown.html:
                if not self._pace.room(len(shown.draw(now, final=False)), now):
                    return
                self._replace(shown, now)
        for shown in self._changed():
            html = shown.draw(now, final=False)
            if html == shown.html:
                shown.stale = False
            elif self._pace.room(len(html), now):
                self._replace(shown, now)
                return

    def _draw_all(self) -> None:
        now = self._clock()
        for step in self._unseen():
            self._place(step)
        for shown in self._displays:
            if shown.draw(now, final=True) != shown.html:
                self._replace(shown, now, final=True)

    def _unseen(self) -> list[Step]:
        """Steps that started and have no display, in the order of their start."""
        steps = [
            step
            for step in self.log.steps
            if step.state is not StepState.WAITING and step.digest not in self._shown
        ]
        return sorted(steps, key=lambda step: step.started or 0.0)

    def _changed(self) -> list[_Shown]:
        """Displays to write again: those with a new state first, then the longest untouched."""
        displays = [
            shown for shown in self._displays if shown.stale or StepState.RUNNING in shown.present
        ]
        return sorted(displays, key=lambda shown: (shown.present == shown.states, shown.updated))

    def _place(self, step: Step) -> None:
        """Give a step a display, of its own or beside others."""
        shown = self._displays[-1] if self._displays else None
        most = len(self._displays) >= _MOST_DISPLAYS
        if shown is None or (len(shown.steps) >= shown.room and not most):
            shown = _Shown(1 if len(self._displays) < _ALONE else _TOGETHER)
            self._displays.append(shown)
        shown.steps.append(step)
        shown.stale = True
        self._shown[step.digest] = shown

    def _replace(self, shown: _Shown, now: float, *, final: bool = False) -> None:
        html = shown.draw(now, final=final)
        text = "\n".join(step_text(step, now) for step in shown.steps)
        shown.display.show(html, text)
        shown.html, shown.states, shown.updated, shown.stale = html, shown.present, now, False
        self._pace.wrote(len(html) + len(text), now)


def _show_once(html: str, text: str) -> None:
    CellDisplay().show(html, "\n".join(visible(line, 1000) for line in text.splitlines()))
