"""A chart of image sizes that stays readable where they differ a hundredfold."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engines.images import Image
from ..errors import UsageError
from .figures import BAR, FAINT_INK, GRID, INK, PAPER, REFERENCE, new_figure, png
from .table import Column, Table
from .text import visible
from .units import human_size

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Part", "SizeChart", "log_floor", "references", "share_of", "size_chart"]

_MB = 1_000_000
_WIDTH = 8.4
_ROW = 0.72
_NAME_LIMIT = 34
_OWN: dict[str, Any] = {"facecolor": BAR, "edgecolor": "white"}
_MARK: dict[str, Any] = {
    "marker": "D", "markersize": 7, "markerfacecolor": "white", "markeredgecolor": REFERENCE,
    "markeredgewidth": 1.7,
}  # fmt: skip
_SHARED: dict[str, Any] = {"facecolor": "#dbe8f6", "edgecolor": BAR, "hatch": "////"}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a bar: bytes, and whether other images have them as well."""

    size: int
    shared: bool


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    size: int
    share: str
    reference: int | None
    parts: tuple[Part, ...] = ()


def size_chart(
    sizes: Mapping[str, int] | Sequence[Image],
    *,
    reference: Mapping[str, float] | None = None,
    title: str = "",
    parts: Mapping[str, Sequence[Part]] | None = None,
) -> SizeChart:
    """Image sizes side by side, as bars on a logarithmic scale with their numbers written out.

    Args:
        sizes: bytes by name, or images.
        reference: megabytes (10^6 bytes) that the book gives; a key is a name, or just its tag.
        title: above the chart.
        parts: what bars are divided into, by name, in proportion to bytes.

    Raises:
        UsageError: there is nothing to show, or a reference names none of the images.
    """
    if isinstance(sizes, Mapping):
        measured = dict(sizes)
    else:
        measured = {(image.names or (image.id[7:19],))[0]: image.size for image in sizes}
    if not measured:
        raise UsageError("there are no sizes to chart")
    book = references(reference or {}, measured)
    largest = max(measured.values())
    rows = [
        _Row(
            name, size, share_of(size, largest), book.get(name), tuple((parts or {}).get(name, ()))
        )
        for name, size in measured.items()
    ]
    return SizeChart(rows, title)


def references(reference: Mapping[str, float], names: Collection[str]) -> dict[str, int]:
    """What the book gives, in bytes by the images' names.

    Args:
        reference: megabytes (10^6 bytes); a key is a name, or just its tag.
        names: of the images.

    Raises:
        UsageError: a key names none of the images, or several.
    """
    return {_named(key, names): round(value * _MB) for key, value in reference.items()}


def log_floor(sizes: Iterable[int]) -> float:
    """Where a logarithmic scale begins: a power of ten clearly below the smallest size over 0."""
    smallest = min((size for size in sizes if size > 0), default=1)
    return 10.0 ** math.floor(math.log10(smallest / 1.5))


def _named(key: str, measured: Collection[str]) -> str:
    if key in measured:
        return key
    tagged = [name for name in measured if name.rpartition(":")[2] == key]
    if len(tagged) != 1:
        known = ", ".join(measured)
        raise UsageError(f'the reference "{key}" names none of the images, or several: {known}')
    return tagged[0]


def share_of(size: int, largest: int) -> str:
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
        self._has_legend = any(
            row.reference is not None or any(part.shared for part in row.parts) for row in rows
        )

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
        margin = 0.95 + (0.4 if self._title else 0) + (0.3 if self._has_legend else 0)
        figure = new_figure(_WIDTH, margin + _ROW * len(self._rows))
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
                color=INK,
                fontsize=13,
                fontweight="bold",
                pad=32 if self._has_legend else 12,
                parse_math=False,
            )
        if self._has_legend:
            _legend(axes, self._rows)
        return figure

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        return png(self.figure())


def _reference_text(size: float | None) -> str:
    return "" if size is None else human_size(size)


def _limits(rows: Sequence[_Row]) -> tuple[float, float]:
    """The scale's beginning, and room for the numbers above the largest."""
    known = [row.size for row in rows] + [row.reference or 0 for row in rows]
    low = log_floor(known)
    high = max(*known, 10 * low)
    return low, high * (high / low) ** 0.45


def _draw_row(axes: Axes, position: int, row: _Row, low: float) -> None:
    offset = 0.12 if row.reference is not None else 0.0
    end = max(row.size, low)
    _draw_bar(axes, position - offset, (low, end), row)
    number = axes.annotate(
        human_size(row.size),
        (end, position - offset),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        color=INK,
        fontsize=11,
        fontweight="bold",
        bbox=PAPER,
    )
    if row.share:
        axes.annotate(
            f"{row.share} of the largest",
            (1, 0.5),
            xycoords=number,
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=FAINT_INK,
            fontsize=10,
            bbox=PAPER,
        )
    if row.reference is not None:
        axes.plot(
            [row.reference],
            [position + 0.27],
            **_MARK,
            clip_on=False,
            zorder=3,
        )
        axes.annotate(
            human_size(row.reference),
            (row.reference, position + 0.27),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=REFERENCE,
            fontsize=9.5,
            bbox=PAPER,
        )


def _draw_bar(axes: Axes, at: float, ends: tuple[float, float], row: _Row) -> None:
    """The bar; its parts divide its length, which is a logarithm, in proportion to bytes."""
    left, end = ends
    height = 0.4
    if not row.parts or not row.size:
        axes.barh(at, end - left, left=left, height=height, color=BAR, zorder=2)
        return
    ratio, done = end / left, 0
    for part in row.parts:
        begin, done = left * ratio ** (done / row.size), done + part.size
        width = left * ratio ** (done / row.size) - begin
        axes.barh(
            at, width, left=begin, height=height, linewidth=0.8, zorder=2,
            **(_SHARED if part.shared else _OWN),
        )  # fmt: skip


def _dress(axes: Axes, names: Sequence[str], low: float) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axes.set_yticks(range(len(names)), [visible(name, _NAME_LIMIT) for name in names])
    for label in axes.get_yticklabels():
        label.set(color=INK, fontsize=11, parse_math=False)
    axes.tick_params(axis="y", length=0, pad=8)
    axes.tick_params(axis="x", colors=FAINT_INK, labelsize=9.5, length=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: human_size(size)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, axis="x", color=GRID, linewidth=1, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        f"size of all layers, logarithmic scale from {human_size(low)}, tenfold at each line",
        color=FAINT_INK,
        fontsize=9.5,
        labelpad=8,
    )
    for side, spine in axes.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(FAINT_INK)


def _legend(axes: Axes, rows: Sequence[_Row]) -> None:
    """Say what the marks are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: dict[str, Any] = {"measured here": Patch(facecolor=BAR)}
    if any(part.shared for row in rows for part in row.parts):
        entries["layers that other images share"] = Patch(**_SHARED)
    if any(row.reference is not None for row in rows):
        entries["the book"] = Line2D([], [], linestyle="none", **_MARK)
    axes.legend(
        list(entries.values()), list(entries), loc="lower left", bbox_to_anchor=(-0.012, 1),
        borderpad=0, borderaxespad=0.6, ncols=len(entries), frameon=False, fontsize=10,
        labelcolor=INK,
    )  # fmt: skip
