"""What every engine is: a small set of verbs over immutable images, and their values and events.

    commands, views ──► Engine (this protocol) ◄── engines.docker, engines.embedded

Verbs block, take an `emit` callback for events, and a `Cancellation` that another thread may
set. `emit` may be called from any thread of the engine; `engines.follow.follow` turns a verb
into an iterator for the thread that displays.

Build events are modelled on BuildKit's: a `Vertex` is one step of the build graph and is sent
again, whole, whenever its state changes; a `VertexStatus` is a piece of work inside it (one
layer's download); a `VertexLog` is output of it. Times are seconds since the epoch, sizes bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from ..errors import UsageError
from ..reference import is_image_id, parse
from .build_request import BuildRequest
from .container_verbs import ContainerVerbs
from .run_request import Mount, RunRequest

if TYPE_CHECKING:
    from .contents import Contents

__all__ = [
    "BuildEvent",
    "BuildRequest",
    "BuildResult",
    "Cancellation",
    "Emit",
    "Engine",
    "EngineEvent",
    "HistoryEntry",
    "Image",
    "ImageSummary",
    "Layer",
    "Message",
    "Mount",
    "Output",
    "PruneReport",
    "PullProgress",
    "Removal",
    "RunRequest",
    "RunResult",
    "Vertex",
    "VertexLog",
    "VertexStatus",
    "VertexWarning",
    "names_given",
]


# --- values -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image: its diff ID (digest of the uncompressed tar) and size in bytes."""

    diff_id: str
    size: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One row of an image's history, as in the OCI image configuration.

    Attributes:
        created: when, or None where the image does not say.
        created_by: the instruction that made it.
        comment: free text, such as `Imported from -`.
        empty_layer: true where the row made no layer.
        size: bytes of the layer it made; 0 without one.
    """

    created: datetime | None
    created_by: str
    comment: str
    empty_layer: bool
    size: int


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """What a listing shows of an image.

    Attributes:
        id: digest of the image configuration, `sha256:…`.
        names: familiar `repository:tag` names; empty for a dangling image.
        digests: familiar `repository@sha256:…` names, known after a pull or push.
        size: bytes of all layers.
        stand_in_for: the upstream name that a lab image stands in for, or "".
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: datetime | None
    size: int
    labels: Mapping[str, str]
    stand_in_for: str = ""

    def stands_in(self, name: str) -> bool:
        """Whether it does not bear a name by which it was found, and stands in for what does."""
        if not self.stand_in_for or is_image_id(name):
            return False
        familiar = parse(name).with_default_tag().familiar
        return familiar == self.stand_in_for and familiar not in self.names


@dataclass(frozen=True, slots=True)
class Image:
    """An immutable image.

    Attributes:
        summary: what a listing shows of it.
        config: the `config` object of the OCI image configuration: Env, Cmd, Entrypoint …
        layers: lowest first.
        history: oldest first.
    """

    summary: ImageSummary
    architecture: str
    os: str
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]
    history: tuple[HistoryEntry, ...]

    @property
    def id(self) -> str:
        """Digest of the image configuration, `sha256:…`."""
        return self.summary.id

    @property
    def names(self) -> tuple[str, ...]:
        """Familiar `repository:tag` names."""
        return self.summary.names

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return self.summary.size


# --- build events -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Vertex:
    """One step of a build, in its present state.

    Attributes:
        digest: identifies it within the build.
        name: as shown, such as `[build 2/4] RUN go build`.
        inputs: digests of the steps it waits for.
        stage: name or number of its stage; "" for internal steps.
        line: 1-based line of its instruction in the Dockerfile; 0 for internal steps.
        started, completed: None until then.
        cached: whether the result came from the build cache.
        error: why it failed, or "".
        layer_size: bytes of the layer it made; None where it made none or it is not known.
    """

    digest: str
    name: str
    inputs: tuple[str, ...] = ()
    stage: str = ""
    line: int = 0
    started: float | None = None
    completed: float | None = None
    cached: bool = False
    error: str = ""
    layer_size: int | None = None


@dataclass(frozen=True, slots=True)
class VertexStatus:
    """A piece of work inside a vertex: one download, one transfer. `total` 0 is unknown."""

    vertex: str
    id: str
    current: int = 0
    total: int = 0
    started: float | None = None
    completed: float | None = None


@dataclass(frozen=True, slots=True)
class VertexLog:
    """Output of a vertex; `stream` is 1 or 2; `data` may end in the middle of a line."""

    vertex: str
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VertexWarning:
    """Advice on the Dockerfile, such as a cache miss that could be avoided; `hint` says how."""

    vertex: str
    message: str
    hint: str = ""
    line: int = 0


BuildEvent = Vertex | VertexStatus | VertexLog | VertexWarning


# --- other events -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """A line an engine says while it works, in Docker's words."""

    text: str


@dataclass(frozen=True, slots=True)
class PullProgress:
    """One layer of a pull or push: short ID, `status` in Docker's words, bytes done and in all."""

    layer: str
    status: str
    current: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """What a container wrote; `stream` is 1 or 2."""

    stream: int
    data: bytes


EngineEvent = BuildEvent | Message | PullProgress | Output
Emit = Callable[[EngineEvent], None]


