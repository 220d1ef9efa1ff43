"""The state of a build, step by step: pure data, fed with events."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..engines.base import BuildEvent, Vertex, VertexLog, VertexStatus, VertexWarning
from .terminal_text import LogBuffer

__all__ = ["BuildLog", "Download", "Step", "StepState"]

_MAX_WARNINGS = 50
_MAX_DOWNLOADS = 200


class StepState(Enum):
    """Where a step stands."""

    WAITING = "waiting"
    RUNNING = "running"
    CACHED = "cached"
    DONE = "done"
    ERROR = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more happens in it."""
        return self not in (StepState.WAITING, StepState.RUNNING)


@dataclass(slots=True)
class Download:
    """A piece of work inside a step, in bytes; `total` 0 is unknown."""

    id: str
    current: int = 0
    total: int = 0
    done: bool = False


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

    def seconds(self, now: float) -> float:
        """How long it has run, or ran; 0 before it started."""
        if self.started is None:
            return 0.0
        return max(0.0, (self.completed if self.completed is not None else now) - self.started)


class BuildLog:
    """All steps of a build, in the order in which they became known.

    Attributes:
        steps: the steps.
        warnings: advice that belongs to no step.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.warnings: list[VertexWarning] = []
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
            _download(step, event)
        else:
            _add_warning(step.warnings, event)
        return step

    def fail(self, failed_step: str, now: float) -> list[Step]:
        """End every running step, and give those: the named one failed, others were cancelled.

        Args:
            failed_step: name of the step an error blames, or "".
            now: seconds since the epoch.
        """
        running = [step for step in self.steps if step.state is StepState.RUNNING]
        for step in running:
            blamed = bool(failed_step) and step.name == failed_step
            step.state = StepState.ERROR if blamed else StepState.CANCELLED
            step.completed = now
        return running

    def count(self, *states: StepState) -> int:
        """How many steps are in one of the states."""
        return sum(step.state in states for step in self.steps)

    def _step(self, digest: str) -> Step:
        step = self._by_digest.get(digest)
        if step is None:
            step = Step(digest, len(self.steps) + 1, name=digest)
            self._by_digest[digest] = step
            self.steps.append(step)
        return step

    def _vertex(self, vertex: Vertex) -> Step:
        step = self._step(vertex.digest)
        step.name = vertex.name
        step.stage = vertex.stage
        step.line = vertex.line
        step.started = vertex.started
        step.completed = vertex.completed
        step.error = vertex.error
        if vertex.layer_size is not None:
            step.layer_size = vertex.layer_size
        step.state = _state(vertex)
        return step


def _state(vertex: Vertex) -> StepState:
    if vertex.error:
        # BuildKit ends the steps beside a failed one with Go's context.Canceled.
        cancelled = vertex.error == "canceled" or "context canceled" in vertex.error
        return StepState.CANCELLED if cancelled else StepState.ERROR
    if vertex.cached:
        return StepState.CACHED
    if vertex.completed is not None:
        return StepState.DONE
    return StepState.WAITING if vertex.started is None else StepState.RUNNING


def _download(step: Step, status: VertexStatus) -> None:
    download = step.downloads.get(status.id)
    if download is None:
        if len(step.downloads) >= _MAX_DOWNLOADS:
            return
        download = step.downloads[status.id] = Download(status.id)
    download.current = status.current
    download.total = status.total
    download.done = status.completed is not None


def _add_warning(warnings: list[VertexWarning], warning: VertexWarning) -> None:
    if len(warnings) < _MAX_WARNINGS and warning not in warnings:
        warnings.append(warning)
