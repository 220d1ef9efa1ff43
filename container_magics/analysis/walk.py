"""Walking a Dockerfile: the state after each instruction, kept once it was reached.

    steps ──► build (loud, from outside) ──► remember ──► states     frozen: going back asks nothing
                     └── fails ──► failure                            the states before it stay

Any engine can do it. The images of the states have no names; `close` removes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby

from ..dockerfile import From
from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.contents import Contents
from ..engines.events import Cancellation, Emit, EngineEvent, Vertex
from ..engines.follow import Following, follow
from ..engines.images import Image, ImageSummary
from ..engines.results import BuildResult, RunResult
from ..engines.run_request import RunRequest
from ..errors import (
    BuildError,
    ContainerMagicsError,
    NotFoundError,
    PullError,
    StepFailedError,
    UsageError,
)
from .layer_index import LayerIndex
from .walk_state import StepState, state_after
from .walk_steps import WalkStep, walk_steps

__all__ = ["Failure", "Walk"]

_SCRATCH = Image(ImageSummary("", (), (), None, 0, {}), "", "", {}, (), ())


@dataclass(frozen=True, slots=True)
class Failure:
    """The instruction that could not be built.

    Attributes:
        number: of its step.
        error: what happened, and what to do.
    """

    number: int
    error: BuildError

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of its output."""
        return self.error.tail if isinstance(self.error, StepFailedError) else ()


class Walk:
    """The way through one Dockerfile.

    Args:
        engine: builds, and says what images hold.
        request: the whole build; its tags move when the walk reaches the end.

    Attributes:
        steps: the instructions, in the order of the text.
        states: of the steps that were reached.
        failure: why it goes no further, or None.
        result: the finished image, once the end was reached.

    Raises:
        DockerfileError: the text cannot be read.
    """

    def __init__(self, engine: Engine, request: BuildRequest) -> None:
        self.request = request
        self.steps = walk_steps(request)
        self.states: list[StepState] = []
        self.failure: Failure | None = None
        self.result: Image | None = None
        self._engine = engine
        self._built: dict[int, Image] = {}
        self._vertices: dict[int, Vertex] = {}
        self._before = {image.id for image in engine.images()}
        self._made: dict[str, None] = {}
        self._again = False
        self._closed = False

    # --- forwards ---

    @property
    def reached(self) -> int:
        """The number of the last step that has a state; 0 for none."""
        return len(self.states)

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to build."""
        return self.failure is not None or self.reached == len(self.steps)

    def building(self, number: int) -> Following[BuildResult]:
        """Build up to a step; follow it in `failing`, and then call `remember`."""
        self._check_open()
        return follow(lambda emit, cancel: self._build(number, emit, cancel))

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Take a BuildError; `remember` blames a step where the error does not name its line."""
        try:
            yield
        except BuildError as error:
            for step in self.steps:
                if error.line and step.line <= error.line <= step.instruction.end_line:
                    self.failure = Failure(step.number, error)

    def remember(self, number: int) -> None:
        """Make the states up to a step, from the cache, or up to the one that fails.

        Raises:
            CorruptArchiveError, StoreError: a layer is damaged.
        """
        self._check_open()
        if self.failure is not None:
            number = min(number, self.failure.number - 1)
        new: list[tuple[WalkStep, Image]] = []
        for step in self.steps[self.reached : number]:
            try:
                new.append((step, self._image(step.number)))
            except BuildError as error:
                self.failure = Failure(step.number, error)
                break
        for _, group in groupby(new, key=lambda each: each[0].stage):
            pairs = list(group)
            last = pairs[-1][1]
            index = LayerIndex(
                self._engine.contents(last.id) if last.layers else Contents(last, ())
            )
            for step, image in pairs:
                self.states.append(self._state(step, image, index))
        if self.reached == len(self.steps):
            self.result = self._built[len(self.steps)]

    # --- at a step ---

    def state(self, number: int) -> StepState:
        """The state that is open at a step: its own, or at a failed one that before it.

        Raises:
            UsageError: there is none yet.
        """
        return self.states[self._open(number) - 1]

    def before(self, number: int) -> StepState | None:
        """The state that a step started from; None for a FROM."""
        step = self.steps[number - 1]
        return None if isinstance(step.instruction, From) else self.states[number - 2]

    def image(self, number: int) -> str:
        """The ID of the image at a step, made again from the cache if somebody removed it.

        Raises:
            UsageError: there is no such state, or the walk was closed.
        """
        self._check_open()
        at = self._open(number)
        try:
            return self._engine.image(self.states[at - 1].image).id
        except NotFoundError:
            del self._built[at]
            return self._image(at).id

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """Run a container of an image of the walk."""
        return self._engine.run(request, emit, cancel)

    # --- the end ---

    def keep(self, image: Image) -> None:
        """Leave an image where it is at the end: somebody else has it."""
        self._before.add(image.id)

    def close(self) -> None:
        """Remove the images that were made on the way and have no name. The cache stays."""
        if self._closed:
            return
        self._closed = True
        for image in reversed(self._made):
            # One that is in use, is gone, or belongs to an engine that was closed stays away.
            with suppress(ContainerMagicsError):
                if image not in self._before and not self._engine.image(image).names:
                    self._engine.remove_image(image, force=True, prune=False)

    # --- private ---

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("this walk was closed", hint="Run its cell again for a new one.")

    def _open(self, number: int) -> int:
        """The step whose state is open at a step."""
        failed = self.failure is not None and number == self.failure.number
        if not 1 <= number - failed <= self.reached:
            raise UsageError(
                f"there is no state at step {number}",
                hint=f"The walk has come to step {self.reached}.",
            )
        return number - failed

    def _request(self, number: int) -> BuildRequest:
        """The build of a step's state; after the first build all that can be is cached."""
        request = self.request
        if self._again:
            request = replace(request, no_cache=False, pull=False)
        if number == len(self.steps):
            return request
        return replace(
            request,
            dockerfile=self.steps[number - 1].prefix,
            tags=(),
            labels={},
            target="",
            outputs=(),
            cache_to=(),
        )

    def _build(self, number: int, emit: Emit, cancel: Cancellation) -> BuildResult:
        heard: dict[int, Vertex] = {}

        def hear(event: EngineEvent) -> None:
            if isinstance(event, Vertex) and event.line and event.completed is not None:
                heard.setdefault(event.line, event)
            emit(event)

        request, self._again = self._request(number), True
        try:
            result = self._engine.build(request, hear, cancel)
        finally:
            # The first build that came to an instruction is the one that ran it.
            for line, vertex in heard.items():
                self._vertices.setdefault(line, vertex)
        self._made[result.made.id] = None
        self._built[number] = result.made
        return result

    def _image(self, number: int) -> Image:
        if number not in self._built:
            try:
                for _ in self.building(number):
                    continue
            except (BuildError, PullError):
                # Docker's classic builder makes no image of nothing.
                if self.steps[number - 1].base != "scratch":
                    raise
                self._built[number] = _SCRATCH
        return self._built[number]

    def _state(self, step: WalkStep, image: Image, index: LayerIndex) -> StepState:
        start = isinstance(step.instruction, From)
        return state_after(
            image,
            None if start else self._built[step.number - 1],
            index,
            vertex=self._vertices.get(step.line),
            given_labels=self.request.labels,
        )
