"""The static form of a terminal: its last screenful as text, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from ..html import FAINT, MONO, RULE, escape

__all__ = ["terminal_html"]

_WIDTH = 400


def terminal_html(title: str, lines: Sequence[str], ending: str) -> str:
    """A title, the lines, and how it ended, or that it did not."""
    text = "\n".join(escape(line, _WIDTH) for line in lines)
    screen = (
        f'<pre style="{MONO};font-size:12px;line-height:1.3;margin:4px 0;padding:6px 8px;'
        f'border:1px solid {RULE};white-space:pre-wrap">{text}</pre>'
        if text
        else ""
    )
    return (
        f'<div style="font-size:13px"><span style="font-weight:600">{escape(title)}</span>{screen}'
        f'<div style="{FAINT}">{escape(ending or "still open")}</div></div>'
    )
