"""What a program's output looks like on a terminal, as plain lines.

Colours and other escape sequences (ECMA-48) are dropped, a carriage return goes back to the
start of the line, a backspace one character. What cannot be shown on one line (moving up) is
dropped too: such displays repeat their lines.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable

from .progress.log_file import LogFile
from .text import visible

__all__ = ["LineReader", "LogBuffer"]

_TOKEN = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])"  # control sequence: parameters, command
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system command and other strings
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"  # short escapes
    r"|[\n\r\b]"
    r"|[^\x1b\n\r\b]+"
    r"|\x1b"
)
_STEERING = re.compile(r"[\x1b\r\b]")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
_MAX_UNFINISHED = 4096


class LineReader:
    """Lines from bytes that may end anywhere, in a character or in an escape sequence.

    Args:
        emit: takes each finished line.
        width: most characters of a line; the rest is counted, and the line says so.
    """

    def __init__(self, emit: Callable[[str], None], width: int) -> None:
        self._emit = emit
        self._width = width
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""
        self._line = ""
        self._cursor = 0
        self._beyond = 0

    @property
    def pending(self) -> str:
        """The line that has no end yet."""
        return self._shown()

    def feed(self, data: bytes) -> None:
        """Take output; finished lines are emitted."""
        text = self._unfinished + self._decoder.decode(data)
        self._unfinished = ""
        if not _STEERING.search(text):
            self._take_lines(text)
            return
        unfinished = _UNFINISHED.search(text, max(0, len(text) - _MAX_UNFINISHED))
        if unfinished:
            text, self._unfinished = text[: unfinished.start()], unfinished.group()
        for token in _TOKEN.finditer(text):
            self._take(token)

    def _take_lines(self, text: str) -> None:
        """Take text that steers nothing, as most is: three times as fast."""
        first, *others = text.split("\n")
        self._write(first)
        for line in others:
            self._finish()
            self._write(line)

    def end(self) -> None:
        """Emit a last line that had no end."""
        if self._line or self._beyond:
            self._finish()

    def _take(self, token: re.Match[str]) -> None:
        text = token.group()
        if text == "\n":
            self._finish()
        elif text == "\r":
            self._cursor = self._beyond = 0
        elif text == "\b":
            self._cursor = max(0, self._cursor - 1)
        elif token.group(2) == "K":
            self._erase(token.group(1))
        elif not text.startswith("\x1b"):
            self._write(text)

    def _erase(self, parameter: str) -> None:
        self._beyond = 0
        if parameter in ("", "0"):
            self._line = self._line[: self._cursor]
        elif parameter == "1":
            self._line = " " * self._cursor + self._line[self._cursor :]
        elif parameter == "2":
            self._line = ""

    def _write(self, text: str) -> None:
        room = self._width - self._cursor
        if not self._line and len(text) <= room and not self._cursor:
            self._line = text
            self._cursor = len(text)
            return
        self._beyond += max(0, len(text) - room)
        text = text[: max(0, room)]
        line = self._line.ljust(self._cursor)
        self._line = line[: self._cursor] + text + line[self._cursor + len(text) :]
        self._cursor += len(text)

    def _finish(self) -> None:
        self._emit(self._shown())
        self._line = ""
        self._cursor = self._beyond = 0

    def _shown(self) -> str:
        line = self._line.rstrip().expandtabs(8)
        line = visible(line, 2 * self._width)
        return f"{line} … ({self._beyond:,} more characters)" if self._beyond else line


class LogBuffer:
    """The first and last lines of a step's output; those between are counted, and in a file.

    Args:
        head: most lines kept from the start.
        tail: most lines kept from the end.
        width: most characters of a line.
        file: takes all lines once there are more than are kept; None where they are only counted.
    """

    def __init__(
        self, head: int = 100, tail: int = 400, width: int = 400, *, file: LogFile | None = None
    ) -> None:
        self._head_size = head
        self._head: list[str] = []
        self._tail: deque[str] = deque(maxlen=tail)
        self._width = width
        self._file = file
        self._in_file = False
        self._readers: dict[int, LineReader] = {}
        self._count = 0

    def feed(self, stream: int, data: bytes) -> None:
        """Take output of one stream; each stream has its own unfinished line."""
        reader = self._readers.get(stream)
        if reader is None:
            reader = self._readers[stream] = LineReader(self._append, self._width)
        reader.feed(data)

    def end(self) -> None:
        """There is no more: unfinished lines are lines now, and the file is up to date."""
        for reader in self._readers.values():
            reader.end()
        if self._file is not None:
            self._file.flush()

    def whole(self) -> str:
        """Where all of it is, for people: a file that is there from now on; "" without one."""
        if self._file is None:
            return ""
        self._to_file()
        self._file.flush()
        return self._file.note

    def _to_file(self) -> None:
        if self._file is not None and not self._in_file:
            self._in_file = True
            self._file.write([*self._head, *self._tail])

    def _append(self, line: str) -> None:
        self._count += 1
        if len(self._head) < self._head_size:
            self._head.append(line)
        else:
            if len(self._tail) == self._tail.maxlen:
                self._to_file()
            self._tail.append(line)
        if self._in_file and self._file is not None:
            self._file.write((line,))

    def __bool__(self) -> bool:
        return bool(self._head or any(self._pending()))

    def _pending(self) -> list[str]:
        return [reader.pending for reader in self._readers.values() if reader.pending]

    @property
    def head(self) -> list[str]:
        """The first lines."""
        return list(self._head)

    @property
    def tail(self) -> list[str]:
        """The last lines that are not in `head`, unfinished ones at the end."""
        return [*self._tail, *self._pending()]

    @property
    def left_out(self) -> int:
        """How many lines between `head` and `tail` are not kept."""
        return self._count - len(self._head) - len(self._tail)

    def last(self, count: int) -> list[str]:
        """The last lines, at most `count`."""
        return [*self._head, *self.tail][-count:] if count else []
