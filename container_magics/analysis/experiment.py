"""Variants of a Dockerfile, built cold and warm, run, and held against each other.

    variants ──► build without cache ──► build again ──► run ──► Trial, one a variant
                 (the cold time)         (the warm time)

What was measured is remembered as long as the process lives: a variant whose Dockerfile and
context give the image that they gave before is not built cold again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..engines.base import (
    BuildRequest,
    BuildResult,
    Cancellation,
    Emit,
    Engine,
    EngineEvent,
    Image,
    Output,
    RunRequest,
)
from ..engines.follow import follow
from ..errors import RunError

__all__ = ["Memory", "Trial", "differing", "try_variant"]

_MOST_OUTPUT = 1 << 20

Follow = Callable[[Callable[[Emit, Cancellation], BuildResult]], BuildResult]
"""Runs a build to its end and shows it meanwhile."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant, tried.

    Attributes:
        name: what the variant is called.
        dockerfile: its text.
        image: what it built.
        cold: seconds of a build that takes nothing from the cache; base images were there.
        warm: seconds of the same build right after it.
        again: whether `cold` is remembered from an earlier time, since nothing has changed.
        stdout, stderr: what its container wrote, at most 1 MiB of each.
        returncode: its exit status; 125 to 127 where it could not start.
        failure: why it could not start, or "".
    """

    name: str
    dockerfile: str
    image: Image
    cold: float
    warm: float
    again: bool
    stdout: bytes
    stderr: bytes
    returncode: int
    failure: str = ""

    @property
    def output(self) -> tuple[bytes, int]:
        """What two variants must share to be the same program: standard output and status."""
        return self.stdout, self.returncode


@dataclass(frozen=True, slots=True)
class _Known:
    image: str
    cold: float


Memory = dict[tuple[object, ...], _Known]
"""What was measured before, by engine and request."""


def try_variant(
    engine: Engine,
    name: str,
    request: BuildRequest,
    run: RunRequest,
    memory: Memory,
    show: Follow,
) -> Trial:
    """Build a variant cold and warm, and run what came out.

    Args:
        engine: builds and runs.
        name: the variant's.
        request: its build; the cache is used as the measurement needs it.
        run: its container; the image is filled in, and it is removed.
        memory: what was measured before; is added to.
        show: follows a cold build.

    Raises:
        DockerfileError, BuildError, PullError: it cannot be built.
    """
    key = _key(engine, request)
    known = memory.get(key)
    warm = _quietly(engine, request) if known is not None else None
    if known is None or warm is None or warm.image.id != known.image:
        cold = show(
            lambda emit, cancel: engine.build(replace(request, no_cache=True), emit, cancel)
        )
        warm = _quietly(engine, request)
        known = memory[key] = _Known(warm.image.id, cold.seconds)
        again = False
    else:
        again = True
    stdout, stderr, returncode, failure = _run(engine, replace(run, image=warm.image.id))
    return Trial(
        name,
        request.dockerfile,
        warm.image,
        known.cold,
        warm.seconds,
        again,
        stdout,
        stderr,
        returncode,
        failure,
    )


def differing(trials: list[Trial], expect: str | None = None) -> Mapping[str, str]:
    """The variants that do not do what they should, each with what is wrong.

    Args:
        trials: the first of them is the measure of the others.
        expect: what all of them should print instead, but for white space at the end.
    """
    wrong = {}
    first = trials[0]
    for trial in trials:
        if trial.failure:
            wrong[trial.name] = f"does not run: {trial.failure}"
        elif expect is not None and trial.stdout.decode("utf-8", "replace").rstrip() != expect.rstrip():
            wrong[trial.name] = "prints something else than was expected"
        elif expect is None and trial.stdout != first.stdout:
            wrong[trial.name] = f"prints something else than {first.name}"
        elif trial.returncode != first.returncode:
            wrong[trial.name] = (
                f"exits with status {trial.returncode}, {first.name} with {first.returncode}"
            )
    return wrong


def _key(engine: Engine, request: BuildRequest) -> tuple[object, ...]:
    return (
        engine.name,
        request.dockerfile,
        request.context,
        request.target,
        tuple(sorted(request.build_args.items(), key=str)),
    )


def _quietly(engine: Engine, request: BuildRequest) -> BuildResult:
    return _followed(lambda emit, cancel: engine.build(request, emit, cancel))


def _followed(verb: Callable[[Emit, Cancellation], BuildResult]) -> BuildResult:
    following = follow(verb)
    for _ in following:
        continue
    return following.result


def _run(engine: Engine, request: RunRequest) -> tuple[bytes, bytes, int, str]:
    streams = {1: bytearray(), 2: bytearray()}

    def take(event: EngineEvent | None) -> None:
        if isinstance(event, Output):
            kept = streams[event.stream]
            kept += event.data[: max(0, _MOST_OUTPUT - len(kept))]

    following = follow(lambda emit, cancel: engine.run(replace(request, remove=True), emit, cancel))
    try:
        for event in following:
            take(event)
    except RunError as error:
        return bytes(streams[1]), bytes(streams[2]), error.returncode, error.message
    return bytes(streams[1]), bytes(streams[2]), following.result.returncode, ""
