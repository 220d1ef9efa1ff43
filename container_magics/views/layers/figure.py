"""The layers of an image as a matplotlib figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...analysis.layer_index import LayerIndex
from ..figures import BAR, FAINT_INK, INK, PAPER, new_figure
from ..text import visible
from ..units import human_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["layers_figure"]

_ROW = 0.34
_MOST = 40


def layers_figure(name: str, index: LayerIndex) -> Figure:
    """A bar for each layer, lowest at the bottom; of more than 40 layers, the largest 40."""
    layers = sorted(
        sorted(index.layers, key=lambda layer: -layer.size)[:_MOST], key=lambda x: x.number
    )
    figure = new_figure(8.4, 1.1 + _ROW * max(1, len(layers)))
    axes = figure.add_subplot()
    positions = range(len(layers))
    axes.barh(positions, [layer.size for layer in layers], height=0.62, color=BAR)
    most = max((layer.size for layer in layers), default=0) or 1
    axes.set_xlim(0, most * 1.16)
    for position, layer in zip(positions, layers, strict=True):
        axes.annotate(
            human_size(layer.size), (layer.size, position), xytext=(6, 0),
            textcoords="offset points", va="center", color=INK, fontsize=9.5, bbox=PAPER,
        )  # fmt: skip
    labels = [f"{visible(layer.instruction, 44)}  {layer.number}" for layer in layers]
    axes.set_yticks(list(positions), labels)
    for label in axes.get_yticklabels():
        label.set(color=INK, fontsize=9, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    for side, spine in axes.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(FAINT_INK)
    title = f"Layers of {visible(name, 60)}, {human_size(index.size)}"
    if len(layers) < len(index.layers):
        title += f" (the largest {len(layers)} of {len(index.layers)})"
    axes.set_title(title, loc="left", color=INK, fontsize=12, fontweight="bold", parse_math=False)
    return figure
