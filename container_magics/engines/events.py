"""What passes between a verb that works and whoever called it.

    caller ◄── emit(event) ─── verb    what it does, as it does it
           ─── Cancellation ─►         that it shall stop

Build events are modelled on BuildKit's: a `Vertex` is one step of the build graph and is sent
again, whole, whenever its state changes; a `VertexStatus` is a piece of work inside it (one
layer's download); a `VertexLog` is output of it. Times are seconds since the epoch, sizes bytes.

`emit` may be called from any thread of the engine; `engines.follow.follow` turns a verb into an
iterator for the thread that displays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "BuildEvent",
    "Cancellation",
    "Emit",
    "EngineEvent",
    "Message",
    "Output",
    "PullProgress",
    "Vertex",
    "VertexLog",
    "VertexStatus",
    "VertexWarning",
]


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
