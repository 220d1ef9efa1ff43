"""A table that changes while people look at it, such as that of `docker stats`."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from .cell import CellDisplay
from .table import Table

__all__ = ["NotebookTable", "TableView", "TerminalTable"]

_CLEAR = "\x1b[2J\x1b[H"


class TableView(Protocol):
    """A place for one table at a time."""

    def show(self, table: Table) -> None:
        """Show a table in place of the one before."""
        ...


class NotebookTable:
    """A table in a notebook cell: one display, updated in place."""

    def __init__(self) -> None:
        self._display = CellDisplay()

    def show(self, table: Table) -> None:
        """Show a table in place of the one before."""
        self._display.show(table._repr_html_(), str(table))


class TerminalTable:
    """A table at the top of a terminal's screen; elsewhere one after the other.

    Args:
        stream: where to; standard output unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream

    def show(self, table: Table) -> None:
        """Show a table in place of the one before."""
        clear = _CLEAR if self._stream.isatty() else ""
        self._stream.write(f"{clear}{table}\n")
        self._stream.flush()
