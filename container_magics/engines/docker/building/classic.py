"""The engine's own builder through the SDK: Docker's classic one, or Podman's.

What the Dockerfile names of the context is sent as a tar. Each `Step n/m` is a vertex; between
`Running in` and `Removing intermediate container` all text is its output. Podman has no
such brackets: there all that is no `STEP`, `-->` or `COMMIT` is output, of one stream.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ....errors import (
    BuildError,
    ConflictError,
    ContainerMagicsError,
    DockerfileError,
    EngineUnavailableError,
    NotFoundError,
    UsageError,
)
from ...build_request import BuildRequest
from ...events import BuildEvent, Cancellation, Emit, Vertex, VertexLog, VertexStatus
from .buildkit import Failed
from .context_archive import context_archive
from .flags import api_parameters, refuse
from .named_paths import named_paths
from .outputs import Outputs
from .steps import Steps

if TYPE_CHECKING:
    from ..engine import DockerEngine

__all__ = ["ClassicProgress", "build"]

_STEP = re.compile(r"(?:\[\d+/\d+\] )?step (\d+)/(\d+) ?: (.*)", re.IGNORECASE)
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]+)")
_STDERR = re.compile(r"\x1b\[91m(.*?)\x1b\[0m", re.DOTALL)


class ClassicProgress:
    """Parse the JSON stream of `POST /build`.

    Attributes:
        container: ID of the container of the step that runs, or "".
        image: ID of the image, once the build has ended.
        error: why it failed, or "".
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._count = 0
        self._vertex: Vertex | None = None
        self._is_podman = False
        self.container = ""
        self.image = ""
        self.error = ""

    def feed(self, event: Mapping[str, Any]) -> Iterator[BuildEvent]:
        """The build events of one object of the stream."""
        if "error" in event:
            self.error = str(event["error"]).strip()
            yield from self._end(error=self.error)
        elif "aux" in event:
            self.image = str((event.get("aux") or {}).get("ID") or self.image)
        elif "stream" in event:
            yield from self._text(str(event["stream"]))
        elif event.get("id") and self._vertex:
            detail = event.get("progressDetail") or {}
            status = f"{event['id']}: {event.get('status', '')}"
            yield VertexStatus(
                self._vertex.digest,
                status,
                int(detail.get("current") or 0),
                int(detail.get("total") or 0),
            )

    def _text(self, text: str) -> Iterator[BuildEvent]:
        line = text.rstrip("\n")
        if self.container:
            if line == f"Removing intermediate container {self.container}":
                self.container = ""
            elif self._vertex:
                stderr = _STDERR.fullmatch(line)
                data = stderr[1] if stderr else text
                yield VertexLog(self._vertex.digest, 2 if stderr else 1, data.encode())
            return
        if step := _STEP.fullmatch(line):
            yield from self._end()
            self._is_podman = "STEP" in line[: step.start(1)]
            self._count += 1
            place = self._steps.classic(self._count)
            self._vertex = Vertex(
                digest=f"step-{self._count}",
                name=f"[{step[1]}/{step[2]}] {step[3]}",
                stage=place.stage,
                line=place.line,
                started=time.time(),
            )
            yield self._vertex
        elif running := _RUNNING.fullmatch(line):
            self.container = running[1]
        elif line.strip().startswith(("---> Using cache", "--> Using cache")) and self._vertex:
            self._vertex = replace(self._vertex, cached=True)
        elif line.startswith("Successfully built "):
            self.image = self.image or line.removeprefix("Successfully built ")
            yield from self._end()
        elif self._is_podman and line.split(" ")[0] == "COMMIT":
            yield from self._end()
        elif self._is_podman and self._vertex and not line.startswith("--> "):
            yield VertexLog(self._vertex.digest, 1, text.encode())

    def _end(self, error: str = "") -> Iterator[BuildEvent]:
        if self._vertex:
            yield replace(self._vertex, completed=time.time(), error=error)
        self._vertex = None


def build(
    engine: DockerEngine,
    request: BuildRequest,
    outputs: Outputs,
    steps: Steps,
    emit: Emit,
    cancel: Cancellation,
    *,
    podman: bool,
) -> str:
    """Build with the engine's own builder; returns the image's ID.

    `podman` tells whose it is.

    Raises:
        Failed: the build failed, or the engine refused the Dockerfile.
        BuildError: it was cancelled.
        UnsupportedError: an option that the builder lacks.
    """
    for output in outputs.exported:
        raise refuse(
            f"output type={output.type}", "only BuildKit can write it", "Use Docker with BuildKit"
        )
    if cancel.cancelled:
        raise BuildError("build cancelled")
    progress = ClassicProgress(steps)
    name = f".dockerfile.{uuid.uuid4().hex}"
    parameters = api_parameters(request, name, podman=podman)
    named = named_paths(request, partial(_config, engine)) if not request.pull else None
    try:
        with (
            context_archive(request, named, name) as archive,
            engine.calling(cancel) as api,
        ):
            for event in api.build_tar(archive, parameters):
                for built in progress.feed(event):
                    emit(built)
    except EngineUnavailableError as error:
        if not cancel.cancelled:
            raise
        _remove(engine, progress.container)
        raise BuildError("build cancelled") from error
    except (BuildError, DockerfileError):
        raise
    except ContainerMagicsError as error:
        raise Failed([error.message.replace(name, "Dockerfile")]) from error
    if cancel.cancelled:
        _remove(engine, progress.container)
        raise BuildError("build cancelled")
    if progress.error or not progress.image:
        raise Failed([progress.error or "the engine ended the build without an image"])
    for tag in request.tags:
        engine.tag(progress.image, tag)
    return progress.image


def _config(engine: DockerEngine, image: str) -> Mapping[str, Any] | None:
    try:
        return engine.image(image).config
    except (NotFoundError, UsageError):
        return None


def _remove(engine: DockerEngine, container: str) -> None:
    """See that a cancelled step's container is gone; the engine may be at it already."""
    if not container:
        return
    with suppress(NotFoundError):
        with suppress(ConflictError), engine.calling() as api:
            api.remove_container(container, v=True, force=True)
        with engine.calling() as api:
            api.wait(container, condition="removed")
