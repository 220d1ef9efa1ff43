"""Where a command's output goes: what differs between a notebook and a terminal."""

from __future__ import annotations

from typing import BinaryIO, Protocol

from ..engines.base import BuildResult, EngineEvent, ImageSummary

__all__ = ["BuildView", "EventView", "Surface"]


class EventView(Protocol):
    """A display of events, fed by the thread that displays."""

    def update(self, event: EngineEvent | None) -> None:
        """Take one event, or None when there was none for a tick."""
        ...

    def close(self) -> None:
        """Show the final state."""
        ...


class BuildView(Protocol):
    """A display of a build; ends in `finish` or `fail`."""

    def update(self, event: EngineEvent | None) -> None:
        """Take one event, or None when there was none for a tick."""
        ...

    def finish(self, result: BuildResult, previous: ImageSummary | None = None) -> None:
        """Show the result; `previous` is the image that bore the first tag before."""
        ...

    def fail(self, error: BaseException) -> None:
        """Show what failed, or was interrupted."""
        ...


class Surface(Protocol):
    """A place to show things. All of it is called from one thread."""

    @property
    def lasting(self) -> bool:
        """Whether the session goes on after this command."""
        ...

    def write(self, text: str, stream: int = 1) -> None:
        """Show text as standard output (1) or standard error (2), at once."""
        ...

    def progress(self) -> BuildView:
        """A display for a build."""
        ...

    def transfer(self) -> EventView:
        """A display for the messages and layers of a pull."""
        ...

    def binary_output(self) -> BinaryIO | None:
        """Where an archive can be streamed to; None where people would see it."""
        ...

    def confirm(self, question: str) -> bool | None:
        """Ask; None where nobody can answer."""
        ...
