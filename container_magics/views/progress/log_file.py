"""Whole logs of steps that are too long to keep in memory: files that go when the process does."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ..units import human_size

__all__ = ["LogFile"]

_LIMIT = 100_000_000
_CHUNK = 1 << 18


class LogFile:
    """A step's lines in a file of the process's temporary folder, which is made when first needed.

    Nothing here raises: where the file cannot be written (a full disk), it is deleted, and `note`
    says why there is none.

    Args:
        name: of the file, without its suffix; a number is added where it is taken.
        limit: most bytes kept; the file's last line says if there were more.
    """

    def __init__(self, name: str, limit: int = _LIMIT) -> None:
        self._name = name
        self._limit = limit
        self._path: Path | None = None
        self._pending: list[str] = []
        self._pending_size = 0
        self._written = 0
        self._cut = False
        self._failure = ""

    @property
    def note(self) -> str:
        """Where the whole log is, or why it is not there."""
        if self._failure:
            return f"the whole log could not be kept: {self._failure}"
        what = f"its first {human_size(self._limit)}" if self._cut else "all of it"
        return f"{what}: {self._path}"

    def write(self, lines: Iterable[str]) -> None:
        """Add lines; they are in the file after `flush`."""
        if self._failure or self._cut:
            return
        for line in lines:
            self._pending.append(line)
            self._pending_size += len(line) + 1
        if self._pending_size >= _CHUNK:
            self.flush()

    def flush(self) -> None:
        """Bring the file up to date."""
        if not self._pending:
            return
        data = "\n".join([*self._pending, ""]).encode(errors="backslashreplace")
        self._pending, self._pending_size = [], 0
        room = self._limit - self._written
        if len(data) > room:
            self._cut = True
            data = data[: data.rfind(b"\n", 0, room) + 1]
            data += f"… the log goes on; its first {human_size(self._limit)} are kept\n".encode()
        try:
            self._append(data)
        except OSError as error:
            self._give_up(error)

    def _append(self, data: bytes) -> None:
        if self._path is None:
            self._path = _create(self._name)
        # Opened each time, so that no step holds a descriptor while it runs for hours.
        with self._path.open("ab") as file:
            file.write(data)
        self._written += len(data)

    def _give_up(self, error: OSError) -> None:
        self._failure = error.strerror or str(error)
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()


def _create(name: str) -> Path:
    number = 1
    while True:
        path = _folder() / f"{name}{'' if number == 1 else f'-{number}'}.log"
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


@lru_cache(maxsize=1)
def _folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="container-magics-"))
    atexit.register(_remove, path, os.getpid())
    return path


def _remove(folder: Path, process: int) -> None:
    # A fork of the process inherits what is registered, and may end first.
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
