"""The stages of a build as a matplotlib figure."""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from ...analysis.stage_report import StagesReport
from ..figures import BAR, FAINT_INK, GRID, INK, new_figure
from ..text import visible
from .layout import LABEL_SIZE, Box, Layout, Line, Point, lay_out
from .words import KINDS, fate, label, measures, size_text, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["stages_figure", "stages_png"]

_DPI = 100
_HEAD = 36.0
_FOOT = 34.0
_LEAST_WIDTH = 520.0
_POINTS = 0.72  # of a pixel, at 100 pixels an inch
_ARROW = 9.0
_FAINT_LINE = "#a9b2bb"
_UNUSED = "#f3f4f6"
_FEW_PIXELS = 5_000_000
_MOST_PIXELS = 40_000_000
_LONGEST_SIDE = 60_000
_COLOURS = 64
DASHES: dict[str, tuple[float, tuple[float, ...] | None]] = {
    "FROM": (0, None),
    "COPY": (0, (4, 2.4)),
    "mount": (0, (1, 2)),
}


def stages_figure(name: str, report: StagesReport) -> Figure:
    """The graph; a new matplotlib figure of no pyplot state."""
    layout = lay_out(report)
    width = max(layout.width, _LEAST_WIDTH)
    height = layout.height + _HEAD + _FOOT
    figure = new_figure(width / _DPI, height / _DPI)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(layout.height + _FOOT, -_HEAD))
    axes.set_axis_off()
    heading = f"Stages of {visible(name, 60)}"
    _text(axes, (12, -14), heading, width - 24, size=15, weight="bold")
    for line in layout.lines:
        _line(axes, line)
    largest = max((stage.size or 0 for stage in report.stages), default=0)
    for box in layout.boxes:
        _box(axes, box, report, largest)
    _legend(axes, layout, report)
    return figure


def stages_png(figure: Figure) -> tuple[bytes, int, int]:
    """The figure as a PNG of few colours, and the width and height to show it at."""
    from PIL import Image

    width, height = figure.get_size_inches()
    dpi = min(
        2 * _DPI,
        max(_DPI, math.sqrt(_FEW_PIXELS / (width * height))),
        math.sqrt(_MOST_PIXELS / (width * height)),
        _LONGEST_SIDE / max(width, height),
    )
    drawn, picture = BytesIO(), BytesIO()
    with warnings.catch_warnings():
        # A path may hold letters that the figure's font lacks.
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(drawn, format="png", dpi=dpi)
    with Image.open(drawn) as image:
        few = image.convert("RGB").quantize(
            _COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
        )
    few.save(picture, format="png", optimize=True)
    return picture.getvalue(), round(width * _DPI), round(height * _DPI)


