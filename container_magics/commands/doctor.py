"""`container-magics doctor`: which engine and which rung were chosen, and why not the others."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ContainerMagicsError
from ..views.text import visible
from .session import Session

__all__ = ["diagnosis"]


def diagnosis(session: Session) -> str:
    """A report for people, one line for each engine and each rung."""
    return "\n".join(visible(line, limit=1000) for line in _lines(session))


def _lines(session: Session) -> Iterator[str]:
    yield "Engines"
    try:
        choice = session.choice
    except ContainerMagicsError as error:
        yield from (f"  {line}" for line in str(error).splitlines())
    else:
        yield from (f"  {line}" for line in choice.why)
        yield f"  → {choice.context.name}"
    yield ""
    yield "Isolation of the embedded engine"
    from ..engines.embedded.sandbox.rungs import diagnose

    for report in diagnose():
        mark = "→" if report.chosen else "✓" if report.available else "✗"
        yield f"  {mark} {report.name}: {report.reason}".rstrip(": ")
        if report.remedy:
            yield f"      {report.remedy}"
        if report.chosen and report.limits:
            yield "      What it cannot do (docs/differences.md):"
            yield from (f"      - {limit}" for limit in report.limits)
