"""The static form of the layers of an image: a table with bars, and what is in each layer."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest

from ...analysis.efficiency import Efficiency
from ...analysis.layer_index import Change, ChangeKind, IndexedLayer, LayerIndex
from ..html import BLUE, FAINT, GREEN, MONO, ORANGE, RED, RULE, escape, span
from ..units import human_size

__all__ = ["SIGNS", "changes_html", "facts_html", "layers_html"]

SIGNS = {
    ChangeKind.ADDED: ("+", GREEN),
    ChangeKind.CHANGED: ("~", ORANGE),
    ChangeKind.REMOVED: ("\N{MINUS SIGN}", RED),
}
"""The sign and the colour of what a layer did to a path."""

_CELL = f"padding:3px 10px 3px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
_LARGEST = 8
_FILES_IN_ALL = 200
_MOST_WASTED = 20


def layers_html(name: str, index: LayerIndex, found: Efficiency) -> str:
    """The whole of it."""
    pairs = [
        ("Size", human_size(index.size)),
        ("Layers", str(len(index.layers))),
        ("Efficiency", f"{found.score:.2%}"),
        ("Wasted", human_size(found.wasted)),
    ]
    each = max(1, min(_LARGEST, _FILES_IN_ALL // max(1, len(index.layers))))
    largest = max((layer.size for layer in index.layers), default=0)
    head = "".join(
        f'<th scope="col" style="{_CELL};text-align:{side};font-weight:600">{title}</th>'
        for title, side in (
            ("Layer", "right"),
            ("Size", "right"),
            ("", "left"),
            ("Made by", "left"),
        )
    )
    rows = "".join(_row(layer, largest, each) for layer in index.layers)
    return (
        f'<div style="font-weight:600;font-size:14px">Layers of {escape(name)}</div>'
        f"{facts_html(pairs)}"
        '<table style="margin:4px 0;border-collapse:collapse;border:0;font-size:12px;width:100%">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{_wasted(found)}"
    )


def facts_html(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values side by side; values are plain text."""
    cell = "padding:2px 1.8em 2px 0;border:0;text-align:left;background:none"
    names = "".join(
        f'<th scope="col" style="{cell};padding-bottom:0;font-weight:400;{FAINT}">{name}</th>'
        for name, _ in pairs
    )
    values = "".join(
        f'<td style="{cell};padding-top:0;font-weight:600">{escape(value)}</td>'
        for _, value in pairs
    )
    return (
        '<table style="margin:2px 0;border-collapse:collapse;border:0;font-size:13px">'
        f'<thead style="border:0"><tr>{names}</tr></thead><tbody><tr>{values}</tr></tbody></table>'
    )


def changes_html(changes: Sequence[Change], most: int) -> str:
    """The largest changes of a layer, a line each, and how many more there are."""
    largest = nsmallest(most, changes, key=lambda change: (-change.size, change.path))
    lines = "".join(
        f"<div>{span(sign, f'color:{colour};font-weight:700', change.kind.value)} "
        f'<span style="{FAINT}">{human_size(change.size)}</span> /{escape(change.path, 160)}</div>'
        for change in largest
        for sign, colour in (SIGNS[change.kind],)
    )
    left = len(changes) - len(largest)
    more = f'<div style="{FAINT}">and {left:,} more</div>' if left else ""
    return f'<div style="{MONO};font-size:12px;overflow-wrap:anywhere">{lines}{more}</div>'


def _row(layer: IndexedLayer, largest: int, each: int) -> str:
    share = 100 * layer.size / largest if largest else 0
    counts = ", ".join(f"{count:,} {kind.value}" for kind, count in layer.counts.items() if count)
    summary = f'<span style="{MONO}">{escape(layer.instruction)}</span>'
    if layer.changes:
        made = (
            f'<details><summary style="cursor:pointer">{summary}</summary>'
            f"{changes_html(layer.changes, each)}</details>"
        )
    else:
        made = summary
    return (
        f'<tr><td style="{_CELL};text-align:right">{layer.number}</td>'
        f'<td style="{_CELL};text-align:right;white-space:nowrap;font-weight:600">'
        f"{human_size(layer.size)}</td>"
        f'<td style="{_CELL};width:22%"><div title="{human_size(layer.size)}" style="height:9px;'
        f"margin-top:4px;width:{share:.1f}%;min-width:{1 if layer.size else 0}px;"
        f'border-radius:2px;background:{BLUE}"></div></td>'
        f'<td style="{_CELL};text-align:left;overflow-wrap:anywhere">{made}'
        f'<div style="{FAINT}">{counts or "no files"}</div></td></tr>'
    )


def _wasted(found: Efficiency) -> str:
    paths = [each for each in found.paths if each.size][:_MOST_WASTED]
    if not paths:
        return ""
    lines = "".join(
        f"<div>{human_size(each.size)} in {each.count} layers: {escape(each.path, 160)}</div>"
        for each in paths
    )
    left = len(found.paths) - len(paths)
    more = f"<div>and {left:,} more</div>" if left else ""
    return (
        '<details><summary style="cursor:pointer">'
        f"{human_size(found.wasted)} wasted: files that more than one layer has</summary>"
        f'<div style="{MONO};font-size:12px;{FAINT}">{lines}{more}</div></details>'
    )
