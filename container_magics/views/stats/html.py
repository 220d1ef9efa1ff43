"""The static form of what containers have used: a picture, and the numbers."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from ..figures import png
from ..html import FAINT, escape
from ..table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["stats_html"]


def stats_html(title: str, figure: Figure | None, table: Table) -> str:
    """The whole of it; without a figure nothing was measured yet."""
    if figure is None:
        picture = f'<div style="{FAINT}">nothing was measured yet</div>'
    else:
        data, size = png(figure)
        picture = (
            f'<img src="data:image/png;base64,{b64encode(data).decode("ascii")}" '
            f'alt="{escape(f"{title}: the numbers are in the table below")}" '
            f'width="{size["width"]}" height="{size["height"]}" '
            'style="max-width:100%;height:auto">'
        )
    return (
        f'<div style="font-weight:600;font-size:14px">{escape(title)}</div>'
        f"<div>{picture}</div>{table._repr_html_()}"
    )
