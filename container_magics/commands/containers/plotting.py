"""`stats`: what containers use over time, as a chart."""

from __future__ import annotations

from ...errors import UsageError
from ...views.stats.view import StatsView
from ..notebook import NotebookSurface, surface_here
from ..session import Session, current
from .terminal import front_end_has_input

__all__ = ["stats"]

_SAMPLES = 10


def stats(*names: str, samples: int | None = None, session: Session | None = None) -> StatsView:
    """Plot the use of processors and memory by containers.

    Args:
        names: of the containers, or IDs; without any, those that run now.
        samples: take so many, one a second, before this returns. By default a notebook that is
            looked at goes on for as long as it is, and elsewhere it is 10.
        session: whose engine to ask; the notebook's by default.

    Raises:
        NotFoundError: there is no such container.
        UsageError: none is named and none runs; samples is below 1.
    """
    engine = (session or current()).engine
    found = [engine.container(name) for name in names] or engine.containers()
    if not found:
        raise UsageError("no container runs", hint="Name one: stats(NAME)")
    if samples is None and not (
        isinstance(surface_here(), NotebookSurface) and front_end_has_input()
    ):
        samples = _SAMPLES
    view = StatsView(engine, found)
    if samples is not None:
        if samples < 1:
            raise UsageError(f"samples is {samples}, and must be 1 at least")
        view.measure(samples)
    return view
