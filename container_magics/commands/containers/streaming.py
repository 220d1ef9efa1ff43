"""A container's output: shown while it comes, and kept."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ...engines.events import Message, Output, PullProgress
from ..results import RunOutput
from ..surface import Surface

if TYPE_CHECKING:
    from ...views.pull import PullProgressView

__all__ = ["Streaming"]


class Streaming:
    """Show the events of a verb that runs something, and keep what it wrote.

    Args:
        surface: where to show them.
        quiet: leave out the pull of the image.
    """

    def __init__(self, surface: Surface, *, quiet: bool = False) -> None:
        self._surface = surface
        self._quiet = quiet
        self._transfer: PullProgressView | None = None
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {1: decoder("replace"), 2: decoder("replace")}
        self._texts: dict[int, list[str]] = {1: [], 2: []}

    def take(self, event: object) -> None:
        """Show one event; None is the tick of a clock."""
        if isinstance(event, Output):
            self._end_transfer()
            self._write(event.stream, self._decoders[event.stream].decode(event.data))
        elif isinstance(event, Message | PullProgress) and not self._quiet:
            if self._transfer is None:
                self._transfer = self._surface.transfer(2)
            self._transfer.update(event)
        elif event is None and self._transfer is not None:
            self._transfer.update(None)

    def close(self) -> None:
        """Show what was held back: there is no more to come."""
        self._end_transfer()
        for stream, decoder in self._decoders.items():
            self._write(stream, decoder.decode(b"", final=True))
        self._surface.flush()

    def output(self, returncode: int, command: Iterable[str], container: str) -> RunOutput:
        """What was written, and how it ended; it is closed with this."""
        self.close()
        stdout, stderr = "".join(self._texts[1]), "".join(self._texts[2])
        return RunOutput(stdout, stderr, returncode, tuple(command), container)

    def _write(self, stream: int, text: str) -> None:
        if text:
            self._texts[stream].append(text)
            self._surface.write(text, stream)

    def _end_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None