def _text(
    axes: Axes,
    at: Point,
    text: str,
    room: float,
    *,
    size: float = 12,
    weight: str = "normal",
    family: str = "sans-serif",
    colour: str = INK,
    align: str = "left",
) -> float:
    """Write a line, cut where it has no room; gives its width."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=family, weight=weight, size=size)

    def width(words: str) -> float:
        return float(text_to_path.get_text_width_height_descent(words, font, ismath=False)[0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        shown = text
        while shown and width(shown) > room:
            shown = f"{shown[:-2].rstrip()}\N{HORIZONTAL ELLIPSIS}" if len(shown) > 2 else ""
        taken = width(shown) if shown else 0.0
    axes.text(
        *at, shown, fontsize=size * _POINTS, fontweight=weight, family=family, color=colour,
        ha=align, va="center", parse_math=False,
    )  # fmt: skip
    return taken


def _box(axes: Axes, box: Box, report: StagesReport, largest: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    stage = box.stage
    target = stage is not None and stage.target
    ink = INK if box.needed else FAINT_INK
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y), box.width, box.height,
            boxstyle=f"round,pad=0,rounding_size={6 if stage else box.height / 2}",
            facecolor="white" if box.needed else _UNUSED,
            edgecolor=BAR if target else (FAINT_INK if box.needed else _FAINT_LINE),
            linewidth=1.8 if target else 1, linestyle="-" if box.needed else (0, (5, 3)),
        )
    )  # fmt: skip
    x, y, room = box.x + 12, box.y, box.width - 24
    if stage is None:
        _text(axes, (x + 2, y + 16), visible(box.name), room - 4, size=12, colour=ink)
        words = f"image, {size_text(report.images.get(box.name))}"
        _text(axes, (x + 2, y + 32), words, room - 4, size=11, colour=FAINT_INK)
        return
    used = 0.0
    if target:
        used = 8 + _text(
            axes, (box.x + box.width - 12, y + 17), "target", room,
            size=11, weight="bold", colour=BAR, align="right",
        )  # fmt: skip
    _text(axes, (x, y + 17), title(stage.name), room - used, size=14, weight="bold", colour=ink)
    base = f"FROM {visible(stage.base)}"
    _text(axes, (x, y + 35), base, room, size=11, family="monospace", colour=FAINT_INK)
    _text(axes, (x, y + 53), measures(stage), room, size=12, colour=ink)
    _text(axes, (x, y + 70), fate(stage), room, size=11, colour=FAINT_INK)
    if stage.size and largest:
        goes = stage.size - (stage.left_behind or 0)
        _bar(axes, (x, y + 81), room * stage.size / largest, goes / stage.size)


def _bar(axes: Axes, at: Point, length: float, goes: float) -> None:
    """A stage's size: filled what goes on, hatched what is left behind."""
    from matplotlib.patches import Rectangle

    length = max(length, 2.0)
    axes.add_patch(
        Rectangle(at, length, 7, facecolor=GRID, edgecolor=FAINT_INK, linewidth=0.6, hatch="/////")
    )
    if goes > 0:
        axes.add_patch(Rectangle(at, max(1.5, length * goes), 7, facecolor=BAR))


def _line(axes: Axes, line: Line) -> None:
    colour = INK if line.needed else _FAINT_LINE
    _path(axes, line.points, line.kind, colour)
    if line.label is None:
        return
    what, detail = label(line)
    x, y = line.label
    width, height = LABEL_SIZE
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height,
            boxstyle="round,pad=0,rounding_size=4", facecolor="white", edgecolor=GRID,
            linewidth=0.8,
        )
    )  # fmt: skip
    ink = INK if line.needed else FAINT_INK
    _text(
        axes, (x, y - 8), what, width - 10, size=11, family="monospace", colour=ink,
        align="center",
    )  # fmt: skip
    _text(axes, (x, y + 9), detail, width - 10, size=11, colour=FAINT_INK, align="center")


def _path(axes: Axes, points: tuple[Point, ...], kind: str, colour: str) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    x, y = points[-1]
    way = [*points[:-1], (x - _ARROW, y)]
    vertices, codes = [way[0]], [Path.MOVETO]
    for number, (start, end) in enumerate(pairwise(way)):
        if number % 2:
            vertices.append(end)
            codes.append(Path.LINETO)
        else:
            middle = (start[0] + end[0]) / 2
            vertices += [(middle, start[1]), (middle, end[1]), end]
            codes += [Path.CURVE4] * 3
    axes.add_patch(
        PathPatch(
            Path(vertices, codes), facecolor="none", edgecolor=colour,
            linewidth=1.5 if kind == "FROM" else 1.2, linestyle=DASHES[kind],
        )
    )  # fmt: skip
    head = [(x, y), (x - _ARROW, y - _ARROW / 2), (x - _ARROW, y + _ARROW / 2)]
    axes.add_patch(Polygon(head, closed=True, facecolor=colour, edgecolor="none"))


def _legend(axes: Axes, layout: Layout, report: StagesReport) -> None:
    x, y = 12.0, layout.height + _FOOT / 2
    kinds = {edge.kind for edge in report.edges}
    for kind in (kind for kind in KINDS if kind in kinds):
        _path(axes, ((x, y), (x + 15, y), (x + 20, y), (x + 38, y)), kind, INK)
        x += 46 + _text(axes, (x + 46, y), KINDS[kind], 200, size=11, colour=FAINT_INK) + 18
    for goes, words in ((1.0, "goes on"), (0.0, "left behind")):
        _bar(axes, (x, y - 3.5), 26, goes)
        x += 34 + _text(axes, (x + 34, y), words, 200, size=11, colour=FAINT_INK) + 18
