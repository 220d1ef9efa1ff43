"""The heading of a stage: how far it is, and a bar that shows when it ran within the build."""

from __future__ import annotations

import math

from ..html import BLUE, FAINT, GREEN, MONO, ORANGE, RED, RULE, escape, span
from ..text import visible
from ..units import seconds
from .log import BuildLog
from .stages import Span, StageLog
from .states import StepState
from .step_html import BLOCK, MARKS, ROW, WORDS

__all__ = ["heading_html", "heading_text"]

_FILLS = {StepState.RUNNING: BLUE, StepState.ERROR: RED, StepState.CANCELLED: ORANGE}
_GROWTH = 1.15
_FEWEST_SECONDS = 1.0
_GAP = 0.015
_MOST_PIECES = 20


def heading_html(log: BuildLog, stage: StageLog, now: float, *, continued: bool = False) -> str:
    """The heading as HTML.

    While the build goes on, bars are drawn to a whole that grows in leaps, so that those of
    all stages have one scale though each is written in its own time.

    Args:
        log: the build.
        stage: a stage of it.
        now: seconds since the epoch.
        continued: whether other stages' steps stand between this and the stage's first heading.
    """
    state = stage.state
    mark, style = MARKS[state]
    name = span(escape(_title(stage, continued=continued), 80), "font-weight:700")
    if stage.base:
        base = f"{MONO};font-size:12px;margin-left:0.8em;{FAINT}"
        name += f' <span style="{base}">FROM {escape(stage.base, 120)}</span>'
    cell = "flex:0 0 auto;text-align:right;white-space:nowrap"
    timing = f"{style};font-weight:600" if state in WORDS else FAINT
    faint = "" if state.begun else f";{FAINT}"
    return (
        f'<div style="{BLOCK};border-top:1px solid {RULE};margin-top:5px;padding-top:3px">'
        f'<div style="{ROW}{faint}"><div style="display:flex;align-items:center;gap:0.6em">'
        + span(mark, f"{style};flex:0 0 auto;width:1.1em;font-weight:700", state.value)
        + '<span style="flex:1 1 auto;min-width:0;overflow:hidden;text-overflow:ellipsis;'
        f'white-space:nowrap">{name}</span> '
        + _bar(log, stage, now)
        + " "
        + span(_timing(stage, now), f"{cell};min-width:7em;{timing}")
        + " "
        + span(_steps(stage), f"{cell};min-width:5em")
        + "</div></div></div>"
    )


def heading_text(log: BuildLog, stage: StageLog, now: float, *, continued: bool = False) -> str:
    """The heading in one line: mark, name, base, steps, time, and when that was."""
    parts = [
        f"{MARKS[stage.state][0]}  {visible(_title(stage, continued=continued), 80)}",
        f"FROM {visible(stage.base, 120)}" if stage.base else "",
        _steps(stage),
        _timing(stage, now),
        f"({_when(log, stage, now)})" if stage.span(now) else "",
    ]
    return "  ".join(part for part in parts if part)


def _title(stage: StageLog, *, continued: bool) -> str:
    return f"stage {stage.name}" + (" (continued)" if continued else "")


def _steps(stage: StageLog) -> str:
    return f"{stage.done}/{len(stage.steps)} {'step' if len(stage.steps) == 1 else 'steps'}"


def _timing(stage: StageLog, now: float) -> str:
    word = WORDS.get(stage.state, "")
    ran = stage.span(now)
    if ran is None or stage.state in (StepState.CACHED, StepState.WAITING):
        return word
    worked = sum(piece.seconds for piece in stage.busy(now, gap=0))
    return f"{word} {seconds(worked)}".strip()


def _when(log: BuildLog, stage: StageLog, now: float) -> str:
    """`0.2s to 4.3s of 6.1s`; what goes on has no end to be said, and nor has its whole."""
    ran, whole = stage.span(now), log.span(now)
    if ran is None or whole is None:
        return "not begun" if not log.over else "not run"
    begin = seconds(max(0.0, ran.start - whole.start))
    if stage.state in (StepState.RUNNING, StepState.WAITING):
        return f"since {begin}"
    end = seconds(max(0.0, ran.end - whole.start))
    pauses = ", with pauses" if len(stage.busy(now, gap=_GAP * whole.seconds)) > 1 else ""
    return f"{begin} to {end}" + (f" of {seconds(whole.seconds)}" if log.over else "") + pauses


def _bar(log: BuildLog, stage: StageLog, now: float) -> str:
    """Where in the build's time the stage ran: pieces of a bar, and what they mean as its title."""
    return (
        f'<span title="{_when(log, stage, now)}" style="display:inline-block;flex:0 0 auto;'
        f"width:180px;height:9px;border:1px solid {RULE};border-radius:2px;overflow:hidden;"
        f'white-space:nowrap;font-size:0;line-height:0">{_pieces(log, stage, now)}</span>'
    )


def _pieces(log: BuildLog, stage: StageLog, now: float) -> str:
    whole = log.span(now)
    if whole is None:
        return ""
    scale = max(whole.seconds, 0.001) if log.over else _grown(whole.seconds)
    fill = _FILLS.get(stage.state, GREEN)
    drawn, html = 0.0, ""
    for piece in _few(stage.busy(now, gap=_GAP * scale)):
        left = max(drawn, min(99.0, _percent(piece.start - whole.start, scale)))
        width = max(1.0, min(100.0, _percent(piece.end - whole.start, scale)) - left)
        width = min(width, 100.0 - left)
        html += (
            f'<span style="display:inline-block;height:9px;margin-left:{left - drawn:.1f}%;'
            f'width:{width:.1f}%;background:{fill}"></span>'
        )
        drawn = left + width
    return html


def _few(pieces: list[Span]) -> list[Span]:
    if len(pieces) <= _MOST_PIECES:
        return pieces
    return [*pieces[: _MOST_PIECES - 1], Span(pieces[_MOST_PIECES - 1].start, pieces[-1].end)]


def _percent(part: float, whole: float) -> float:
    return max(0.0, 100 * part / whole)


def _grown(length: float) -> float:
    """The next of some lengths, each 15 % more than the one before it."""
    if length <= _FEWEST_SECONDS:
        return _FEWEST_SECONDS
    leaps = math.ceil(math.log(length / _FEWEST_SECONDS, _GROWTH) - 1e-9)
    return float(_FEWEST_SECONDS * _GROWTH**leaps)
