"""Where a command's output goes: what differs between a notebook and a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from ..views.live_table import TableView
    from ..views.progress.view import BuildView
    from ..views.pull import PullProgressView


__all__ = ["Surface"]


class Surface(Protocol):
    """A place to show things. All of it is called from one thread."""

    @property
    def lasting(self) -> bool:
        """Whether the session goes on after this command."""
        ...

    def write(self, text: str, stream: int = 1) -> None:
        """Show text as standard output (1) or standard error (2), at once."""
        ...

    def flush(self) -> None:
        """Show what may have been held back of it: a program's output has ended."""
        ...

    def progress(self) -> BuildView:
        """A display for a build."""
        ...

    def transfer(self, stream: int = 1) -> PullProgressView:
        """A display for the messages and layers of a pull, as standard output or error."""
        ...

    def table(self) -> TableView:
        """A display for a table that changes."""
        ...

    def binary_output(self) -> BinaryIO | None:
        """Where an archive can be streamed to; None where people would see it."""
        ...

    def confirm(self, question: str) -> bool | None:
        """Ask; None where nobody can answer."""
        ...

    def ask(self, question: str, *, hidden: bool = False) -> str | None:
        """Ask for a line, which is not shown while it is typed if `hidden`; None as above."""
        ...
