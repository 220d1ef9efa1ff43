"""A Dockerfile, walked forwards and backwards: the state after each instruction."""

from __future__ import annotations

import atexit
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ...analysis.file_tree import FileNode
from ...analysis.layer_index import ChangeKind
from ...analysis.walk import Walk
from ...analysis.walk_steps import step_at_line
from ...engines.events import EngineEvent, Vertex, VertexLog
from ..table import Column, Table
from ..terminal_text import LogBuffer
from ..text import visible
from ..units import human_size
from ..widget import LiveView, path_of
from .data import environment_of, level_data, tree_of, walk_data
from .html import step_html
from .run import StepRun, running

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["StepView"]

T = TypeVar("T")

_LOG_LINES = 6
_PACE = 0.2


class StepView(LiveView):
    """A walk through a Dockerfile.

    It keeps what every step led to, so that going back, or to any step that was reached, asks the
    engine nothing. The images of the steps have no names; they are removed when the view is
    closed, is forgotten, or Python ends.

    Args:
        walk: as far as it has come.
        breakpoints: numbers of steps to stop before.

    Attributes:
        walk: the steps, and the states of those that were reached.
        position: the number of the step that is looked at; 0 before the first.
        breakpoints: numbers of steps.
    """

    front_end_module = "step"
    invitation = "walk through the steps and run commands at each"

    def __init__(self, walk: Walk, breakpoints: Iterable[int] = ()) -> None:
        self.walk = walk
        self.breakpoints = set(breakpoints)
        self.position = walk.failure.number if walk.failure else walk.reached
        self._trees: dict[int, FileNode] = {}
        forgotten = weakref.finalize(self, walk.close)
        # At the end of Python the engine must still be open: `atexit` keeps the order.
        forgotten.atexit = False
        atexit.register(forgotten)

    def close(self) -> None:
        """Remove the images that were made on the way and have no name. The build cache stays."""
        self.walk.close()

    # --- going ---

    def go(self, number: int) -> int:
        """Go to a step that was reached, or to the one that failed; gives the position.

        Raises:
            UsageError: it was not reached: `forward` and `proceed` build on.
        """
        self.walk.state(number)
        self.position = number
        return number

    def back(self) -> int:
        """Go to the step before; nothing is asked of the engine."""
        return self.go(max(1, self.position - 1)) if self.position else 0

    def forward(self) -> int:
        """Go to the next step; one that was not reached yet is built."""
        return _ended(self._advance(min(self.position + 1, self._last)))

    def proceed(self) -> int:
        """Go on to the next breakpoint, or to the end; what was not reached yet is built."""
        return _ended(self._advance(self._next_stop()))

    def toggle(self, line: int) -> bool:
        """Set a breakpoint before the instruction on a line, or take it away; whether it is set.

        Raises:
            UsageError: there is no instruction on this line or below it.
        """
        return self._toggle(step_at_line(self.walk.request, self.walk.steps, line).number)

    def run(self, command: str, number: int | None = None) -> StepRun:
        """Run a command in the file system of a step, on a copy that is thrown away.

        Args:
            command: for /bin/sh; in an image without one, a program and its arguments.
            number: of the step; the position where None.

        Raises:
            UsageError: there is nothing that could run, or the view was closed.
            RunError: the program could not be started.
        """
        return _ended(running(self.walk, self.position if number is None else number, command))

    # --- values ---

    def table(self) -> Table:
        """A row for each step that was reached."""
        columns = [
            Column("step", "STEP", numeric=True),
            Column("line", "LINE", numeric=True),
            Column("stage", "STAGE"),
            Column("layer_size", "LAYER", _size, numeric=True),
            Column("size", "SIZE", human_size, numeric=True),
            Column("added", "ADDED", numeric=True),
            Column("changed", "CHANGED", numeric=True),
            Column("removed", "REMOVED", numeric=True),
            Column("instruction", "INSTRUCTION", lambda text: visible(text, 80)),
        ]
        rows = [
            {
                "step": step.number,
                "line": step.line,
                "stage": step.stage,
                "instruction": step.text,
                "layer_size": state.layer_size,
                "size": state.size,
                **{kind.value: state.count(kind) for kind in ChangeKind},
                "env": dict(state.environment),
                "workdir": state.workdir,
                "user": state.user,
            }
            for step, state in zip(self.walk.steps, self.walk.states, strict=False)
        ]
        return Table(columns, rows)

    def frame(self) -> pd.DataFrame:
        """A row for each step that was reached: sizes in bytes; a step may make no layer."""
        import pandas as pd

        frame: pd.DataFrame = pd.DataFrame(list(self.table())).set_index("step")
        return frame

    def figure(self) -> Figure:
        """The size after each step; a new matplotlib figure of no pyplot state."""
        from .figure import step_figure

        return step_figure(self.walk)

    # --- forms ---

    def __str__(self) -> str:
        walk, lines = self.walk, [str(self.table())]
        if self.position:
            step = walk.steps[self.position - 1]
            lines.append(f"\nStep {self.position} of {len(walk.steps)}: {visible(step.text)}")
        if walk.failure and self.position == walk.failure.number:
            lines += ["failed:", str(walk.failure.error), *walk.failure.tail]
        elif self.position:
            state = walk.states[self.position - 1]
            lines.append(f"working directory {visible(state.workdir)}, user {visible(state.user)}")
            lines += [
                f"  {visible(name)}={visible(value)}{f'  ({how})' if how else ''}"
                for name, value, how in environment_of(walk, self.position)
            ]
        return "\n".join(lines)

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return step_html(self.walk, self.breakpoints)

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return walk_data(self.walk, self.breakpoints, self.position)

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "state": self.start,
            "go": self._answer_go,
            "level": self._answer_level,
            "toggle": self._answer_toggle,
            "advance": self._answer_advance,
            "run": self._answer_run,
        }

    def _answer_go(self, number: int) -> Any:  # noqa: ANN401
        self.go(number)
        failed = self.walk.failure is not None and number == self.walk.failure.number
        return {"rows": [], "total": 0} if failed else self._answer_level(number, "")

    def _answer_level(self, number: int, key: str) -> Any:  # noqa: ANN401
        if number not in self._trees:
            self._trees[number] = tree_of(self.walk.states[number - 1])
        return level_data(self._trees[number], path_of(key))

    def _answer_toggle(self, number: int) -> Any:  # noqa: ANN401
        self._toggle(number)
        return {"breakpoints": sorted(self.breakpoints)}

    def _answer_advance(self, position: int, far: bool) -> Generator[Any, None, Any]:
        if position:
            self.go(position)
        yield from self._advance(self._next_stop() if far else min(position + 1, self._last))
        return self.start()

    def _answer_run(self, number: int, text: str) -> Generator[Any, None, Any]:
        try:
            ended = yield from running(self.walk, number, text)
        except KeyboardInterrupt:
            return {"interrupted": True}
        return {"returncode": ended.returncode, "seconds": ended.seconds, "shell": ended.shell}

    # --- private ---

    @property
    def _last(self) -> int:
        """The last step that can be come to."""
        return self.walk.failure.number if self.walk.failure else len(self.walk.steps)

    def _next_stop(self) -> int:
        stops = [number - 1 for number in self.breakpoints if number > self.position + 1]
        return min([*stops, self._last])

    def _toggle(self, number: int) -> bool:
        self.breakpoints ^= {number}
        return number in self.breakpoints

    def _advance(self, number: int) -> Generator[dict[str, Any], None, int]:
        """Come to a step, and give the position; parts tell of a build that this takes."""
        walk = self.walk
        if number > walk.reached and not walk.ended:
            with walk.failing():
                yield from _told(walk.building(number))
            walk.remember(number)
        self.position = walk.failure.number if walk.failure and number > walk.reached else number
        return self.position


def _told(events: Iterable[EngineEvent | None]) -> Generator[dict[str, Any], None, None]:
    """A running build in a few words: what runs, and its last lines."""
    name, sent, log = "", 0.0, LogBuffer(head=0, tail=_LOG_LINES)
    for event in events:
        if isinstance(event, Vertex) and event.started is not None and event.completed is None:
            name = event.name
        elif isinstance(event, VertexLog):
            log.feed(event.stream, event.data)
        if time.monotonic() - sent > _PACE:
            sent = time.monotonic()
            yield {"step": visible(name), "log": log.last(_LOG_LINES)}


def _ended(generator: Generator[Any, None, T]) -> T:
    """What a generator returns at its end."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            value: T = end.value
            return value


def _size(size: int | None) -> str:
    return "" if size is None else human_size(size)
