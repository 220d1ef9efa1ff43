"""`step`: walk through a Dockerfile, instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..analysis.walk import Walk
from ..analysis.walk_steps import step_at_line
from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.images import Image
from ..views.step.view import StepView
from .looking import build_request
from .notebook import surface_here
from .session import Session, current

if TYPE_CHECKING:
    from ..views.progress.view import BuildView

__all__ = ["step", "step_of"]


def step(
    dockerfile: str | Path,
    context: str | Path | None = ".",
    *,
    target: str = "",
    build_args: Mapping[str, str | None] | None = None,
    breakpoints: Iterable[int] = (),
    session: Session | None = None,
) -> StepView:
    """Build a Dockerfile, and walk through its instructions.

    A build that fails is no error here: the view opens at the instruction that failed, with the
    state before it.

    Args:
        dockerfile: its text, or the path of a file or of a folder with a `Dockerfile`.
        context: the build context's folder; None for an empty one.
        target: the stage to build; the last by default.
        build_args: values for ARG; None takes the environment's.
        breakpoints: lines; the build stops before the instruction on the first of them.
        session: whose engine to use; the notebook's by default.

    Raises:
        DockerfileError: the text cannot be read.
        BuildError, PullError: not even the first instruction can be built.
        UsageError: a file, folder or line that is not there.
    """
    request = build_request(dockerfile, context, target=target, build_args=build_args)
    engine = (session or current()).engine
    return StepView(*_walk(engine, request, surface_here().progress(), breakpoints))


def step_of(
    engine: Engine, request: BuildRequest, progress: BuildView, breakpoints: Iterable[int]
) -> tuple[Image | None, StepView]:
    """Build, and open the view.

    Args:
        engine: builds.
        request: the build.
        progress: shows it.
        breakpoints: lines to stop before; the build itself stops before the first.

    Returns:
        The image, or None where the build failed or stopped; the view.

    Raises:
        DockerfileError, BuildError, PullError, UsageError: as `step`.
    """
    walk, stops = _walk(engine, request, progress, breakpoints)
    if walk.result is not None:
        walk.keep(walk.result)
    return walk.result, StepView(walk, stops)


def _walk(
    engine: Engine, request: BuildRequest, progress: BuildView, breakpoints: Iterable[int]
) -> tuple[Walk, set[int]]:
    walk = Walk(engine, request)
    stops = {step_at_line(request, walk.steps, line).number for line in breakpoints}
    end = min(stops) - 1 if stops else len(walk.steps)
    try:
        if end:
            with walk.failing():
                progress.follow(walk.building(end))
        walk.remember(end)
    except BaseException:
        walk.close()
        raise
    if walk.failure is not None and not walk.reached:
        walk.close()
        raise walk.failure.error
    return walk, stops
