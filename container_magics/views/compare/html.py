"""The static form of a comparison: bars of sizes, and a table of the reasons to care.

JupyterLab's sanitiser takes gradients out, so that a shared layer is a dashed outline here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from ...analysis.comparison import ComparedImage, Comparison, pull_time
from ..html import BLUE, FAINT, MONO, ORANGE, RULE, escape
from ..sizes import log_floor
from ..units import human_size
from .values import (
    BANDWIDTH,
    MODEL,
    NODES,
    VERSIONS,
    Segment,
    base_lines,
    facts_of,
    parts_text,
    pull_seconds,
    pull_text,
    segments,
    share_text,
    together_text,
)

__all__ = ["compare_html"]

_CELL = f"padding:4px 14px 4px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
_BARE = "padding:3px 10px 3px 0;border:0;vertical-align:top;background:none"
_HEAD = "text-align:left;font-weight:600"
_NAME = 60
_WIDE = 250  # of 10,000: 8 px of a track of 330 px


def compare_html(comparison: Comparison, reference: Mapping[str, int]) -> str:
    """The whole of it, at the bandwidth, N and M that the table's head names."""
    sizes = [image.size for image in comparison.images] + list(reference.values())
    low, high = log_floor(sizes), float(max(*sizes, 1))
    bars = "".join(
        _bar(image, comparison, (low, high), reference.get(image.label))
        for image in comparison.images
    )
    marks = [f"scale: logarithmic, from {human_size(low)}; layers divide a bar by their bytes"]
    if any(image.shared_size for image in comparison.images):
        marks.append("dashed outline: layers that other images share")
    if reference:
        marks.append("◇: the book")
    rows = "".join(_row(image) for image in comparison.images)
    head = "".join(
        f'<th scope="col" style="{_CELL};{_HEAD}">{title}</th>'
        for title in (
            "Image",
            f"Performance: at {BANDWIDTH} Mbit/s",
            "Security",
            f"Cost: {VERSIONS} versions \N{MULTIPLICATION SIGN} {NODES} nodes",
        )
    )
    table = "border-collapse:collapse;border:0;font-size:12px"
    return (
        f'<div style="font-weight:600;font-size:14px">{_title(comparison)}</div>'
        f'<table style="margin:4px 0;width:100%;{table}"><tbody>{bars}</tbody></table>'
        f'<div style="{FAINT};font-size:12px">{"; ".join(marks)}</div>'
        f'<table style="margin:8px 0 4px;{table}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
        f'<div style="font-size:12px">{together_text(comparison)}.</div>'
        f'<div style="{FAINT};font-size:12px">{MODEL}</div>'
    )


def _title(comparison: Comparison) -> str:
    count = len(comparison.images)
    return f"{count} images compared" if count > 1 else "One image"


def _bar(
    image: ComparedImage,
    comparison: Comparison,
    scale: tuple[float, float],
    reference: int | None,
) -> str:
    low, high = scale

    def at(size: float) -> float:
        return 100 * math.log(max(size, low) / low) / math.log(max(high, 1.001 * low) / low)

    length = at(image.size)
    stretches = "".join(
        _stretch(each, math.floor(10_000 * each.size / image.size) / 100, length)
        for each in segments(image)
    )
    notes = [share_text(image, comparison), parts_text(image)]
    number = (
        f'<b style="white-space:nowrap">{human_size(image.size)}</b> '
        f'<span style="{FAINT}">{"; ".join(note for note in notes if note)}</span>'
    )
    bar = f'<div style="width:{length:.2f}%;height:14px">{stretches}</div>'
    if reference is not None:
        bar += (
            f'<div style="margin-left:{max(0.0, at(reference) - 2):.2f}%;color:{ORANGE};'
            f'line-height:1.2" title="{human_size(reference)}: the book">◇</div>'
        )
        number += (
            f'<div style="color:{ORANGE};line-height:1.2">◇ {human_size(reference)}: the book</div>'
        )
    return (
        f'<tr><th scope="row" style="{_BARE};text-align:right;font-weight:400;{MONO};width:24%;'
        f'overflow-wrap:anywhere">{escape(image.label, _NAME)}</th>'
        f'<td style="{_BARE};text-align:left;width:44%">{bar}</td>'
        f'<td style="{_BARE};text-align:left">{number}</td></tr>'
    )


def _stretch(segment: Segment, share: float, length: float) -> str:
    """A segment as a float: `share` of the bar and `length` of the track, in percent.

    Borders must not make a thin one wider than its share, or the last would be on another line.
    """
    wide = share * length >= _WIDE
    if segment.shared:
        look = f"border:2px dashed {BLUE}" + ("" if wide else ";border-left:0;border-right:0")
    else:
        line = ";border-right:1px solid rgba(255,255,255,0.8)" if wide else ""
        look = f"background:{BLUE}{line}"
    return (
        f'<div title="{escape(segment.text)}" style="float:left;box-sizing:border-box;height:14px;'
        f'width:{share:.2f}%;{look}"></div>'
    )


def _row(image: ComparedImage) -> str:
    facts = "".join(
        f'<div><span style="{FAINT}">{fact.name}:</span> {escape(fact.value)}</div>'
        if not fact.paths
        else f'<details><summary style="cursor:pointer"><span style="{FAINT}">{fact.name}:</span> '
        f'{escape(fact.value)}</summary><div style="{MONO};font-size:11px">'
        f"{'<br>'.join(escape(path) for path in fact.paths)}</div></details>"
        for fact in facts_of(image.surface)
    )
    base = "".join(f"<div>{escape(line)}</div>" for line in base_lines(image))
    seconds = pull_seconds(pull_time(image.transfer.size, BANDWIDTH))
    cells = (
        f"<b>{seconds}</b><div>{pull_text(image)}</div>",
        facts,
        f"<b>{human_size(image.cost(VERSIONS, NODES))}</b>{base}",
    )
    return (
        f'<tr><th scope="row" style="{_CELL};text-align:left;font-weight:400;{MONO};'
        f'overflow-wrap:anywhere">{escape(image.label, _NAME)}</th>'
        + "".join(f'<td style="{_CELL};text-align:left">{cell}</td>' for cell in cells)
        + "</tr>"
    )
