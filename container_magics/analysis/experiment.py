"""Variants of a Dockerfile, built cold and warm, run, and held against each other.

    variants ──► build without cache ──► settle ──► build again ──► run ──► Trial, one a variant
                 (the cold time)                    (the warm time)

What was measured is remembered as long as the process lives: a variant whose build still gives the
image that it gave before is not built cold again. A build without the cache gives the steps that
variants share new results, so all are built once more before the warm times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.events import Cancellation, Emit, EngineEvent, Output
from ..engines.follow import finish, follow
from ..engines.images import Image
from ..engines.results import BuildResult
from ..engines.run_request import RunRequest
from ..errors import RunError

__all__ = ["Memory", "Trial", "Variant", "differing", "try_variants"]

_MOST_OUTPUT = 1 << 20

Show = Callable[["Variant", Callable[[Emit, Cancellation], BuildResult]], BuildResult]
"""Follows the cold build of a variant to its end, and shows it meanwhile."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the things to try: what to call it, its build, and its container.

    Attributes:
        name: what it is called.
        request: its build; the cache is used as the measurement needs it.
        run: its container; the image is filled in, and it is removed.
    """

    name: str
    request: BuildRequest
    run: RunRequest


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


Memory = dict[tuple[object, ...], tuple[float, str]]
"""By engine and request: seconds of the cold build, and the ID of the image that it is now."""


def try_variants(
    engine: Engine, variants: Sequence[Variant], memory: Memory, show: Show
) -> list[Trial]:
    """Build variants cold and warm, and run what came out.

    Args:
        engine: builds and runs.
        variants: in the order to show them in.
        memory: what was measured before; is added to.
        show: follows a cold build.

    Raises:
        DockerfileError, BuildError, PullError: one cannot be built.
    """
    again = {variant.name for variant in variants if _is_known(engine, variant, memory)}
    cold = [variant for variant in variants if variant.name not in again]
    for variant in cold:
        request = replace(variant.request, no_cache=True)
        result = show(variant, partial(engine.build, request))
        memory[_key(engine, variant.request)] = result.seconds, result.made.id
    for variant in variants if cold else ():
        _quietly(engine, variant.request)
    return [_trial(engine, variant, memory, again=variant.name in again) for variant in variants]


def _is_known(engine: Engine, variant: Variant, memory: Memory) -> bool:
    """Whether it was measured, and its build still gives the same image."""
    known = memory.get(_key(engine, variant.request))
    return known is not None and _quietly(engine, variant.request).made.id == known[1]


def _trial(engine: Engine, variant: Variant, memory: Memory, *, again: bool) -> Trial:
    warm = _quietly(engine, variant.request)
    key = _key(engine, variant.request)
    cold, _ = memory[key]
    memory[key] = cold, warm.made.id
    stdout, stderr, returncode, failure = _run(engine, replace(variant.run, image=warm.made.id))
    return Trial(
        variant.name,
        variant.request.dockerfile,
        warm.made,
        cold,
        warm.seconds,
        again,
        stdout,
        stderr,
        returncode,
        failure,
    )


def differing(trials: Sequence[Trial], expect: str | None = None) -> Mapping[str, str]:
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
        elif (
            expect is not None
            and trial.stdout.decode("utf-8", "replace").rstrip() != expect.rstrip()
        ):
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
    return finish(partial(engine.build, request))


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
