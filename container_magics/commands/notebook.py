"""Where output goes in this process: a notebook's cell, or a terminal."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, BinaryIO

from .surface import Surface
from .terminal import TerminalSurface

if TYPE_CHECKING:
    from ..views.live_table import TableView
    from ..views.progress.view import BuildView
    from ..views.pull import PullProgressView

__all__ = ["NotebookSurface", "surface_here"]


def surface_here() -> Surface:
    """A notebook's where a Jupyter kernel runs this code, else the terminal's."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return NotebookSurface() if hasattr(shell, "kernel") else TerminalSurface(lasting=True)


class NotebookSurface:
    """A cell's output area."""

    def __init__(self) -> None:
        from ..views.run_output import RunOutputView

        self._output = RunOutputView()

    @property
    def lasting(self) -> bool:
        """The session goes on after the cell."""
        return True

    def write(self, text: str, stream: int = 1) -> None:
        """Print into the cell's output, as much as a notebook can hold."""
        self._output.write(text, stream)

    def flush(self) -> None:
        """Show the end of an output that was too much."""
        self._output.flush()

    def progress(self) -> BuildView:
        """One display a step, updated in place."""
        from ..views.progress.notebook import NotebookProgress

        return NotebookProgress()

    def transfer(self, stream: int = 1) -> PullProgressView:
        """A display with a bar for each layer."""
        from ..views.pull import NotebookPull

        return NotebookPull()

    def table(self) -> TableView:
        """A display that is updated in place."""
        from ..views.live_table import NotebookTable

        return NotebookTable()

    def binary_output(self) -> BinaryIO | None:
        """None: an archive is nothing to look at."""
        return None

    def confirm(self, question: str) -> bool | None:
        """None: "Run All" has nobody to ask."""
        return None

    def ask(self, question: str, *, hidden: bool = False) -> str | None:
        """Ask through the front end; None where nobody is there, as while it is executed."""
        from .containers.terminal import front_end_has_input

        if not front_end_has_input():
            return None
        try:
            return getpass.getpass(question) if hidden else input(question)
        except EOFError:  # Ctrl-D
            return ""
