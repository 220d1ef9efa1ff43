"""A container's log, in the form of Docker's `json-file`, with rotation.

One JSON object a line: {"log": text with its line feed, "stream": "stdout" or "stderr", "time": RFC
3339 in UTC}. A line of more than 16 KiB is several, of which only the last has the line feed. What
is not UTF-8 is written as U+FFFD.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from json.encoder import encode_basestring as _quote

__all__ = ["Journal", "rfc3339"]

_LONGEST = 16 << 10
_NAMES = {1: "stdout", 2: "stderr"}


def rfc3339(nanoseconds: int) -> str:
    """A time since the epoch as RFC 3339 with nine decimals, in UTC."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


class Journal:
    """Writes a log.

    Args:
        directory: a descriptor of the container's directory.
        name: of the file; older ones are NAME.1, NAME.2, ….
        max_size: bytes from which on a new file is begun; 0 is never.
        max_files: how many files there are at most.
    """

    def __init__(self, directory: int, name: str, max_size: int, max_files: int) -> None:
        self._directory = directory
        self._name = name
        self._max_size = max_size
        self._max_files = max_files
        self._pending = {1: b"", 2: b""}
        self._open()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(self._name, flags, 0o640, dir_fd=self._directory)
        self._size = os.fstat(self._file).st_size

    def write(self, stream: int, data: bytes) -> None:
        """Add what came on a stream; a line that is not ended yet waits for its rest.

        Raises:
            OSError: the disk is full.
        """
        whole, newline, rest = (self._pending[stream] + data).rpartition(b"\n")
        if len(rest) >= _LONGEST:
            end = len(rest) - len(rest) % _LONGEST
            whole, newline, rest = whole + newline + rest[:end], b"", rest[end:]
        self._pending[stream] = rest
        if whole or newline:
            self._put(stream, whole + newline)

    def flush(self) -> None:
        """Write the lines that will not be ended any more."""
        for stream, rest in self._pending.items():
            if rest:
                self._put(stream, rest)
                self._pending[stream] = b""

    def close(self) -> None:
        """Flush, and close the file."""
        with suppress(OSError):  # The disk is full.
            self.flush()
        os.close(self._file)

    def _put(self, stream: int, data: bytes) -> None:
        end = f',"stream":"{_NAMES[stream]}","time":"{rfc3339(time.time_ns())}"}}\n'
        raw = "".join(f'{{"log":{_quote(text)}{end}' for text in _texts(data)).encode()
        if self._max_size and self._size and self._size + len(raw) > self._max_size:
            self._rotate()
        try:
            left = memoryview(raw)
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:  # Half a line would spoil the next one too.
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(raw)

    def _rotate(self) -> None:
        full = self._file
        for number in range(self._max_files - 1, 0, -1):
            older = f"{self._name}.{number - 1}" if number > 1 else self._name
            with suppress(FileNotFoundError):
                os.rename(
                    older,
                    f"{self._name}.{number}",
                    src_dir_fd=self._directory,
                    dst_dir_fd=self._directory,
                )
        if self._max_files == 1:
            os.unlink(self._name, dir_fd=self._directory)
        self._open()
        os.close(full)


def _texts(data: bytes) -> Iterator[str]:
    """The lines, with their line feeds; long ones in pieces."""
    *lines, rest = data.split(b"\n")
    for line in [line + b"\n" for line in lines] + ([rest] if rest else []):
        for start in range(0, len(line), _LONGEST):
            yield line[start : start + _LONGEST].decode("utf-8", "replace")
