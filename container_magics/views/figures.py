"""What the figures share: paper, ink, and how one becomes a picture in a notebook."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BAR", "FAINT_INK", "GRID", "INK", "PAPER", "REFERENCE", "new_figure", "png"]

BAR = "#2f6fb7"
REFERENCE = "#b4540a"
INK = "#1f2933"
FAINT_INK = "#5f6b76"
GRID = "#e3e7eb"
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
_DPI = 100


def new_figure(width: float, height: float) -> Figure:
    """A white figure of no pyplot state; width and height in inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(
        figsize=(width, height),
        dpi=_DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1),
    )


def png(figure: Figure) -> tuple[bytes, dict[str, Any]]:
    """The figure as a PNG of twice its size on screen, and the size to show it at."""
    width, height = figure.get_size_inches()
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=2 * _DPI)
    return picture.getvalue(), {"width": round(width * _DPI), "height": round(height * _DPI)}
