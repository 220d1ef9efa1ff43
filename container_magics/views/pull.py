"""A pull or push while it runs, in Docker's words: a line with a bar for each layer, and messages.

A message finishes the lines above it: what a layer says later gets a line below, as docker does. So
each tag of `push -a` keeps its own, and a message may take as many lines of a terminal as it likes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from ..engines.events import EngineEvent, Message, PullProgress
from .cell import CellDisplay
from .html import FAINT, MONO, escape, span
from .pacing import Pace
from .progress.step_html import BLOCK, bar
from .text import visible
from .units import human_size

__all__ = ["NotebookPull", "PullProgressView", "TerminalPull"]

_BAR_CELLS = 50
_NARROW_BAR_CELLS = 20
_WIDE_COLUMNS = 110


class PullProgressView(Protocol):
    """A view of one pull; all of it is called in the thread that displays."""

    def update(self, event: EngineEvent | None) -> None:
        """Take one event; only `PullProgress` and `Message` mean something here."""
        ...

    def close(self) -> None:
        """Show the final state."""
        ...


class NotebookPull:
    """A pull in a notebook cell: one display, updated at most 4 times a second.

    Args:
        clock: seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pace = Pace()
        self._display = CellDisplay()
        self._lines: list[PullProgress | Message] = []
        self._rows: dict[str, int] = {}
        self._stale = False

    def update(self, event: EngineEvent | None) -> None:
        """Take one event; only `PullProgress` and `Message` mean something here."""
        if isinstance(event, Message):
            self._rows.clear()
            self._lines.append(event)
            self._stale = True
        elif isinstance(event, PullProgress):
            row = self._rows.setdefault(event.layer, len(self._lines))
            self._lines[row : row + 1] = [event]
            self._stale = True
        now = self._clock()
        if self._stale and self._pace.due(now):
            self._draw(now, final=False)

    def close(self) -> None:
        """Show the final state; nothing where nothing happened."""
        if self._stale:
            self._draw(self._clock(), final=True)

    def _draw(self, now: float, *, final: bool) -> None:
        lines = "".join(map(_line_html, self._lines))
        text = "\n".join(map(_line_text, self._lines))
        html = f'<div style="{BLOCK}">{lines}</div>'
        size = len(html) + len(text)
        if final or self._pace.room(size, now):
            self._display.show(html, text)
            self._pace.wrote(size, now)
            self._stale = False


def _line_html(event: PullProgress | Message) -> str:
    if isinstance(event, Message):
        return f'<div style="{MONO};font-size:12px">{escape(event.text, 1000)}</div>'
    moving = bool(event.total) and event.current < event.total
    return (
        '<div style="display:flex;align-items:center;gap:0.8em">'
        + span(f"{escape(event.layer, 40)}: ", f"{MONO};font-size:12px;min-width:8.5em")
        + span(escape(event.status), "min-width:11em")
        + (f" {bar(event.current, event.total)} " if moving else " ")
        + span(_amount(event), f"{FAINT};white-space:nowrap")
        + "</div>"
    )


def _line_text(event: PullProgress | Message) -> str:
    if isinstance(event, Message):
        return visible(event.text, 1000)
    return f"{visible(event.layer)}: {visible(event.status)}"


def _amount(event: PullProgress) -> str:
    if event.total and event.current < event.total:
        return f"{human_size(event.current)}/{human_size(event.total)}"
    return human_size(event.current) if event.current else ""


class TerminalPull:
    """A pull in a terminal, its lines updated in place; elsewhere a line for each change.

    Args:
        stream: where to; standard output unless given.
        clock: seconds.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._clock = clock
        self._live = self._stream.isatty()
        self._rows: dict[str, int] = {}
        self._status: dict[str, str] = {}
        self._latest: dict[str, PullProgress] = {}
        self._pace = Pace(interval=0.1)

    def update(self, event: EngineEvent | None) -> None:
        """Take one event; only `PullProgress` and `Message` mean something here."""
        if isinstance(event, Message):
            self.close()
            self._rows.clear()
            self._status.clear()
            self._stream.write(f"{visible(event.text, 1000)}\n")
            self._stream.flush()
        elif isinstance(event, PullProgress):
            self._take(event)

    def close(self) -> None:
        """Write what was held back."""
        for event in list(self._latest.values()):
            self._write(event)

    def _take(self, event: PullProgress) -> None:
        changed = self._status.get(event.layer) != event.status
        self._status[event.layer] = event.status
        if not self._live:
            if changed:
                self._stream.write(f"{_line_text(event)}\n")
                self._stream.flush()
            return
        self._latest[event.layer] = event
        now = self._clock()
        if changed or self._pace.due(now):
            for held in list(self._latest.values()):
                self._write(held)
            self._pace.wrote(0, now)

    def _write(self, event: PullProgress) -> None:
        del self._latest[event.layer]
        if event.layer not in self._rows:
            self._rows[event.layer] = len(self._rows)
            self._stream.write("\n")
        up = len(self._rows) - self._rows[event.layer]
        columns = self._columns()
        cells = _BAR_CELLS if columns > _WIDE_COLUMNS else _NARROW_BAR_CELLS
        line = visible(_line_text(event) + _text_bar(event, cells), columns - 1)
        self._stream.write(f"\x1b[{up}A\r\x1b[2K{line}\x1b[{up}B\r")
        self._stream.flush()

    def _columns(self) -> int:
        try:
            return max(20, os.get_terminal_size(self._stream.fileno()).columns)
        except OSError:
            return 80


def _text_bar(event: PullProgress, cells: int) -> str:
    """Docker's own: `[=====>     ]  1.2MB/3.4MB`."""
    if not event.total or event.current >= event.total:
        return ""
    filled = cells * event.current // event.total
    return f" [{'=' * filled + '>':<{cells}}]  {_amount(event)}"
