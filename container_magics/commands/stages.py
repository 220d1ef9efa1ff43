"""`stages`: build a Dockerfile, and show its stages as a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.stage_report import StagesReport, VertexRecord, stage_report
from ..dockerfile import StageGraph, parse
from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.events import Cancellation, Emit, EngineEvent
from ..engines.follow import follow
from ..engines.images import Image
from ..engines.planning import plan
from ..engines.results import BuildResult
from ..errors import ConflictError, ContainerMagicsError, NotFoundError
from ..views.stages.view import StagesView
from .looking import build_request, name_of
from .notebook import surface_here
from .session import Session, current

if TYPE_CHECKING:
    from ..views.progress.view import BuildView

__all__ = ["stages", "stages_of"]


def stages(
    dockerfile: str | Path,
    context: str | Path | None = ".",
    *,
    target: str = "",
    build_args: Mapping[str, str | None] | None = None,
    session: Session | None = None,
) -> StagesView:
    """Build a Dockerfile, and show its stages: bases, times, sizes, and what is copied where.

    Args:
        dockerfile: its text, or the path of a file or of a folder that has one.
        context: the build context's folder; None for an empty one.
        target: the stage to build; "" for the last.
        build_args: values for ARG; None takes the environment's.
        session: whose engine builds; the notebook's by default.

    Raises:
        UsageError: the Dockerfile or the context cannot be read.
        DockerfileError, BuildError, PullError: the build failed.
    """
    request = build_request(dockerfile, context, target=target, build_args=build_args)
    engine = (session or current()).engine
    return stages_of(engine, request, surface_here().progress())[1]


def stages_of(
    engine: Engine, request: BuildRequest, progress: BuildView
) -> tuple[Image, StagesView]:
    """Build, with live progress, and look at the stages; the image and the view.

    The stages that the target needs are then built by themselves, out of the build cache, for
    their sizes; the images this makes are removed again.

    Raises:
        DockerfileError, BuildError, PullError: the build failed; the progress shows it.
    """
    record = VertexRecord()

    def build(emit: Emit, cancel: Cancellation) -> BuildResult:
        def both(event: EngineEvent) -> None:
            record(event)
            emit(event)

        return engine.build(request, both, cancel)

    image = progress.follow(follow(build)).made
    graph = plan(
        parse(request.dockerfile),
        build_args=request.build_args,
        target=request.target,
        platform=request.platform,
        contexts=request.contexts,
    )
    return image, StagesView(_report(engine, request, graph, record, image), name_of(image))


def _report(
    engine: Engine, request: BuildRequest, graph: StageGraph, record: VertexRecord, image: Image
) -> StagesReport:
    sizes, layers, notes = {graph.target: image.size}, VertexRecord(), []
    before = {summary.id for summary in engine.images()}
    made: list[str] = []
    try:
        for index in graph.needed:
            if index == graph.target:
                continue
            alone = replace(
                request,
                dockerfile=_text_up_to(request.dockerfile, graph, index),
                target="",
                tags=(),
                labels={},
                no_cache=False,
                pull=False,
                outputs=(),
                cache_to=(),
            )
            try:
                built = _quietly(engine, alone, layers)
            except ContainerMagicsError as error:
                name = graph.stages[index].name or index
                notes.append(f"The size of stage {name} is not known: {error.message}")
                continue
            sizes[index] = built.size
            made.append(built.id)
    finally:
        _remove_unnamed(engine, [each for each in made if each not in before])
    report = stage_report(request.dockerfile, graph, record, sizes, layers, notes=notes)
    images = {
        name: _size_of(engine, name) if size is None else size
        for name, size in report.images.items()
    }
    return replace(report, images=images)


def _quietly(engine: Engine, request: BuildRequest, record: VertexRecord) -> Image:
    following = follow(lambda emit, cancel: engine.build(request, emit, cancel))
    for event in following:
        if event is not None:
            record(event)
    return following.result.made


def _remove_unnamed(engine: Engine, images: Iterable[str]) -> None:
    """Remove images that no name has been given to meanwhile; the build cache keeps its part."""
    unnamed = {summary.id for summary in engine.images() if not summary.names}
    for image in dict.fromkeys(images):
        if image in unnamed:
            with suppress(NotFoundError, ConflictError):
                engine.remove_image(image, force=True, prune=False)


def _size_of(engine: Engine, name: str) -> int | None:
    """Bytes of an image that stages copy from; None where the builder keeps it to itself."""
    try:
        return engine.image(name).size
    except ContainerMagicsError:
        return None


def _text_up_to(text: str, graph: StageGraph, index: int) -> str:
    """The Dockerfile cut after a stage: that stage is the last of it, and so what it builds."""
    following = graph.stages[index + 1 :]
    if not following:
        return text
    return "\n".join(text.split("\n")[: following[0].line - 1]) + "\n"
