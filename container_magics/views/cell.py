"""One display in a notebook cell, that is updated in place."""

from __future__ import annotations

import secrets

from .html import NO_MATH

__all__ = ["CellDisplay"]


class CellDisplay:
    """A display of HTML, with plain text beside it; the first `show` makes it.

    It belongs to the cell that the calling thread runs.
    """

    def __init__(self) -> None:
        self._id = secrets.token_hex(8)
        self._made = False

    def show(self, html: str, text: str) -> None:
        """Display, or replace what is displayed."""
        from IPython.display import publish_display_data

        # IPython does not annotate this function.
        publish_display_data(  # type: ignore[no-untyped-call]
            {"text/html": f"<div {NO_MATH}>{html}</div>", "text/plain": text},
            transient={"display_id": self._id},
            update=self._made,
        )
        self._made = True
