"""`docker build --check`: advice on the Dockerfile, and no build."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...dockerfile import parse
from ...dockerfile.checks import Violation
from ...engines.base import Engine
from ...engines.build_request import BuildRequest
from ...engines.excerpts import excerpt, excerpts
from ...engines.planning import advise, plan
from ...errors import BuildCheckError, NotFoundError, UsageError
from ...views.text import visible
from ..call import Call

__all__ = ["check_build"]


def check_build(request: BuildRequest, call: Call) -> tuple[Violation, ...]:
    """Print every rule that the Dockerfile breaks, as BuildKit does.

    Raises:
        DockerfileError: the Dockerfile cannot be read.
        BuildCheckError: it breaks a rule; a lenient call gives them as its result.
    """
    with excerpts(request):
        dockerfile = parse(request.dockerfile)
        plan(
            dockerfile,
            build_args=request.build_args,
            target=request.target,
            platform=request.platform,
            contexts=request.contexts,
        )
        advice = advise(dockerfile, request, lambda name: _environment_of(call.engine, name))
    found = advice.violations
    for violation in found:
        call.surface.write("\n".join(_report(violation, request)) + "\n\n")
    if not found:
        call.surface.write("Check complete, no warnings found.\n")
        return ()
    count = f"{len(found)} warning has" if len(found) == 1 else f"{len(found)} warnings have"
    summary = f"Check complete, {count} been found!"
    if not call.lenient:
        raise BuildCheckError(summary, hint=advice.reason if advice.fatal else "")
    call.surface.write(f"{summary}\n")
    return tuple(found)


def _environment_of(engine: Engine, name: str) -> Collection[str] | None:
    try:
        config = engine.image(name).config
    except (NotFoundError, UsageError):
        return None
    return [pair.partition("=")[0] for pair in config.get("Env") or ()]


def _report(violation: Violation, request: BuildRequest) -> Iterator[str]:
    yield f"WARNING: {violation.rule} - {violation.url}"
    yield visible(violation.message, 1000)
    lines = excerpt(request, violation.line, violation.end_line).split("\n")
    yield from (visible(line, 1000) for line in lines)
