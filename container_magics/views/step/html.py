"""The static form of a walk: the Dockerfile as a table, with what each instruction did."""

from __future__ import annotations

from collections.abc import Collection

from ...analysis.layer_index import ChangeKind
from ...analysis.walk import Failure, Walk
from ...analysis.walk_steps import WalkStep
from ..html import BLUE, FAINT, GREEN, MONO, ORANGE, RED, RULE, escape, span
from ..layers.html import changes_html
from ..units import human_size, seconds
from .data import environment_of

__all__ = ["step_html"]

_CELL = f"padding:3px 10px 3px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
_LARGEST = 10
_FILES_IN_ALL = 200
_TAIL = 20
_COLOURS = {"added": GREEN, "changed": ORANGE}


def step_html(walk: Walk, breakpoints: Collection[int]) -> str:
    """The whole of it."""
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{side};font-weight:600;white-space:nowrap;'
        f'width:{width}">{title}</th>'
        for title, side, width in (
            ("", "left", "2.4em"),
            ("Line", "right", "2.6em"),
            ("Instruction", "left", "auto"),
            ("Layer", "right", "6em"),
            ("So far", "right", "6em"),
        )
    )
    files = max(1, min(_LARGEST, _FILES_IN_ALL // len(walk.steps)))
    rows = "".join(
        _row(walk, step, files, marked=step.number in breakpoints) for step in walk.steps
    )
    return (
        f'<div style="font-weight:600;font-size:14px">{_title(walk)}</div>'
        '<table style="margin:4px 0;border-collapse:collapse;border:0;font-size:12px;width:100%">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _title(walk: Walk) -> str:
    count = len(walk.steps)
    if walk.failure is not None:
        return f"The Dockerfile fails at step {walk.failure.number} of {count}"
    if walk.reached < count:
        return f"The Dockerfile, stopped before step {walk.reached + 1} of {count}"
    return f"The Dockerfile, step by step: {count} steps, {human_size(walk.states[-1].size)}"


def _row(walk: Walk, step: WalkStep, files: int, *, marked: bool) -> str:
    failure = walk.failure if walk.failure and walk.failure.number == step.number else None
    reached = step.number <= walk.reached
    if failure is not None:
        sign = span("\N{BALLOT X}", f"color:{RED};font-weight:700", "failed")
    elif reached:
        sign = span("\N{CHECK MARK}", f"color:{GREEN};font-weight:700", "done")
    else:
        sign = span("\N{WHITE CIRCLE}", FAINT, "not reached")
    if marked:
        sign += span("\N{BLACK CIRCLE}", f"color:{BLUE}", "breakpoint")
    text = f'<span style="{MONO};font-weight:600">{escape(step.text, 400)}</span>'
    layer = size = ""
    if failure is not None:
        text += _failure(failure)
    elif reached:
        state = walk.states[step.number - 1]
        layer = "" if state.layer_size is None else human_size(state.layer_size)
        size = human_size(state.size)
        text += _did(walk, step, files)
    number = f"{_CELL};text-align:right;white-space:nowrap"
    shade = "" if reached or failure is not None else f' style="{FAINT}"'
    return (
        f'<tr{shade}><td style="{_CELL};white-space:nowrap">{sign}</td>'
        f'<td style="{number}">{step.line}</td>'
        f'<td style="{_CELL};text-align:left;overflow-wrap:anywhere">{text}</td>'
        f'<td style="{number}">{layer}</td><td style="{number};font-weight:600">{size}</td></tr>'
    )


def _did(walk: Walk, step: WalkStep, files: int) -> str:
    """What an instruction did, in words, and its largest files, folded."""
    state, before = walk.states[step.number - 1], walk.before(step.number)
    parts = []
    if before is None:
        layers = "1 layer" if state.layers == 1 else f"{state.layers} layers"
        parts.append(f"{layers}, {state.files:,} files and folders")
    else:
        parts += [
            f'<span style="color:{_COLOURS[how]}">{how}</span> '
            f'<span style="{MONO}">{escape(name)}={escape(value, 120)}</span>'
            for name, value, how in environment_of(walk, step.number)
            if how
        ]
        if before.workdir != state.workdir:
            parts.append(f"working directory {escape(state.workdir)}")
        if before.user != state.user:
            parts.append(f"user {escape(state.user)}")
        parts += [
            f'sets {key} <span style="{MONO}">{escape(value, 120)}</span>'
            for key, value in state.settings
        ]
    if state.seconds is not None and state.seconds >= 0.05:
        parts.append(f"took {seconds(state.seconds)}")
    counts = ", ".join(
        f"{state.count(kind):,} {kind.value}" for kind in ChangeKind if state.count(kind)
    )
    said = f'<div style="{FAINT}">{" · ".join(parts)}</div>' if parts else ""
    if not counts:
        return said
    return (
        f'{said}<details><summary style="cursor:pointer;{FAINT}">files: {counts}</summary>'
        f"{changes_html(state.changes, files)}</details>"
    )


def _failure(failure: Failure) -> str:
    message = "<br>".join(escape(line, 600) for line in str(failure.error).split("\n"))
    tail = "\n".join(escape(line, 400) for line in failure.tail[-_TAIL:])
    log = (
        f'<pre style="{MONO};font-size:12px;margin:4px 0;white-space:pre-wrap;'
        f'overflow-wrap:anywhere;background:transparent;border:0">{tail}</pre>'
        if tail
        else ""
    )
    return (
        f'<div style="border-left:3px solid {RED};padding:2px 0 2px 8px;margin:4px 0">'
        f"{span('failed', f'color:{RED};font-weight:700')} {message}{log}</div>"
    )
