"""How a build ended, as HTML and as text: the block below its steps."""

from __future__ import annotations

from collections.abc import Sequence

from ...engines.images import ImageSummary
from ...engines.results import BuildResult
from ...errors import ContainerMagicsError
from ..html import FAINT, GREEN, MONO, RED, RULE, escape, span
from ..text import visible
from ..units import ago, human_size, seconds
from .log import BuildLog, StepState
from .step_html import BLOCK

__all__ = ["difference", "failure_html", "failure_text", "result_html", "result_text"]


_NAME_LIMIT = 80


def difference(size: int, previous: ImageSummary, *, same: bool) -> str:
    """What changed since the tag's last image: `794MB smaller than a4f5…, 5 minutes ago`."""
    before = f"{_short(previous.id)} ({human_size(previous.size)}, {ago(previous.created)})"
    if same:
        return "none: the same image as before"
    delta = size - previous.size
    if not delta:
        return f"the same size as {before}"
    return f"{human_size(abs(delta))} {'larger' if delta > 0 else 'smaller'} than {before}"


def _facts(result: BuildResult, previous: ImageSummary | None) -> list[tuple[str, str]]:
    image = result.image
    facts = [
        ("Steps", f"{result.steps}, {result.cached_steps} from cache"),
        ("Time", seconds(result.seconds)),
    ]
    if image is None:
        return facts
    facts = [
        ("Image ID", _short(image.id)),
        ("Size", human_size(image.size)),
        ("Layers", str(len(image.layers))),
        *facts,
    ]
    if previous is not None:
        change = difference(image.size, previous, same=previous.id == image.id)
        facts.append(("Change", change))
    return facts


def _headline(result: BuildResult) -> str:
    if result.image is None:
        return "and written out"
    names = result.tags or result.image.names[:5]
    return ", ".join(names) or _short(result.image.id)


def result_text(result: BuildResult, previous: ImageSummary | None) -> str:
    """The result in lines of text."""
    facts = "".join(f"\n  {name:<9}{visible(value)}" for name, value in _facts(result, previous))
    return f"✓ Built {visible(_headline(result))}{facts}"


def result_html(result: BuildResult, previous: ImageSummary | None) -> str:
    """The result as an HTML table of facts."""
    cell = "padding:3px 1.6em 2px 0;border:0;text-align:left;vertical-align:top;background:none"
    facts = _facts(result, previous)
    names = "".join(
        f'<th scope="col" style="{cell};padding-bottom:0;font-weight:400;{FAINT}">{name}</th>'
        for name, _ in facts
    )
    styles = {"Image ID": f"{MONO};white-space:nowrap", "Change": ""}
    values = "".join(
        f'<td style="{cell};padding-top:0;font-weight:600;'
        f'{styles.get(name, "white-space:nowrap")}">{escape(value)}</td>'
        for name, value in facts
    )
    mark = span("✓", f"color:{GREEN};font-weight:700", "done")
    return (
        f'<div style="{BLOCK};border-top:1px solid {RULE};margin-top:4px;padding-top:4px">'
        f'<div style="margin-left:1.3em">{mark} Built '
        f'<span style="font-weight:600">{escape(_headline(result), 600)}</span>'
        f'<table style="margin:2px 0 0 1.4em;border-collapse:collapse;border:0;font-size:13px">'
        f'<thead style="border:0"><tr>{names}</tr></thead><tbody><tr>{values}</tr></tbody>'
        "</table></div></div>"
    )


def failure_text(log: BuildLog, error: BaseException, elapsed: float) -> str:
    """One line: what failed, after how long, what was not run."""
    what, facts = _failure(log, error, elapsed)
    return f"✗ {what}: {visible(', '.join(facts), 1000)}"


def failure_html(log: BuildLog, error: BaseException, elapsed: float) -> str:
    """The same as HTML; the exception itself says the rest below."""
    what, facts = _failure(log, error, elapsed)
    mark = span("✗", f"color:{RED};font-weight:700", "failed")
    return (
        f'<div style="{BLOCK};border-top:1px solid {RULE};margin-top:4px;padding-top:4px">'
        f'<div style="margin-left:1.3em">{mark} <span style="font-weight:600">{what}</span> '
        f"{escape(', '.join(facts), 1000)}</div></div>"
    )


def _failure(log: BuildLog, error: BaseException, elapsed: float) -> tuple[str, Sequence[str]]:
    what = "Build interrupted" if isinstance(error, KeyboardInterrupt) else "Build failed"
    facts = [f"after {seconds(elapsed)}"]
    failed = [step for step in log.steps if step.state is StepState.ERROR]
    if failed:
        at = f" (line {failed[0].line})" if failed[0].line else ""
        facts.append(f"at {visible(failed[0].name, _NAME_LIMIT)}{at}")
    elif isinstance(error, ContainerMagicsError):
        facts.append(error.message.partition("\n")[0])
    waiting = log.count(StepState.WAITING, StepState.NOT_RUN)
    if waiting:
        facts.append(f"{waiting} {'step' if waiting == 1 else 'steps'} not run")
    return what, facts


def _short(identity: str) -> str:
    return identity.rpartition(":")[2][:12]
