"""One step of a build as HTML, and as one line of text."""

from __future__ import annotations

import re

from ...engines.events import VertexWarning
from ..html import BLUE, FAINT, GREEN, MONO, ORANGE, RED, escape, span
from ..text import visible
from ..units import human_size, seconds
from .downloads_html import bar, listed_downloads_html, live_downloads_html
from .log import Step, StepState
from .log_html import folded_log_html, live_log_html, open_log_html

__all__ = [
    "BLOCK",
    "MARKS",
    "ROW",
    "WORDS",
    "bar",
    "step_html",
    "step_text",
    "step_timing",
    "warning_html",
    "warnings_html",
]

MARKS = {
    StepState.WAITING: ("○", FAINT),
    StepState.RUNNING: ("●", f"color:{BLUE}"),
    StepState.CACHED: ("✓", f"color:{GREEN}"),
    StepState.DONE: ("✓", f"color:{GREEN}"),
    StepState.ERROR: ("✗", f"color:{RED}"),
    StepState.CANCELLED: ("■", f"color:{ORANGE}"),
    StepState.NOT_RUN: ("-", FAINT),
}
BLOCK = "font-size:13px;line-height:1.5;max-width:76em"
WORDS = {
    StepState.WAITING: "waiting",
    StepState.RUNNING: "running",
    StepState.CACHED: "CACHED",
    StepState.ERROR: "FAILED",
    StepState.CANCELLED: "CANCELLED",
    StepState.NOT_RUN: "not run",
}
ROW = "margin-left:1.3em"
_BODY = "margin:2px 0 6px 3em"
_NAME = re.compile(r"(\[[^\]]*\] )?([A-Z]+ )?(.*)", re.DOTALL)
_CUT_NAME = 80
_TAIL_LINES = 20
_ERROR_LINES = 8


def step_text(step: Step, now: float) -> str:
    """The step in one line: mark, name, state or time, layer size; the last lines if it failed."""
    parts = [MARKS[step.state][0], visible(step.name), step_timing(step, now)]
    if step.layer_size is not None:
        parts.append(human_size(step.layer_size))
    lines = ["  ".join(part for part in parts if part)]
    if step.state is StepState.ERROR:
        lines += [f"    {line}" for line in step.log.last(_TAIL_LINES)]
        lines += [f"    {visible(line)}" for line in step.error.splitlines()[:_ERROR_LINES]]
    lines += [f"    warning: {visible(_warning_text(warning))}" for warning in step.warnings]
    return "\n".join(lines)


def step_html(step: Step, now: float, *, logs: bool = True) -> str:
    """The step as HTML: a line, and below it what it says now or, folded, what it said.

    Args:
        step: the step.
        now: seconds since the epoch, for the clock of a running step.
        logs: whether a step that went well shows what it said.
    """
    row = _row(step, now)
    below = _error(step) + warnings_html(step)
    failed = step.state is StepState.ERROR
    if not step.state.over:
        downloads = live_downloads_html(step.downloads.values(), now)
        body, folded = downloads + live_log_html(step.log), False
    elif not (logs or failed):
        body, folded = "", False
    else:
        log = open_log_html(step.log) if failed else folded_log_html(step.log)
        downloads = listed_downloads_html(step.downloads.values(), now)
        body, folded = _whole_name(step) + downloads + log, True
    if body:
        body = f'<div style="{_BODY}">{body}</div>'
    if not (body and folded):
        return f'<div style="{BLOCK}"><div style="{ROW}">{row}</div>{body}{below}</div>'
    return (
        f'<div style="{BLOCK}"><details{" open" if failed else ""}>'
        f'<summary style="{ROW};cursor:pointer;list-style-position:outside">{row}</summary>'
        f"{body}</details>{below}</div>"
    )


def _row(step: Step, now: float) -> str:
    mark, style = MARKS[step.state]
    match = _NAME.fullmatch(step.name)
    assert match is not None  # noqa: S101 - every part of the pattern is optional
    prefix, verb, rest = (escape(part or "") for part in match.groups())
    name = span(prefix, FAINT) + span(verb, "font-weight:600") + rest
    size = "" if step.layer_size is None else human_size(step.layer_size)
    cell = "flex:0 0 auto;text-align:right;white-space:nowrap"
    timing = f"{style};font-weight:600" if step.state in WORDS and step.state.begun else FAINT
    faint = "" if step.state.begun else f";{FAINT}"
    return (
        f'<div style="display:flex;align-items:baseline;gap:0.6em{faint}">'
        + span(mark, f"{style};flex:0 0 auto;width:1.1em;font-weight:700", step.state.value)
        + f'<span title="{escape(step.name, 1000)}" style="{MONO};font-size:12px;flex:1 1 auto;'
        f'min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{name}</span> '
        + span(step_timing(step, now), f"{cell};min-width:7em;{timing}")
        + " "
        + span(size, f"{cell};width:5em")
        + "</div>"
    )


def _whole_name(step: Step) -> str:
    """The name again, for it is cut to the width of the cell above."""
    if len(step.name) <= _CUT_NAME:
        return ""
    style = f"{MONO};font-size:12px;overflow-wrap:anywhere;{FAINT}"
    return f'<div style="{style}">{escape(step.name, 1000)}</div>'


def step_timing(step: Step, now: float) -> str:
    """Its state in a word, where that is worth one, and its time."""
    word = WORDS.get(step.state, "")
    if step.state is StepState.CACHED or not step.state.begun or step.started is None:
        return word
    return f"{word} {seconds(step.seconds(now))}".strip()


def _error(step: Step) -> str:
    if step.state is not StepState.ERROR or not step.error:
        return ""
    lines = "<br>".join(escape(line, 500) for line in step.error.splitlines()[:_ERROR_LINES])
    return f'<div style="{_BODY};color:{RED};font-weight:600">{lines}</div>'


def warnings_html(step: Step) -> str:
    """A step's advice as HTML."""
    return "".join(map(warning_html, step.warnings))


def warning_html(warning: VertexWarning) -> str:
    """Advice as HTML: what, on which line of the Dockerfile, and what to do."""
    mark = span("⚠", f"color:{ORANGE};font-weight:700", "warning")
    hint = "".join(
        f'<div style="{MONO};font-size:12px;margin-left:1.7em">{escape(line, 500)}</div>'
        for line in warning.hint.splitlines()
    )
    text = escape(_warning_text(warning, hint=False), 500)
    return f'<div style="{_BODY}">{mark} {text}{hint}</div>'


def _warning_text(warning: VertexWarning, *, hint: bool = True) -> str:
    where = f" (line {warning.line})" if warning.line else ""
    advice = f" - {warning.hint}" if hint and warning.hint else ""
    return f"{warning.message}{where}{advice}"
