"""The variants of an experiment as a matplotlib figure: sizes, and build times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.experiment import Trial
from ..figures import BAR, FAINT_INK, INK, PAPER, REFERENCE, new_figure
from ..text import visible
from ..units import human_size, seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["experiment_figure"]

_ROW = 0.62
_LABEL = 34


def experiment_figure(trials: Sequence[Trial]) -> Figure:
    """Bars of sizes on a logarithmic scale, and of cold and warm build times."""
    figure = new_figure(9.6, 1.3 + _ROW * len(trials))
    sizes, times = figure.subplots(1, 2, sharey=True)
    rows = range(len(trials))
    bytes_of = [max(1, trial.image.size) for trial in trials]
    sizes.barh(rows, bytes_of, height=0.5, color=BAR)
    sizes.set_xscale("log")
    sizes.set_xlim(min(bytes_of) / 3, max(bytes_of) * 12)
    for row, size in zip(rows, bytes_of, strict=True):
        _number(sizes, size, row, human_size(size))
    times.barh([row - 0.17 for row in rows], [t.cold for t in trials], height=0.32, color=BAR)
    times.barh(
        [row + 0.17 for row in rows], [t.warm for t in trials], height=0.32, color=REFERENCE,
        hatch="///", edgecolor="white",
    )  # fmt: skip
    times.set_xlim(0, max(t.cold for t in trials) * 1.45 or 1)
    for row, trial in zip(rows, trials, strict=True):
        _number(times, trial.cold, row - 0.17, f"{seconds(trial.cold)} cold")
        _number(times, trial.warm, row + 0.17, f"{seconds(trial.warm)} warm")
    sizes.set_yticks(list(rows), [visible(trial.name, _LABEL) for trial in trials])
    for label in sizes.get_yticklabels():
        label.set(color=INK, fontsize=10, parse_math=False)
    sizes.invert_yaxis()
    for axes, title in ((sizes, "size, logarithmic"), (times, "build time")):
        axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
        axes.tick_params(axis="y", length=0)
        axes.set_xticks([])
        axes.minorticks_off()
        for side, spine in axes.spines.items():
            spine.set_visible(side == "left")
            spine.set_color(FAINT_INK)
    return figure


def _number(axes: Axes, x: float, y: float, text: str) -> None:
    axes.annotate(
        text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", color=INK,
        fontsize=9.5, bbox=PAPER,
    )  # fmt: skip
