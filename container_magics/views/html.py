"""Pieces of HTML that the views share: escaping and inline styles.

JupyterLab's sanitiser takes `<style>`, SVG, `role` and `aria-*` out of a notebook that is not
trusted, and keeps `style`, `title`, tables and `<details>`; so these are all that we use for
looks. Colours are mid-tones with a contrast of 4 or more on white and on JupyterLab's dark
background, and never the only sign of anything. Outermost elements bear `NO_MATH`, or MathJax
would typeset what is between the dollar signs of a command (classes of its versions 3 and 2).
"""

from __future__ import annotations

import html

from .text import visible

__all__ = ["BLUE", "FAINT", "GREEN", "MONO", "NO_MATH", "ORANGE", "RED", "RULE", "escape", "span"]

GREEN = "#18864b"
BLUE = "#2f78d0"
RED = "#d9363e"
ORANGE = "#a86f00"
NO_MATH = 'class="mathjax_ignore tex2jax_ignore"'
RULE = "rgba(128,128,128,0.35)"
MONO = "font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace"
FAINT = "opacity:0.72"


def escape(text: str, limit: int = 300) -> str:
    """Untrusted text as HTML text or attribute value: made visible, cut to `limit`, escaped."""
    return html.escape(visible(text, limit))


def span(content: str, style: str, title: str = "") -> str:
    """A `<span>` around HTML; `title`, plain text, is also its label for screen readers."""
    label = f' title="{escape(title)}" aria-label="{escape(title)}" role="img"' if title else ""
    return f'<span style="{style}"{label}>{content}</span>'
