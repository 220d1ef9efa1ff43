"""The static form of the stages of a build: a picture, and all of it as tables."""

from __future__ import annotations

from base64 import b64encode

from ...analysis.stage_report import StagesReport
from ..html import FAINT, escape
from ..layers.html import facts_html
from ..table import Table
from .figure import stages_figure, stages_png
from .words import LEGEND, fate, measures, summary, title

__all__ = ["stages_html"]

_PAGE = 1200
"""Wider pictures than this many pixels scroll, or their words could not be read."""
_FEW = 16


def stages_html(name: str, report: StagesReport, stages: Table, edges: Table) -> str:
    """The whole of it.

    Args:
        name: of the image.
        report: what to draw.
        stages: as a table.
        edges: what is taken from where, as a table.
    """
    picture, width, height = stages_png(stages_figure(name, report))
    most = "100%" if width <= _PAGE else "none"
    fitting = f"width:{width}px;max-width:{most};height:auto"
    notes = "".join(f'<div style="{FAINT};font-size:12px">{escape(n)}</div>' for n in report.notes)
    return (
        f'<div style="font-weight:600;font-size:14px">Stages of {escape(name)}</div>'
        f"{facts_html(summary(report))}{notes}"
        f'<div style="overflow:auto;max-height:{min(height + 24, 900)}px">'
        f'<img src="data:image/png;base64,{b64encode(picture).decode("ascii")}" '
        f'alt="{escape(_alternative(report), 4000)}" style="{fitting}"></div>'
        f"{_folded('The stages as a table', stages)}"
        f"{_folded('What is taken from where', edges)}"
        f'<div style="{FAINT};font-size:12px">{escape(LEGEND)}</div>'
    )


def _folded(heading: str, table: Table) -> str:
    if not len(table):
        return ""
    state = " open" if len(table) <= _FEW else ""
    return (
        f'<details{state}><summary style="cursor:pointer;font-size:12px;font-weight:600">{heading}'
        f"</summary>{table._repr_html_()}</details>"
    )


def _alternative(report: StagesReport) -> str:
    """The graph in words; the tables have the rest."""
    words = (
        f"{title(stage.name)}, from {stage.base}: {measures(stage)}, {fate(stage)}"
        for stage in report.stages
    )
    return "Graph of the stages. " + ". ".join(words)
