"""A chart of image sizes that stays readable where they differ a hundredfold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..engines.base import Image
from ..errors import UsageError
from .table import Column, Table
from .text import visible
from .units import human_size

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SizeChart", "size_chart"]

_MB = 1_000_000
_BAR = "#2f6fb7"
_REFERENCE = "#b4540a"
_INK = "#1f2933"
_FAINT = "#5f6b76"
_GRID = "#e3e7eb"
_WIDTH = 8.4
_ROW = 0.72
_DPI = 100
_NAME_LIMIT = 34
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    size: int
    share: str
    reference: int | None


def size_chart(
    sizes: Mapping[str, int] | Sequence[Image],
    *,
    reference: Mapping[str, float] | None = None,
    title: str = "",
) -> SizeChart:
    """Image sizes side by side, as bars on a logarithmic scale with their numbers written out.

    Args:
        sizes: bytes by name, or images.
        reference: megabytes (10^6 bytes) that the book gives; a key is a name, or just its tag.
        title: above the chart.

    Raises:
        UsageError: there is nothing to show, or a reference names none of the images.
    """
    if isinstance(sizes, Mapping):
        measured = dict(sizes)
    else:
        measured = {(image.names or (image.id[7:19],))[0]: image.size for image in sizes}
    if not measured:
        raise UsageError("there are no sizes to chart")
    book = {_named(key, measured): round(value * _MB) for key, value in (reference or {}).items()}
    largest = max(measured.values())
    rows = [
        _Row(name, size, _share(size, largest), book.get(name)) for name, size in measured.items()
    ]
    return SizeChart(rows, title)


def _named(key: str, measured: Mapping[str, int]) -> str:
    if key in measured:
        return key
    tagged = [name for name in measured if name.rpartition(":")[2] == key]
    if len(tagged) != 1:
        known = ", ".join(measured)
        raise UsageError(f'the reference "{key}" names none of the images, or several: {known}')
    return tagged[0]


def _share(size: int, largest: int) -> str:
    """What part of the largest, as `1/88`; "" where it is more than half as large."""
    if size <= 0 or largest < 2 * size:
        return ""
    ratio = largest / size
    return f"1/{ratio:.0f}" if ratio >= 9.95 else f"1/{ratio:.1f}"


class SizeChart:
    """A chart, as a picture in a notebook, a table in a terminal, and a frame of values."""

    def __init__(self, rows: Sequence[_Row], title: str) -> None:
        self._rows = rows
        self._title = title

    def _table(self) -> Table:
        columns = [
            Column("name", "IMAGE"),
            Column("size", "SIZE", human_size, numeric=True),
            Column("share", "OF LARGEST"),
        ]
        if any(row.reference is not None for row in self._rows):
            columns.append(Column("reference", "THE BOOK", _reference_text, numeric=True))
        rows = [
            {"name": r.name, "size": r.size, "share": r.share, "reference": r.reference}
            for r in self._rows
        ]
        return Table(columns, rows)

    def frame(self) -> pd.DataFrame:
        """Name, size and reference in bytes, share of the largest."""
        return self._table().frame()

    def __str__(self) -> str:
        return str(self._table())

    __repr__ = __str__

    def figure(self) -> Figure:
        """A new matplotlib figure, of no pyplot state; change and save it at will."""
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        has_reference = any(row.reference is not None for row in self._rows)
        margin = 0.95 + (0.4 if self._title else 0) + (0.3 if has_reference else 0)
        figure = Figure(
            figsize=(_WIDTH, margin + _ROW * len(self._rows)),
            dpi=_DPI,
            facecolor="white",
            layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1),
        )
        axes = figure.add_subplot()
        low, high = _limits(self._rows)
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.set_ylim(len(self._rows) - 0.5, -0.5)
        for position, row in enumerate(self._rows):
            _draw_row(axes, position, row, low)
        _dress(axes, [row.name for row in self._rows], low)
        if self._title:
            axes.set_title(
                visible(self._title),
                loc="left",
                color=_INK,
                fontsize=13,
                fontweight="bold",
                pad=32 if has_reference else 12,
                parse_math=False,
            )
        if has_reference:
            _legend(axes)
        return figure

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        figure = self.figure()
        width, height = figure.get_size_inches()
        picture = BytesIO()
        figure.savefig(picture, format="png", dpi=2 * _DPI)
        return picture.getvalue(), {"width": round(width * _DPI), "height": round(height * _DPI)}


def _reference_text(size: float | None) -> str:
    return "" if size is None else human_size(size)


def _limits(rows: Sequence[_Row]) -> tuple[float, float]:
    """A power of ten clearly below the smallest, and room for the numbers above the largest."""
    known = [row.size for row in rows] + [row.reference or 0 for row in rows]
    smallest = min((size for size in known if size > 0), default=1)
    low = 10.0 ** math.floor(math.log10(smallest / 1.5))
    high = max(*known, 10 * low)
    return low, high * (high / low) ** 0.45


def _draw_row(axes: Axes, position: int, row: _Row, low: float) -> None:
    offset = 0.12 if row.reference is not None else 0.0
    end = max(row.size, low)
    axes.barh(position - offset, end - low, left=low, height=0.4, color=_BAR, zorder=2)
    number = axes.annotate(
        human_size(row.size),
        (end, position - offset),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        color=_INK,
        fontsize=11,
        fontweight="bold",
        bbox=_PAPER,
    )
    if row.share:
        axes.annotate(
            f"{row.share} of the largest",
            (1, 0.5),
            xycoords=number,
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=_FAINT,
            fontsize=10,
            bbox=_PAPER,
        )
    if row.reference is not None:
        axes.plot(
            [row.reference],
            [position + 0.27],
            marker="D",
            markersize=7,
            markerfacecolor="white",
            markeredgecolor=_REFERENCE,
            markeredgewidth=1.7,
            clip_on=False,
            zorder=3,
        )
        axes.annotate(
            human_size(row.reference),
            (row.reference, position + 0.27),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=_REFERENCE,
            fontsize=9.5,
            bbox=_PAPER,
        )


def _dress(axes: Axes, names: Sequence[str], low: float) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axes.set_yticks(range(len(names)), [visible(name, _NAME_LIMIT) for name in names])
    for label in axes.get_yticklabels():
        label.set(color=_INK, fontsize=11, parse_math=False)
    axes.tick_params(axis="y", length=0, pad=8)
    axes.tick_params(axis="x", colors=_FAINT, labelsize=9.5, length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: human_size(size)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, axis="x", color=_GRID, linewidth=1, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        f"size of all layers, logarithmic scale from {human_size(low)}, tenfold at each line",
        color=_FAINT,
        fontsize=9.5,
        labelpad=8,
    )
    for side, spine in axes.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(_FAINT)


def _legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    book = Line2D(
        [],
        [],
        linestyle="none",
        marker="D",
        markersize=7,
        markerfacecolor="white",
        markeredgecolor=_REFERENCE,
        markeredgewidth=1.7,
    )
    axes.legend(
        [Patch(color=_BAR), book],
        ["measured here", "the book"],
        loc="lower left",
        bbox_to_anchor=(-0.012, 1),
        borderpad=0,
        borderaxespad=0.6,
        ncols=2,
        frameon=False,
        fontsize=10,
        labelcolor=_INK,
    )
