"""A terminal's output on its way to a front end that says how far it has come.

A program that writes faster than the front end draws waits, as it does for any terminal. One whose
front end is not there, or says nothing for half a minute, goes on, and a front end that comes later
gets the end of what was written. Positions count bytes from the first one.
"""

from __future__ import annotations

from threading import Condition

__all__ = ["OutputStream"]

_HISTORY = 262_144
_WINDOW = 131_072
_PART = 32_768
_PATIENCE = 30.0
_PACE_UNWATCHED = 0.05


class OutputStream:
    """Bytes from one thread to another, and the last ones of them. Safe to use from all threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._kept = bytearray()
        self._end = self._sent = self._drawn = 0
        self._watched = self._ended = False

    def add(self, data: bytes) -> None:
        """Take output; wait while the front end has too much of it to draw."""
        with self._changed:
            self._kept += data
            self._end += len(data)
            del self._kept[: max(0, len(self._kept) - _HISTORY)]
            self._sent = max(self._sent, self._end - len(self._kept))
            self._changed.notify_all()
            patience = _PATIENCE if self._watched else _PACE_UNWATCHED
            if not self._changed.wait_for(self._has_room, patience):
                self._watched = False
                self._drawn = self._end
            if not self._watched:
                self._sent = self._end

    def end(self) -> None:
        """There will be no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether everything was taken that a front end that is there will get."""
        with self._changed:
            return self._ended and not self._waiting()

    def part(self, seconds: float) -> tuple[int, bytes] | None:
        """The next bytes to send, and their position; None when there are none for some time."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._waiting(), seconds)
            if not self._waiting():
                return None
            start, self._sent = self._sent, min(self._end, self._sent + _PART)
            return start, self._between(start, self._sent)

    def attach(self) -> tuple[int, bytes]:
        """What a front end begins with, and its position; the next part follows on it."""
        with self._changed:
            self._watched = True
            self._drawn = max(self._drawn, self._sent)
            self._changed.notify_all()
            first = self._end - len(self._kept)
            kept = self._between(first, self._sent)
            if first:
                # Not from the middle of a character or of an escape sequence.
                kept = kept[kept.find(b"\n") + 1 :]
            return self._sent - len(kept), kept

    def drawn(self, position: int) -> bool:
        """The front end has drawn everything before a position; whether it must attach anew."""
        with self._changed:
            if self._watched:
                self._drawn = max(self._drawn, position)
                self._changed.notify_all()
            return not self._watched

    def _waiting(self) -> bool:
        return self._watched and self._sent < self._end

    def _has_room(self) -> bool:
        return self._ended or self._end - self._drawn < _WINDOW

    def _between(self, start: int, end: int) -> bytes:
        first = self._end - len(self._kept)
        return bytes(self._kept[start - first : end - first])