class Cancellation:
    """A request to stop, that one thread makes and others act on.

    `on_cancel` registers what ends work at once (killing a process); it runs right away if the
    request was already made.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether the request was made."""
        return self._cancelled

    def cancel(self) -> None:
        """Make the request; callbacks run in this thread, once."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Run `callback` when the request is made, or now if it was."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()


# --- requests and results -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made, and how many of its steps came from the cache.

    Attributes:
        image: what was made. Where the request's outputs do not keep it, it is a value without a
            name, which the engine does not have; or None, if the engine tells nothing of it.
        tags: the names that this build gave it; it may have had others before.
    """

    image: Image | None
    steps: int
    cached_steps: int
    seconds: float
    tags: tuple[str, ...] = ()

    @property
    def made(self) -> Image:
        """The image, for whoever asked for one.

        Raises:
            UsageError: the outputs kept none.
        """
        if self.image is None:
            raise UsageError(
                "the build was written out, and no image was made of it",
                hint="Leave --output out, or add --output type=image.",
            )
        return self.image


def names_given(tags: Sequence[str], image: Image | None) -> tuple[str, ...]:
    """Those of an image's names that a build has asked for; it may have others from before."""
    asked = (parse(tag).with_default_tag().familiar for tag in tags)
    return tuple(name for name in asked if image is not None and name in image.names)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a container ended: its ID and its exit status, 128 + N after signal N."""

    container: str
    returncode: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What `rmi` and `image prune` did, in order: names untagged, IDs and layers deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What a prune removed, and the bytes it freed."""

    removal: Removal
    reclaimed: int


# --- the protocol -------------------------------------------------------------------------------


class Engine(ContainerVerbs, Protocol):
    """The verbs. Names are taken as typed (`alpine`, `alpine:3.18.0`, an ID or its prefix).

    Every verb raises `NotFoundError` for a name that is not there, in Docker's words, and
    `EngineUnavailableError` when the engine stops answering.
    """

    @property
    def name(self) -> str:
        """The context's name: `embedded`, `default`, …."""
        ...

    def build(self, request: BuildRequest, emit: Emit, cancel: Cancellation) -> BuildResult:
        """Build an image, and write it out; tags move only when all of it succeeded.

        Raises:
            DockerfileError: the text cannot be read.
            UsageError: an option makes no sense, or is not available; nothing was done.
            BuildError: a step failed, or the build was cancelled.
        """
        ...

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """Run a container to its end, pulling the image if it isn't there.

        Raises:
            RunError: it could not be started (125, 126, 127).
            ConflictError: the container name is in use.
        """
        ...

    def images(self) -> list[ImageSummary]:
        """All images, newest first."""
        ...

    def image(self, name: str) -> Image:
        """One image by name or ID."""
        ...

    def contents(self, name: str) -> Contents:
        """What the layers of an image hold, or else those of a container.

        Raises:
            StoreError, CorruptArchiveError: a layer is damaged.
        """
        ...

    def inspect(self, name: str) -> dict[str, Any]:
        """The JSON object that `docker inspect` prints for an image, or else a container."""
        ...

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        ...

    def remove_image(self, name: str, *, force: bool = False, prune: bool = True) -> Removal:
        """Untag an image, and delete it with its last name.

        Without `prune` its layers stay where a build could still use them, as with docker's
        `--no-prune`.

        Raises:
            ConflictError: a container uses it, or an ID has several names, without `force`.
        """
        ...

    def prune_images(self, *, every: bool = False) -> PruneReport:
        """Delete dangling images; with `every`, all that no container uses."""
        ...

    def prune_build_cache(self, *, every: bool = False) -> PruneReport:
        """Delete what only the build cache uses; with `every`, all that it knows."""
        ...

    def pull(self, name: str, emit: Emit, cancel: Cancellation) -> ImageSummary:
        """Fetch an image from its registry.

        Raises:
            PullError: which registries were asked, and what they answered.
        """
        ...

    def push(self, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool = False) -> None:
        """Put an image into the registry that its name says; with `all_tags`, all of its tags.

        Raises:
            NotFoundError: there is no such image here.
            PushError: the registry did not take it.
        """
        ...

    def import_image(
        self, source: BinaryIO, name: str, *, changes: Sequence[str] = (), message: str = ""
    ) -> str:
        """Make a one-layer image of a tar stream (plain or compressed); returns its ID.

        `name` may be "" for an untagged image; `changes` are Dockerfile instructions (CMD, ENV …).
        """
        ...

    def export(self, container: str, target: BinaryIO) -> None:
        """Write a container's file system as a tar."""
        ...

    def save(self, names: Sequence[str], target: BinaryIO) -> None:
        """Write images as an archive that `docker load` reads."""
        ...

    def load(self, source: BinaryIO) -> list[str]:
        """Read a docker or OCI archive (plain or compressed); returns names, or IDs if untagged."""
        ...

    def version(self) -> dict[str, Any]:
        """Client and server versions, in the shape of `docker version --format json`."""
        ...

    def info(self) -> dict[str, Any]:
        """The engine's state, with the keys of `docker info --format json` that it has."""
        ...

    def close(self) -> None:
        """End what the engine started (processes, connections)."""
        ...
