"""What a registry holds, as a table with bars: `registry(host)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..analysis.holdings import Holdings
from .html import BLUE, FAINT, MONO, NO_MATH, ORANGE, RULE, escape
from .table import Column, Table
from .text import visible
from .units import human_size

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HoldingsView"]

_BAR_PIXELS = 180
_SHORT_DIGEST = 19
_MOST_LAYERS = 200
_MOST_PROBLEMS = 100
_SHARED = f"repeating-linear-gradient(135deg,{BLUE} 0 3px,transparent 3px 6px)"


class HoldingsView:
    """A registry's repositories, tags, sizes and shared layers.

    Attributes:
        holdings: what was found.
    """

    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        largest = max((each.size for each in holdings.tags), default=0)
        columns = [
            Column("repository", "REPOSITORY"),
            Column("tag", "TAG"),
            Column("digest", "DIGEST", lambda digest: str(digest)[:_SHORT_DIGEST]),
            Column("platforms", "PLATFORM", ", ".join),
            Column("layers", "LAYERS", numeric=True),
            Column("size", "SIZE", human_size, numeric=True),
            Column("shared", "SHARED", human_size, numeric=True),
        ]
        rows = []
        for each in holdings.tags:
            shared = holdings.shared(each)
            rows.append(
                {
                    "repository": each.repository,
                    "tag": each.tag,
                    "digest": each.digest,
                    "platforms": each.platforms or (each.kind,),
                    "layers": len(each.layers),
                    "size": each.size,
                    "shared": shared,
                    "bar": (each.size, shared, largest),
                }
            )
        self._table = Table(columns, rows)
        self._with_bars = Table([*columns, Column("bar", "", _bar_text, html=_bar)], rows)

    def __len__(self) -> int:
        return len(self.holdings.tags)

    def frame(self) -> pd.DataFrame:
        """A row for each tag; sizes in bytes as stored."""
        return self._table.frame()

    def __str__(self) -> str:
        lines = [self._summary()]
        if self.holdings.tags:
            lines += ["", str(self._table)]
        if self.holdings.shared_layers:
            lines += ["", "Layers that several images have:"]
            lines += [
                f"  {layer.digest[:_SHORT_DIGEST]}  {human_size(layer.size):>8}  "
                + visible(", ".join(names), 200)
                for layer, names in self.holdings.shared_layers[:_MOST_LAYERS]
            ]
        lines += [f"{visible(name, 200)}: {visible(why, 400)}" for name, why in self._problems()]
        return "\n".join(lines)

    __repr__ = __str__

    def _problems(self) -> list[tuple[str, str]]:
        """The first of them; and how many more there are."""
        problems = list(self.holdings.problems.items())
        more = len(problems) - _MOST_PROBLEMS
        rest = [("…", f"{_count(more, 'problem', 'problems')} more")] if more > 0 else []
        return problems[:_MOST_PROBLEMS] + rest

    def _summary(self) -> str:
        found = self.holdings
        repositories = len({each.repository for each in found.tags})
        if not found.tags:
            unread = f"{visible(found.host, 200)}: no image could be read."
            return unread if found.problems else f"{visible(found.host, 200)} holds no images."
        said = (
            f"{visible(found.host, 200)}: {_count(repositories, 'repository', 'repositories')}, "
            f"{_count(len(found.tags), 'tag', 'tags')}, {human_size(found.stored)} stored"
        )
        return (
            f"{said}; shared layers save {human_size(found.saved)}." if found.saved else f"{said}."
        )

    def _repr_html_(self) -> str:
        parts = [f'<div style="margin:4px 0;font-weight:600">{escape(self._summary(), 600)}</div>']
        if self.holdings.tags:
            parts.append(self._with_bars._repr_html_())
            legend = "filled: its own; hatched: in layers that other images have too; compressed"
            parts.append(f'<div style="{FAINT};margin:4px 0">{legend}</div>')
        if self.holdings.shared_layers:
            parts.append(self._shared_html())
        parts += [
            f'<div style="color:{ORANGE};margin:4px 0">⚠ {escape(name)}: {escape(why, 600)}</div>'
            for name, why in self._problems()
        ]
        return f"<div {NO_MATH}>{''.join(parts)}</div>"

    def _shared_html(self) -> str:
        cell = f"padding:3px 12px 3px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
        rows = "".join(
            f'<tr><td style="{cell};{MONO};text-align:left">'
            f"{escape(layer.digest[:_SHORT_DIGEST])}</td>"
            f'<td style="{cell};{MONO};text-align:right">{human_size(layer.size)}</td>'
            f'<td style="{cell};text-align:left">{escape(", ".join(names), 400)}</td></tr>'
            for layer, names in self.holdings.shared_layers[:_MOST_LAYERS]
        )
        count = _count(len(self.holdings.shared_layers), "layer", "layers")
        heads = "".join(
            f'<th scope="col" style="{cell};text-align:{side};font-weight:600">{name}</th>'
            for name, side in (("LAYER", "left"), ("SIZE", "right"), ("IN", "left"))
        )
        return (
            f'<details style="margin:6px 0"><summary style="cursor:pointer">'
            f"{count} that several images have</summary>"
            '<table style="border-collapse:collapse;font-size:12px;margin:4px 0">'
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>"
        )


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _bar_text(_: object) -> str:
    return ""


def _bar(value: tuple[int, int, int]) -> str:
    size, shared, largest = value
    title = f"{human_size(size)}, {human_size(shared)} of it shared"
    own, common = (_pixels(part, largest) for part in (size - shared, shared))
    style = "display:inline-block;height:11px;vertical-align:middle"
    pieces = [
        f'<span style="{style};width:{own}px;background:{BLUE}"></span>' if own else "",
        f'<span style="{style};width:{common}px;background:{_SHARED};'
        f'box-shadow:inset 0 0 0 1px {BLUE}"></span>'
        if common
        else "",
    ]
    return (
        f'<span title="{escape(title)}" style="white-space:nowrap" role="img" '
        f'aria-label="{escape(title)}">{"".join(pieces)}</span>'
    )


def _pixels(part: int, largest: int) -> int:
    return max(1, round(_BAR_PIXELS * part / largest)) if part and largest else 0
