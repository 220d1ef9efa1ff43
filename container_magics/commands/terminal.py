"""Output to a terminal, a pipe or a file: the command line's, and IPython's in a terminal."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from ..views.live_table import TableView
    from ..views.progress.view import BuildView
    from ..views.pull import PullProgressView

__all__ = ["TerminalSurface"]


class TerminalSurface:
    """Standard output and standard error.

    Args:
        lasting: whether the session goes on after a command.
    """

    def __init__(self, *, lasting: bool = False) -> None:
        self._lasting = lasting

    @property
    def lasting(self) -> bool:
        """Whether the session goes on after a command."""
        return self._lasting

    def write(self, text: str, stream: int = 1) -> None:
        """Print, at once."""
        target = sys.stderr if stream == 2 else sys.stdout
        target.write(text)
        target.flush()

    def flush(self) -> None:
        """Nothing is held back."""

    def progress(self) -> BuildView:
        """A build as lines on standard error."""
        from ..views.progress.terminal import TerminalProgress

        return TerminalProgress(sys.stderr)

    def transfer(self, stream: int = 1) -> PullProgressView:
        """Lines for the layers of a pull."""
        from ..views.pull import TerminalPull

        return TerminalPull(sys.stderr if stream == 2 else sys.stdout)

    def table(self) -> TableView:
        """The top of the screen."""
        from ..views.live_table import TerminalTable

        return TerminalTable()

    def binary_output(self) -> BinaryIO | None:
        """Standard output where it is no terminal and this is a command of its own."""
        return None if self._lasting or sys.stdout.isatty() else sys.stdout.buffer

    def confirm(self, question: str) -> bool | None:
        """Ask on a terminal; None where there is none."""
        if self._lasting or not sys.stdin.isatty():
            return None
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def ask(self, question: str, *, hidden: bool = False) -> str | None:
        """Ask on a terminal; None where there is none."""
        if not sys.stdin.isatty():
            return None
        try:
            return getpass.getpass(question) if hidden else input(question)
        except EOFError:  # Ctrl-D
            return ""
