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
from functools import partial
from typing import NamedTuple

from ....distribution import RegistryClient
from ....dockerfile import Dockerfile, Stage, StageGraph, parse
from ....errors import BuildError, DockerfileError, PullError
from ....oci.platforms import Platform
from ...build_request import BuildRequest
from ...events import Cancellation, Emit, EngineEvent, VertexWarning
from ...planning import SOURCE_DATE_EPOCH, advise, given_args, plan
from ...proxies import configured_proxies
from ..images.names import environment_names, look_up
from ..running import Runner
from ..snapshots.base import Snapshotter
from ..storage.cache import CacheHit
from ..storage.digests import FileDigests
from ..storage.epoch import Epoch
from ..storage.image_records import ImageRow
from ..storage.store import Store
from .context import BuildContext
from .emulation import check_run, stage_platforms
from .evaluate import PREDEFINED_ARGS
from .exchange import CacheImports, Sending, cache_exports, cache_imports
from .frontend import choose_frontend
from .named_contexts import DOCKER_IMAGE, NamedContexts
from .outputs import Result, exports
from .outputs.attributes import TRUE
from .state import BuildState

__all__ = ["Base", "Bases", "Build", "Built", "Tools", "build"]

_INLINE_CACHE = "BUILDKIT_INLINE_CACHE"
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


class Base(NamedTuple):
    """An image to build on: the state it starts, and whether it was in the store already."""

    state: BuildState
    present: bool


Bases = Callable[[str, Platform, str, Emit, Cancellation, bool], Base]
"""(name, platform, vertex to report under, emit, cancel, ask the registry again) → the base."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a build works with; the engine owns them."""

    store: Store
    runner: Runner
    snapshotter: Snapshotter
    digests: FileDigests
    bases: Bases
    client: Callable[[], RegistryClient]


class Built(NamedTuple):
    """The outcome: the image, number of steps, how many came from the cache."""

    image: ImageRow
    steps: int
    cached: int


