"""`docker build`: which builder, what its progress says, and what its failure means."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....errors import NotFoundError
from ....reference import parse
from ...build_request import BuildRequest
from ...events import (
    Cancellation,
    Emit,
    EngineEvent,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from ...images import Image
from ...results import BuildResult, names_given
from . import buildkit, classic
from .announcement import Announcement
from .buildkit import Failed
from .explaining import explained
from .flags import check_cli
from .outputs import Outputs
from .steps import Steps, layer_sizes

if TYPE_CHECKING:
    from ..engine import DockerEngine

__all__ = ["build"]

TAIL_LINES = 20

_CANCELED = re.compile(r"(?:^|: )(?:context )?cancell?ed$", re.IGNORECASE)


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
    outputs = Outputs.of(request)
    for name in outputs.names:
        parse(name)
    started = time.monotonic()
    steps = Steps(request.dockerfile)
    recorder = _Recorder(steps, emit)
    server = engine.version()["Server"]
    cli = buildkit.find_cli() if _wants_buildkit() and _has_buildkit(server) else None
    try:
        if cli:
            check_cli(
                request,
                outputs.exported,
                cli.flags,
                kept=outputs.kept,
                buildx=cli.buildx,
                server=str(server["Version"]),
            )
            expected = steps.expected(request)
            recorder.announce(Announcement(expected))
            identifier = buildkit.build(engine, cli, request, outputs, recorder, cancel)
        else:
            identifier = classic.build(
                engine, request, outputs, steps, recorder, cancel, podman=_is_podman(server)
            )
    except Failed as failure:
        failed = recorder.failed()
        raise explained(
            failure.words,
            steps,
            failed,
            tail=recorder.tail(failed) if failed else (),
            builder=f"{'BuildKit' if cli else 'builder'} of this engine ({server['Version']})",
        ) from failure
    image = _kept(engine, identifier, request, outputs) if identifier else None
    for vertex in layer_sizes(recorder.numbered(), image) if image else ():
        recorder(vertex)
    numbered = recorder.numbered()
    return BuildResult(
        image=image,
        steps=len(numbered),
        cached_steps=sum(vertex.cached for vertex in numbered),
        seconds=time.monotonic() - started,
        tags=names_given(request.tags, image),
    )


def _kept(engine: DockerEngine, identifier: str, request: BuildRequest, outputs: Outputs) -> Image:
    for name in outputs.names:
        engine.tag(identifier, name)
    outputs.save(engine, identifier, request.tags)
    return engine.image(identifier)


def _wants_buildkit() -> bool:
    return os.environ.get("DOCKER_BUILDKIT", "1").lower() not in {"0", "f", "false"}


def _has_buildkit(server: Mapping[str, Any]) -> bool:
    return not _is_podman(server) and server.get("Os", "linux") == "linux"


def _is_podman(server: Mapping[str, Any]) -> bool:
    return "Podman Engine" in {str(part.get("Name", "")) for part in server.get("Components") or ()}
