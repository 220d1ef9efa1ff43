"""The state of a build, step by step: pure data, fed with events."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ...engines.events import BuildEvent, Vertex, VertexLog, VertexStatus, VertexWarning
from ..terminal_text import LogBuffer
from .downloads import Download
from .log_file import LogFile
from .stages import Span, StageLog
from .states import StepState

__all__ = ["BuildLog", "Download", "Step", "StepState"]

_MAX_WARNINGS = 50
_MAX_DOWNLOADS = 200
_CANCELLED = re.compile(r"context canceled|(?:^canceled|^the build was cancelled)$")
_PREFIX = re.compile(r"\[[^\]]*\] ")


@dataclass(slots=True)
class Step:
    """One step of a build as its events have left it.

    Attributes:
        digest: identifies it within the build.
        number: 1-based, in the order in which steps became known.
        name: as shown.
        stage: name or number of its stage; "" for internal steps.
        line: 1-based line in the Dockerfile, or 0.
        started, completed: seconds since the epoch; None until then.
        layer_size: bytes; None without a layer.
        error: why it failed, or "".
        downloads: by ID, in order of appearance.
        log: its output.
    """

    digest: str
    number: int
    name: str = ""
    stage: str = ""
    line: int = 0
    state: StepState = StepState.WAITING
    started: float | None = None
    completed: float | None = None
    layer_size: int | None = None
    error: str = ""
    downloads: dict[str, Download] = field(default_factory=dict)
    log: LogBuffer = field(default_factory=LogBuffer)
    warnings: list[VertexWarning] = field(default_factory=list)

    @property
    def instruction(self) -> str:
        """Its name without the stage and number before it."""
        prefix = _PREFIX.match(self.name)
        return self.name[prefix.end() :] if prefix else self.name

    def span(self, now: float) -> Span | None:
        """When it ran, until `now` while it does; None before it started."""
        if self.started is None:
            return None
        return Span(self.started, now if self.completed is None else self.completed)

    def seconds(self, now: float) -> float:
        """How long it has run, or ran; 0 before it started."""
        span = self.span(now)
        return span.seconds if span else 0.0


class BuildLog:
    """All steps of a build, in the order in which they became known.

    Args:
        clock: seconds since the epoch.
        files: whether logs that are too long to keep go to files.

    Attributes:
        steps: the steps.
        stages: those that the steps are in, in the order in which they became known.
        warnings: advice that belongs to no step.
        over: whether the build has ended.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, files: bool = True) -> None:
        self.steps: list[Step] = []
        self.stages: list[StageLog] = []
        self.warnings: list[VertexWarning] = []
        self.over = False
        self._clock = clock
        self._files = files
        self._by_digest: dict[str, Step] = {}

    def update(self, event: BuildEvent) -> Step | None:
        """Take one event; gives the step it changed, or None where it belongs to no step."""
        if isinstance(event, Vertex):
            return self._vertex(event)
        if isinstance(event, VertexWarning) and event.vertex not in self._by_digest:
            _add_warning(self.warnings, event)
            return None
        step = self._step(event.vertex)
        if isinstance(event, VertexLog):
            step.log.feed(event.stream, event.data)
        elif isinstance(event, VertexStatus):
            _download(step, event, self._clock())
        else:
            _add_warning(step.warnings, event)
        return step

    def finish(self) -> None:
        """End the build: what has not begun by now is not run."""
        self.over = True
        for step in self.steps:
            if step.state is StepState.WAITING:
                step.state = StepState.NOT_RUN

    def fail(self, failed_step: str, now: float) -> list[Step]:
        """End every running step, and give those: the named one failed, others were cancelled.

        Waiting ones are not run.

        Args:
            failed_step: name of the step an error blames, or "".
            now: seconds since the epoch.
        """
        running = [step for step in self.steps if step.state is StepState.RUNNING]
        for step in running:
            blamed = bool(failed_step) and step.name == failed_step
            step.state = StepState.ERROR if blamed else StepState.CANCELLED
            step.completed = now
            step.log.end()
        self.finish()
        return running

    def span(self, now: float) -> Span | None:
        """The build's time: from its first step to its last, or to now while it goes on."""
        whole = Span.of(self.steps, now)
        if whole is None or self.over:
            return whole
        return Span(whole.start, max(now, whole.start))

    def count(self, *states: StepState) -> int:
        """How many steps are in one of the states."""
        return sum(step.state in states for step in self.steps)

    def _step(self, digest: str) -> Step:
        step = self._by_digest.get(digest)
        if step is None:
            number = len(self.steps) + 1
            file = LogFile(f"step-{number}") if self._files else None
            step = Step(digest, number, name=digest, log=LogBuffer(file=file))
            self._by_digest[digest] = step
            self.steps.append(step)
        return step

    def _vertex(self, vertex: Vertex) -> Step:
        step = self._step(vertex.digest)
        step.name = vertex.name
        self._move(step, vertex)
        step.line = vertex.line
        step.started = vertex.started
        step.completed = vertex.completed
        step.error = vertex.error
        if vertex.layer_size is not None:
            step.layer_size = vertex.layer_size
        step.state = _state(vertex)
        if step.state.over:
            step.log.end()
        return step

    def _move(self, step: Step, vertex: Vertex) -> None:
        """Give a step its stage; the first word on it counts."""
        if step.stage or not vertex.stage:
            return
        step.stage = vertex.stage
        known = next((known for known in self.stages if known.name == step.stage), None)
        if known is None:
            known = StageLog(step.stage)
            self.stages.append(known)
        known.add(step, begun=_state(vertex) is not StepState.WAITING)


def _state(vertex: Vertex) -> StepState:
    if vertex.error:
        # BuildKit ends the steps beside a failed one with Go's context.Canceled.
        return StepState.CANCELLED if _CANCELLED.search(vertex.error) else StepState.ERROR
    if vertex.cached:
        return StepState.CACHED
    if vertex.completed is not None:
        return StepState.DONE
    return StepState.WAITING if vertex.started is None else StepState.RUNNING


def _download(step: Step, status: VertexStatus, now: float) -> None:
    download = step.downloads.get(status.id)
    if download is None:
        if len(step.downloads) >= _MAX_DOWNLOADS:
            return
        download = step.downloads[status.id] = Download(status.id)
    download.take(status, now)


def _add_warning(warnings: list[VertexWarning], warning: VertexWarning) -> None:
    if len(warnings) < _MAX_WARNINGS and warning not in warnings:
        warnings.append(warning)
