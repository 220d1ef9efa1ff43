"""A build while it runs, in a notebook cell: one display a step, and how it ended below them."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...engines.events import EngineEvent, Message, Output, PullProgress
from ...engines.images import ImageSummary
from ...engines.results import BuildResult
from ...errors import BuildError
from ..cell import CellDisplay
from ..html import escape
from ..pacing import Pace
from ..text import visible
from .layout import Layout, Shown
from .log import BuildLog
from .outcome import failure_html, failure_text, result_html, result_text
from .step_html import BLOCK, warning_html
from .terminal import TerminalProgress
from .view import BuildView

__all__ = ["BuildLog", "NotebookProgress", "TerminalProgress"]


class NotebookProgress(BuildView):
    """Live output of a build in the cell of the thread that calls it.

    Every step has a display of its own, below the heading of its stage where there are several
    (see `Layout`), and only what runs or changed is written again: at most 4 updates and 100,000
    characters a second in all, so that an open log elsewhere stays open. At the end each display
    holds the final state, which is what the saved notebook shows.

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
        self.log = BuildLog(clock=clock) if log is None else log
        self._clock = clock
        self._begun = clock()
        self._pace = Pace()
        self._layout = Layout(self.log)
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
            shown = None if step is None else self._layout.of(step)
            if shown is not None:
                shown.stale = True
        now = self._clock()
        if self._pace.due(now):
            self._draw(now)

    def finish(self, result: BuildResult, previous: ImageSummary | None = None) -> None:
        """Show every step's final state and the result.

        Args:
            result: what the build made.
            previous: the image that bore the first tag before.
        """
        self.log.finish()
        self._draw_all()
        _show_once(
            "".join(map(warning_html, self.log.warnings)) + result_html(result, previous),
            result_text(result, previous),
        )

    def fail(self, error: BaseException) -> None:
        """Show what was running as failed or cancelled, with the failing log open."""
        now = self._clock()
        self.log.fail(error.step if isinstance(error, BuildError) else "", now)
        self._draw_all()
        elapsed = max(0.0, now - self._begun)
        _show_once(
            "".join(map(warning_html, self.log.warnings)) + failure_html(self.log, error, elapsed),
            failure_text(self.log, error, elapsed),
        )

    def _draw(self, now: float) -> None:
        self._layout.place(now)
        for shown in self._layout.displays:
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
        self._layout.place(now, final=True)
        for shown in self._layout.displays:
            if shown.draw(now, final=True) != shown.html:
                self._replace(shown, now, final=True)

    def _changed(self) -> list[Shown]:
        """Displays to write again: new states first, of those what runs; then by their age."""
        displays = [
            shown
            for shown in self._layout.displays
            if shown.stale or shown.running or shown.present != shown.states
        ]
        return sorted(
            displays,
            key=lambda shown: (
                shown.present == shown.states,
                shown.present != shown.states and not shown.running,
                shown.updated,
            ),
        )

    def _replace(self, shown: Shown, now: float, *, final: bool = False) -> None:
        html, text = shown.draw(now, final=final), shown.text(now)
        shown.display.show(html, text)
        shown.html, shown.states, shown.updated, shown.stale = html, shown.present, now, False
        self._pace.wrote(len(html) + len(text), now)


def _show_once(html: str, text: str) -> None:
    CellDisplay().show(html, "\n".join(visible(line, 1000) for line in text.splitlines()))
