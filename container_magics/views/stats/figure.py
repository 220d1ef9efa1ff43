"""The use of processors and memory over time, as a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..figures import BAR, FAINT_INK, GRID, INK, REFERENCE, new_figure
from ..sampling import Sample
from ..text import visible
from ..units import binary_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["stats_figure"]

_LINES = (
    (BAR, "-"),
    (REFERENCE, "--"),
    ("#18723d", "-."),
    ("#7a3fb0", ":"),
    (INK, (0, (8, 2, 2, 2, 2, 2))),
)
_NAME = 30


def stats_figure(samples: Mapping[str, Sequence[Sample]]) -> Figure:
    """Two charts with one axis of time, a line for each container.

    Args:
        samples: by the container's name.
    """
    figure = new_figure(8.4, 4.2)
    cpu, memory = figure.subplots(2, 1, sharex=True)
    times = [sample.time for each in samples.values() for sample in each]
    start = min(times, default=0.0)
    for (name, each), (colour, style) in zip(
        samples.items(), _LINES * (1 + len(samples) // len(_LINES)), strict=False
    ):
        seconds = [sample.time - start for sample in each]
        for axes, values in (
            (cpu, [sample.cpu for sample in each]),
            (memory, [float(sample.memory) for sample in each]),
        ):
            axes.plot(
                seconds, values, color=colour, linestyle=style, linewidth=1.6,
                marker="o" if len(values) == 1 else "", label=visible(name, _NAME),
            )  # fmt: skip
    _dress(cpu, "CPU, percent of one processor", 1, lambda value: f"{value:g}%")
    _dress(memory, "Memory", 1024, binary_size)
    memory.set_xlabel("seconds", color=FAINT_INK, fontsize=9)
    if samples:
        legend = figure.legend(
            *cpu.get_legend_handles_labels(), loc="outside upper right", frameon=False,
            ncols=len(_LINES), fontsize=9,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set(color=INK, parse_math=False)
    return figure


def _dress(axes: Axes, title: str, base: int, text: Callable[[float], str]) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    ticks = _ticks(axes.dataLim.y1 if axes.has_data() else 1.0, base)
    axes.set_yticks(ticks, [text(tick) for tick in ticks])
    axes.set_ylim(0, ticks[-1])
    axes.grid(axis="y", color=GRID)
    axes.tick_params(colors=FAINT_INK, labelsize=9, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT_INK)


def _ticks(most: float, base: int) -> list[float]:
    """From 0 to above the most, at most five of them, round in the unit that is a power of base."""
    most = max(most, 1.0)
    unit = float(base ** int(math.log(most, base))) if base > 1 else 1.0
    least = most / unit / 4
    power = 10 ** math.floor(math.log10(least))
    step = unit * power * next(each for each in (1, 2, 2.5, 5, 10) if each * power >= least)
    return [step * number for number in range(math.ceil(most / step) + 1)]
