"""The size after each step of a Dockerfile, as a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...analysis.walk import Walk
from ...dockerfile import From
from ..figures import BAR, FAINT_INK, GRID, INK, PAPER, new_figure
from ..text import visible
from ..units import human_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["step_figure"]

_ROW = 0.3
_MOST = 60


def step_figure(walk: Walk) -> Figure:
    """Stairs, the first step on top; the first 60 steps of a longer walk."""
    pairs = list(zip(walk.steps, walk.states, strict=False))[:_MOST]
    figure = new_figure(8.4, 1.1 + _ROW * max(1, len(pairs)))
    axes = figure.add_subplot()
    sizes = [state.size for _, state in pairs]
    most = max(sizes, default=0) or 1
    if pairs:
        edges = [at - 0.5 for at in range(len(pairs) + 1)]
        axes.stairs(sizes, edges, orientation="horizontal", fill=True, color=BAR, alpha=0.25)
        axes.stairs(sizes, edges, orientation="horizontal", color=BAR, linewidth=1.6)
        axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.set_xlim(0, most * 1.3)
    for position, (step, state) in enumerate(pairs):
        text = human_size(state.size)
        if state.layer_size and not isinstance(step.instruction, From):
            text += f" (+{human_size(state.layer_size)})"
        axes.annotate(
            text, (state.size, position), xytext=(6, 0), textcoords="offset points",
            va="center", color=INK, fontsize=9, bbox=PAPER,
        )  # fmt: skip
        if position and isinstance(step.instruction, From):
            axes.axhline(position - 0.5, color=GRID, linewidth=1)
    axes.set_yticks(
        range(len(pairs)), [f"{visible(step.text, 44)}  {step.number}" for step, _ in pairs]
    )
    for label in axes.get_yticklabels():
        label.set(color=INK, fontsize=9, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    for side, spine in axes.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(FAINT_INK)
    title = "Size after each step"
    if len(walk.steps) > len(pairs):
        title += f" (the first {len(pairs)} of {len(walk.steps)})"
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", parse_math=False)
    return figure
