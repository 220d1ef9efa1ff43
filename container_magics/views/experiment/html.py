"""The static form of an experiment: what each variant printed and took, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...analysis.experiment import Trial
from ..html import BLUE, FAINT, GREEN, MONO, RED, RULE, escape, span
from ..text import visible
from ..units import human_size, seconds

__all__ = ["trials_html", "verdict"]

_CELL = f"padding:3px 12px 3px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
_SHOWN_OUTPUT = 300


def verdict(trials: Sequence[Trial], wrong: Mapping[str, str]) -> list[str]:
    """What the runs say, in lines of text."""
    if not wrong:
        count = len(trials)
        what = "The variant runs" if count == 1 else f"All {count} variants print the same"
        status = trials[0].returncode
        return [f"✗ {what}, and exit with status {status}." if status else f"✓ {what}."]
    return [f"✗ {visible(name)} {visible(what)}." for name, what in wrong.items()]


def trials_html(trials: Sequence[Trial], wrong: Mapping[str, str]) -> str:
    """The table of variants, the verdict above it."""
    colour = RED if wrong else GREEN
    said = "".join(
        f'<div style="font-weight:600">{span(escape(line[:1]), f"color:{colour}")}'
        f"{escape(line[1:])}</div>"
        for line in verdict(trials, wrong)
    )
    slowest = max((trial.cold for trial in trials), default=0) or 1
    headings = (
        ("Variant", "left"), ("Size", "right"), ("Layers", "right"), ("Cold build", "left"),
        ("Warm", "right"), ("Output", "left"),
    )  # fmt: skip
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{side};font-weight:600;white-space:nowrap">'
        f"{title}</th>"
        for title, side in headings
    )
    rows = "".join(_row(trial, wrong.get(trial.name, ""), slowest) for trial in trials)
    earlier = any(trial.again for trial in trials)
    again = (
        f'<div style="{FAINT};font-size:12px">'
        f"{'* measured earlier: nothing has changed since. ' if earlier else ''}"
        "Base images were there before a cold build began.</div>"
    )
    return (
        f'<div style="font-size:13px">{said}'
        '<table style="margin:4px 0;border-collapse:collapse;border:0;font-size:12px;width:100%">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{again}</div>"
    )


def _row(trial: Trial, wrong: str, slowest: float) -> str:
    sign, colour, word = ("✗", RED, "differs") if wrong else ("✓", GREEN, "the same")
    mark = span(sign, f"color:{colour};font-weight:700", word)
    output = (trial.stdout + trial.stderr)[:_SHOWN_OUTPUT].decode("utf-8", "replace")
    share = 100 * trial.cold / slowest
    standing = trial.image.summary.stand_in_for
    note = f'<div style="{FAINT}">stand-in for {escape(standing)}</div>' if standing else ""
    number = f"{_CELL};text-align:right;white-space:nowrap"
    return (
        f'<tr><th scope="row" style="{_CELL};text-align:left;font-weight:600">'
        f'<details><summary style="cursor:pointer">{escape(trial.name)}</summary>'
        f'<pre style="{MONO};font-size:12px;font-weight:400;margin:2px 0;white-space:pre-wrap">'
        f"{_lines(trial.dockerfile)}</pre></details>{note}</th>"
        f'<td style="{number};font-weight:600">{human_size(trial.image.size)}</td>'
        f'<td style="{number}">{len(trial.image.layers)}</td>'
        f'<td style="{_CELL};text-align:left;min-width:9em">{seconds(trial.cold)}'
        f"{'*' if trial.again else ''}"
        f'<div style="height:6px;width:{share:.1f}%;min-width:1px;background:{BLUE};'
        'border-radius:2px"></div></td>'
        f'<td style="{number}">{seconds(trial.warm)}</td>'
        f'<td style="{_CELL};text-align:left">{mark} '
        f'<span style="{MONO}">{escape(output.strip(), _SHOWN_OUTPUT)}</span>'
        f"{_status(trial)}<div>{escape(wrong)}</div></td></tr>"
    )


def _status(trial: Trial) -> str:
    return f" (exit status {trial.returncode})" if trial.returncode else ""


def _lines(text: str) -> str:
    return "\n".join(escape(line, 500) for line in text.strip().split("\n")[:200])
