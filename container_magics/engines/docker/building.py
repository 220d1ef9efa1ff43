"""`docker build`: which builder, what its progress says, and what its failure means."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    NotFoundError,
    PullError,
    SourceNotFoundError,
    StepFailedError,
)
from ...reference import parse
from ..base import (
    BuildRequest,
    BuildResult,
    Cancellation,
    Emit,
    EngineEvent,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from . import buildkit, classic
from .announcement import Announcement
from .steps import Steps, layer_sizes

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["build"]

TAIL_LINES = 20

_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d+): (.*)", re.IGNORECASE)
_EXIT_CODE = re.compile(r"(?:exit code:|returned a non-zero code:|exit status) (\d+)\s*$")
_CANCELED = re.compile(r"(?:^|: )(?:context )?cancell?ed$", re.IGNORECASE)
_PREFIXES = re.compile(
    r"^(?:ERROR: |failed to build: |failed to solve: |failed to solve with frontend \S+: "
    r"|failed to create LLB definition: |failed to parse Dockerfile: "
    r"|rpc error: code = \w+ desc = )+"
)
_MISSING_SOURCE = re.compile(
    r"not found|no such file or directory|no source files|failed to compute cache key"
    r"|forbidden path|outside the build context|file does not exist",
    re.IGNORECASE,
)
_FROM = re.compile(r"\[internal\] load metadata for (\S+)|(?:\[[^\]]*\] )?FROM (\S+)")


class _Recorder:
    """Passes events on, with each vertex's stage and line, and remembers what failures need."""

    def __init__(self, steps: Steps, emit: Emit) -> None:
        self._steps = steps
        self._emit = emit
        self._announced = Announcement()
        self.vertices: dict[str, Vertex] = {}
        self._logs: dict[str, deque[str]] = {}

    def announce(self, announcement: Announcement) -> None:
        """Tell of steps before the engine does."""
        self._announced = announcement
        for vertex in announcement.vertices:
            self._emit(vertex)

    def __call__(self, event: EngineEvent) -> None:
        announced = self._announced
        if isinstance(event, Vertex):
            if not event.stage and (place := self._steps.buildkit(event.name)):
                event = replace(event, stage=place.stage, line=place.line)
            announced.recognise(event)
            event = replace(
                event,
                digest=announced.digest(event.digest),
                inputs=tuple(map(announced.digest, event.inputs)),
            )
        elif isinstance(event, VertexStatus | VertexLog | VertexWarning):
            event = replace(event, vertex=announced.digest(event.vertex))
        if isinstance(event, Vertex):
            self.vertices[event.digest] = event
        elif isinstance(event, VertexLog):
            tail = self._logs.setdefault(event.vertex, deque([""], maxlen=TAIL_LINES + 1))
            first, *others = event.data.decode(errors="replace").split("\n")
            tail[-1] += first
            tail.extend(others)
        self._emit(event)
        for twin in announced.twins(event) if isinstance(event, Vertex) else ():
            self._emit(twin)

    def tail(self, vertex: Vertex) -> list[str]:
        lines = list(self._logs.get(vertex.digest, ()))
        return lines[:-1] if lines and not lines[-1] else lines

    def failed(self) -> Vertex | None:
        """The step that failed first; others are cancelled because of it."""
        failed = [v for v in self.vertices.values() if v.error and not _CANCELED.search(v.error)]
        return min(failed, key=lambda v: v.completed or 0, default=None)

    def numbered(self) -> list[Vertex]:
        return [vertex for vertex in self.vertices.values() if vertex.stage]


def build(
    engine: DockerEngine, request: BuildRequest, emit: Emit, cancel: Cancellation
) -> BuildResult:
    """Build with BuildKit where a docker CLI can, else with the engine's own builder.

    DOCKER_BUILDKIT=0 asks for the latter, as it does of the docker CLI.
    """
    for tag in request.tags:
        parse(tag)
    if request.context is not None and not request.context.is_dir():
        raise NotFoundError(f'unable to prepare context: path "{request.context}" not found')
    started = time.monotonic()
    steps = Steps(request.dockerfile)
    recorder = _Recorder(steps, emit)
    cli = buildkit.find_cli() if _wants_buildkit() and _has_buildkit(engine.version()) else None
    try:
        if cli:
            expected = steps.expected(request)
            recorder.announce(Announcement(expected))
            identifier = buildkit.build(engine, cli, request, recorder, cancel)
        else:
            identifier = classic.build(engine, request, steps, recorder, cancel)
    except buildkit.Failed as failure:
        raise _explained(failure, steps, recorder) from failure
    image = engine.image(identifier)
    for vertex in layer_sizes(recorder.numbered(), image):
        recorder(vertex)
    numbered = recorder.numbered()
    return BuildResult(
        image=image,
        steps=len(numbered),
        cached_steps=sum(vertex.cached for vertex in numbered),
        seconds=time.monotonic() - started,
    )


def _wants_buildkit() -> bool:
    return os.environ.get("DOCKER_BUILDKIT", "1").lower() not in {"0", "f", "false"}


def _has_buildkit(version: dict[str, Any]) -> bool:
    server = version["Server"]
    components = {str(part.get("Name", "")) for part in server.get("Components") or ()}
    return "Podman Engine" not in components and server.get("Os", "linux") == "linux"


def _explained(failure: buildkit.Failed, steps: Steps, recorder: _Recorder) -> ContainerMagicsError:
    text = "\n".join(failure.words)
    if match := _PARSE_ERROR.search(text):
        return steps.error(match[2], int(match[1]))
    message = _PREFIXES.sub("", failure.words[-1])
    vertex = recorder.failed()
    if vertex is None:
        return steps.error(message, 0) if steps.reason else DockerfileError(message)
    error = vertex.error
    if steps.reason and "unknown instruction" in error.lower():
        return steps.error(error, steps.reason.line)
    if base := _FROM.match(vertex.name):
        return _base_failed(base[1] or base[2], error)
    if code := _EXIT_CODE.search(error):
        return StepFailedError(
            f"{vertex.name} failed with exit code {code[1]}",
            returncode=int(code[1]),
            tail=recorder.tail(vertex),
            step=vertex.name,
            line=vertex.line,
        )
    instruction = vertex.name.partition("] ")[2].split(" ")[0]
    if instruction in {"COPY", "ADD"} and _MISSING_SOURCE.search(error):
        return SourceNotFoundError(error, step=vertex.name, line=vertex.line)
    return BuildError(error, step=vertex.name, line=vertex.line)


def _base_failed(name: str, answer: str) -> ContainerMagicsError:
    reference = parse(name)
    return PullError(
        f"cannot get the base image {reference.familiar}",
        answers=((reference.registry, answer),),
    )
