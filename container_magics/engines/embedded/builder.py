"""One build: the stages that the target needs, independent ones at the same time.

    Dockerfile ──stage graph──► a thread a stage ──steps (see steps.py)──► state ──► image

Names are given last, in one transaction, when everything has succeeded.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from ...dockerfile import Dockerfile, Stage, StageGraph, parse
from ...errors import BuildError, PullError, UnsupportedError
from ...oci.platforms import Platform
from ...reference import parse as parse_reference
from ..base import BuildRequest, Cancellation, Emit, VertexWarning
from ..planning import given_args, plan
from .context import BuildContext
from .digests import FileDigests
from .evaluate import PREDEFINED_ARGS
from .running import Runner
from .snapshots.base import Snapshotter
from .state import BuildState
from .store import Store

__all__ = ["Base", "Bases", "Build", "Built", "Tools", "build"]

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Base(NamedTuple):
    """An image to build on: the state it starts, and whether it was in the store already."""

    state: BuildState
    present: bool


Bases = Callable[[str, str, Emit, Cancellation, bool], Base]
"""(image name, vertex to report under, emit, cancel, ask the registry again) → the base."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a build works with; the engine owns them."""

    store: Store
    runner: Runner
    snapshotter: Snapshotter
    digests: FileDigests
    bases: Bases


class Built(NamedTuple):
    """The outcome: image ID, number of steps, how many came from the cache."""

    image: str
    steps: int
    cached: int


@dataclass
class Build:
    """What the stages of one build share."""

    tools: Tools
    request: BuildRequest
    dockerfile: Dockerfile
    graph: StageGraph
    context: BuildContext
    build_args: Mapping[str, str]
    emit: Emit
    cancel: Cancellation
    results: dict[int, Future[BuildState]] = field(default_factory=dict)
    bases: dict[str, Base] = field(default_factory=dict)
    steps: int = 0
    cached: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, *, cached: bool) -> None:
        """Count a step."""
        with self._lock:
            self.steps += 1
            self.cached += cached

    def base(self, name: str, vertex: str) -> Base:
        """An image to build on; the same one wherever the build names it.

        Raises:
            PullError: it cannot be had; if the name is nearly a stage's, the hint says so.
        """
        known = self.bases.get(name)
        if known is None:
            try:
                found = self.tools.bases(name, vertex, self.emit, self.cancel, self.request.pull)
            except PullError as error:
                stages = [stage.name for stage in self.graph.stages if stage.name]
                near = get_close_matches(name.lower(), stages, n=1)
                if near:
                    meant = f"No stage is called {name}. Did you mean {near[0]}?"
                    error.hint = f"{meant}\n{error.hint}".strip()
                raise
            known = self.bases.setdefault(name, found)
        return known

    def stage(self, index: int) -> BuildState:
        """The result of a stage, once it is there.

        One that the graph does not foresee, since only an ONBUILD trigger of a base image names
        it, is built by the first thread that asks.
        """
        with self._lock:
            unforeseen = index not in self.results
            future = self.results.setdefault(index, Future())
        if unforeseen:
            _run_stage(self, self.graph.stages[index])
        return future.result()

    def check(self) -> None:
        """Stop here if the build was cancelled."""
        if self.cancel.cancelled:
            raise BuildError("the build was cancelled")


def build(tools: Tools, request: BuildRequest, emit: Emit, cancel: Cancellation) -> Built:
    """Build an image.

    Raises:
        DockerfileError, BuildError: see `Engine.build`.
        StoreError: the disk is full.
    """
    host = Platform.host()
    if request.platform and Platform.parse(request.platform).rank_on(host) is None:
        raise UnsupportedError(
            f"--platform {request.platform}: this engine builds for {host.format()} only",
            hint="A Docker engine with QEMU can build for other platforms.",
        )
    references = [parse_reference(tag).with_default_tag() for tag in request.tags]
    dockerfile = parse(request.dockerfile)
    build_args = given_args(request.build_args)
    graph = plan(
        dockerfile, build_args=build_args, target=request.target, platform=request.platform
    )
    work = Build(
        tools, request, dockerfile, graph, BuildContext(request.context), build_args, emit, cancel
    )
    for warning in (*dockerfile.warnings, *graph.warnings):
        emit(VertexWarning("", str(warning)))
    try:
        with tools.store.building():
            state = _run_stages(work)
            _warn_unused(work)
            if request.labels:
                state = state.with_config(
                    Labels={**(state.config.get("Labels") or {}), **request.labels}
                )
            work.check()
            image = tools.store.add_image(
                state.image_config(), state.size, [reference.full for reference in references]
            )
    except OSError as error:
        if error.errno not in _DISK:
            raise BuildError(
                f"{error.filename or 'the build'}: {error.strerror or error}"
            ) from error
        with tools.store.writing("the build"):
            raise
    return Built(image, work.steps, work.cached)


def _run_stages(work: Build) -> BuildState:
    from .steps import announce

    for index in work.graph.needed:
        announce(work, work.graph.stages[index])
    needed = [work.graph.stages[index] for index in work.graph.needed]
    work.results = {stage.index: Future() for stage in needed}
    with ThreadPoolExecutor(len(needed), thread_name_prefix="container-magics-stage") as pool:
        running = [pool.submit(_run_stage, work, stage) for stage in needed]
        done, _ = wait(running, return_when=FIRST_EXCEPTION)
        first = next((f.exception() for f in running if f in done and f.exception()), None)
        if first is not None:
            work.cancel.cancel()
    if first is not None:
        raise first
    return work.stage(work.graph.target)


def _run_stage(work: Build, stage: Stage) -> None:
    from .steps import StageBuilder

    future = work.results[stage.index]
    try:
        for index in stage.needs:
            work.stage(index)
        future.set_result(StageBuilder(work, stage).run())
    except BaseException as error:  # handed on by the future
        future.set_exception(error)
        raise


def _warn_unused(work: Build) -> None:
    declared = {name for future in work.results.values() for name in future.result().declared}
    declared |= set(work.graph.global_args)
    unused = sorted(set(work.build_args) - declared - PREDEFINED_ARGS)
    if unused:
        names = " ".join(unused)
        work.emit(
            VertexWarning("", f"[Warning] One or more build-args [{names}] were not consumed")
        )