@dataclass
class Build:
    """What the stages of one build share.

    Attributes:
        imports: caches of other stores.
        epoch: its SOURCE_DATE_EPOCH.
        gave: what its steps gave, by cache key.
    """

    tools: Tools
    request: BuildRequest
    dockerfile: Dockerfile
    graph: StageGraph
    context: BuildContext
    build_args: Mapping[str, str]
    emit: Emit
    cancel: Cancellation
    contexts: NamedContexts
    platforms: tuple[Platform, ...]
    imports: CacheImports
    epoch: Epoch | None = None
    gave: dict[str, CacheHit] = field(default_factory=dict)
    results: dict[int, Future[BuildState]] = field(default_factory=dict)
    bases: dict[tuple[str, Platform], Base] = field(default_factory=dict)
    steps: int = 0
    cached: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun_anew: set[str] = field(default_factory=set)

    def begin_anew(self, cache_mount: str) -> bool:
        """Whether a cache mount is still to be emptied, as `--no-cache` does once a build."""
        with self._lock:
            first = cache_mount not in self._begun_anew
            self._begun_anew.add(cache_mount)
        return first

    def count(self, *, cached: bool) -> None:
        """Count a step."""
        with self._lock:
            self.steps += 1
            self.cached += cached

    def base(self, name: str, vertex: str, platform: Platform | None = None) -> Base:
        """What to build on: a named context or an image, the same wherever the build names it.

        Args:
            name: as written, expanded.
            vertex: the step to report under.
            platform: that of the build by default.

        Raises:
            PullError: it cannot be had; if the name is nearly a stage's, the hint says so.
            BuildError: a named context that is not there.
        """
        platform = platform or self.platforms[self.graph.target]
        known = self.bases.get((name, platform))
        if known is None:
            state = self.contexts.state(name, platform)
            if state is not None:
                return self.bases.setdefault((name, platform), Base(state, present=True))
            image = self.contexts.place(name).removeprefix(DOCKER_IMAGE) or name
            emit, cancel, pull = self.emit, self.cancel, self.request.pull
            try:
                found = self.tools.bases(image, platform, vertex, emit, cancel, pull)
            except PullError as error:
                stages = [stage.name for stage in self.graph.stages if stage.name]
                near = get_close_matches(name.lower(), stages, n=1)
                if near:
                    meant = f"No stage is called {name}. Did you mean {near[0]}?"
                    error.hint = f"{meant}\n{error.hint}".strip()
                raise
            known = self.bases.setdefault((name, platform), found)
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
    build_args = given_args(request.build_args)
    build_args = {**configured_proxies(build_args), **build_args}
    choose_frontend(request.dockerfile, build_args, emit)
    dockerfile = parse(request.dockerfile)
    epoch = Epoch.of(build_args)
    outputs = exports(request, epoch)
    caches = cache_exports(request.cache_to, inline=build_args.get(_INLINE_CACHE) in TRUE)
    graph = plan(
        dockerfile,
        build_args=build_args,
        target=request.target,
        platform=request.platform,
        contexts=request.contexts,
    )
    target = Platform.parse(request.platform) if request.platform else Platform.host()
    platforms = stage_platforms(graph, target)
    needed = [graph.stages[index] for index in graph.needed]
    check_run(needed, platforms, tools.runner.rung)
    work = Build(
        tools,
        request,
        dockerfile,
        graph,
        BuildContext(request.context, request.ignore_file, request.context_owners),
        build_args,
        emit,
        cancel,
        NamedContexts(request.contexts, tools.store, tools.digests, cancel),
        platforms,
        cache_imports(request.cache_from),
        epoch,
    )
    _advise(work)
    try:
        with tools.store.building(), work.contexts:
            work.imports.read(tools.store, partial(_obtain, work), tools.client, emit)
            state = _run_stages(work)
            _warn_unused(work)
            if request.labels:
                state = state.with_config(
                    Labels={**(state.config.get("Labels") or {}), **request.labels}
                )
            state = caches.inlined(state, work.gave)
            result = Result(tools.store, state.layers, state.image_config(), epoch, work.check)
            outputs.write(result, emit)
            caches.write(result, work.gave, emit, Sending(tools.client, cancel))
            work.check()
            image = outputs.kept(result)
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
        future.set_result(StageBuilder(work, stage).run())
    except BaseException as error:  # handed on by the future
        future.set_exception(error)
        raise


def _obtain(work: Build, name: str, vertex: str) -> str | None:
    """The ID of an image to take cache keys from, pulled if it is not there; never a stand-in."""

    def emit(event: EngineEvent) -> None:
        if not isinstance(event, VertexWarning):
            work.emit(event)

    image = look_up(work.tools.store, name)
    if image is None:
        work.tools.bases(name, work.platforms[work.graph.target], vertex, emit, work.cancel, False)
        image = look_up(work.tools.store, name)
    return image


def _advise(work: Build) -> None:
    """Tell which build checks the Dockerfile does not pass; it may ask to fail for it."""
    store = work.tools.store
    advice = advise(work.dockerfile, work.request, partial(environment_names, store))
    for violation in advice.violations:
        hint = f"{violation.description}: {violation.url}"
        work.emit(VertexWarning("", str(violation), hint, violation.line))
    if advice.fatal:
        raise DockerfileError(advice.reason, line=advice.violations[0].line)


def _warn_unused(work: Build) -> None:
    declared = {name for future in work.results.values() for name in future.result().declared}
    declared |= set(work.graph.global_args)
    unused = sorted(
        name
        for name in set(work.build_args) - declared - PREDEFINED_ARGS - {SOURCE_DATE_EPOCH}
        if not name.startswith("BUILDKIT_")
    )
    if unused:
        names = " ".join(unused)
        work.emit(
            VertexWarning("", f"[Warning] One or more build-args [{names}] were not consumed")
        )
