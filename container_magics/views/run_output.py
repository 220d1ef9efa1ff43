"""A program's output in a notebook cell: as it comes, then, when it is too much, its last lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from .cell import CellDisplay
from .html import FAINT
from .pacing import Pace
from .progress.log_html import end_log_html
from .progress.step_html import BLOCK
from .terminal_text import LogBuffer

__all__ = ["RunOutputView"]

_MOST_LINES = 2_000
_MOST_CHARACTERS = 200_000
_LAST_LINES = 100
_WHERE = "`r = %docker run …` keeps all of it, in r.stdout and r.stderr."


class RunOutputView:
    """Output of one command, of both streams in the order of their coming.

    The first 2,000 lines, of at most 200,000 characters, are printed. Then a display below them
    follows the last lines, so that the notebook stays small enough to be used and saved.

    Args:
        clock: seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._written: TextIO | None = None
        self._lines = _MOST_LINES
        self._characters = _MOST_CHARACTERS
        self._beyond: LogBuffer | None = None
        self._display = CellDisplay()
        self._pace = Pace()
        self._stale = False

    def write(self, text: str, stream: int = 1) -> None:
        """Take text of standard output (1) or standard error (2)."""
        if self._beyond is None:
            fitting = self._fitting(text)
            self._print(text[:fitting], sys.stderr if stream == 2 else sys.stdout)
            text = text[fitting:]
            if not text:
                return
            self._beyond = LogBuffer(head=0, tail=_LAST_LINES)
        self._beyond.feed(stream, text.encode(errors="replace"))
        self._stale = True
        if self._pace.due(self._clock()):
            self._draw(self._beyond)

    def flush(self) -> None:
        """Show the last lines as they are now."""
        if self._beyond is not None and self._stale:
            self._draw(self._beyond)

    def _fitting(self, text: str) -> int:
        """How much of the text is printed; whole lines where it is not all of it."""
        end = at = -1
        while self._lines and (at := text.find("\n", at + 1)) >= 0 and at < self._characters:
            self._lines -= 1
            end = at
        whole = self._lines and len(text) <= self._characters
        fitting = len(text) if whole else end + 1
        if not whole and not fitting:
            fitting = min(len(text), self._characters) if self._lines else 0
        self._characters -= fitting
        return fitting

    def _print(self, text: str, target: TextIO) -> None:
        if self._written is not None and self._written is not target:
            self._written.flush()
        self._written = target
        target.write(text)

    def _draw(self, beyond: LogBuffer) -> None:
        left_out = beyond.left_out
        count = f"{left_out:,} {'line' if left_out == 1 else 'lines'} not shown"
        said = f"… {count}. {_WHERE}" if left_out else f"… {_WHERE}"
        html = f'<div style="{FAINT};margin:4px 0">{said}</div>{end_log_html(beyond)}'
        text = "\n".join([said, *beyond.tail])
        self._display.show(f'<div style="{BLOCK}">{html}</div>', text)
        self._pace.wrote(len(html) + len(text), self._clock())
        self._stale = False
