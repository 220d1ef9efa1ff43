"""Reading a container's log, which its shim writes in the form of Docker's json-file."""

from __future__ import annotations

import json
import math
import os
import select
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ...containers import LogRequest
from ...events import Cancellation, Emit, Output
from ..building.state import parse_time
from ..sandbox.launcher.shim.main import LOG
from ..sandbox.shims import Shim
from ..storage.container_records import ContainerRow

__all__ = ["read_log"]

_POLL_SECONDS = 0.1
_MOST_AT_ONCE = 1 << 16
_NUMBERS = {"stdout": 1, "stderr": 2}


class _Entry(NamedTuple):
    stream: int
    time: str
    text: str


def read_log(row: ContainerRow, request: LogRequest, emit: Emit, cancel: Cancellation) -> None:
    """See `ContainerVerbs.logs`."""
    path = row.directory / LOG
    file = _Tail(path)
    try:
        old = _wanted(chain(_older(path), file.entries()), request)
        for output in _outputs(_last(old, request.tail), timestamps=request.timestamps):
            emit(output)
        shim = Shim.of(row.directory) if request.follow else None
        if shim is None:
            return
        with shim:
            cancel.on_cancel(shim.hang_up)
            ended = False
            while not ended and not cancel.cancelled:
                # A shim that ends, or a hang-up, makes it readable.
                ended = bool(select.select([shim], [], [], _POLL_SECONDS)[0])
                new = _wanted(file.entries(), request)
                for output in _outputs(new, timestamps=request.timestamps):
                    emit(output)
    finally:
        file.close()


def _older(path: Path) -> Iterator[_Entry]:
    """What is in the files that were begun before, the oldest first."""
    numbered = sorted(
        (int(each.suffix[1:]), each)
        for each in path.parent.glob(f"{path.name}.*")
        if each.suffix[1:].isdigit()
    )
    for _, each in reversed(numbered):
        tail = _Tail(each)
        yield from tail.entries()
        tail.close()


def _entry(line: bytes) -> _Entry | None:
    """What a line says; where a machine went down, there may be half of one."""
    try:
        fact = json.loads(line)
        return _Entry(_NUMBERS[fact["stream"]], fact["time"], fact["log"])
    except (ValueError, KeyError, TypeError):
        return None


class _Tail:
    """Reads a file that grows, and the one that takes its place when it was large enough."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._file = self._open()

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return -1

    def entries(self) -> Iterator[_Entry]:
        """What has come since the last time."""
        while True:
            yield from self._read()
            newer = self._open()
            if newer < 0:
                return
            if self._file >= 0 and os.path.samestat(os.fstat(newer), os.fstat(self._file)):
                os.close(newer)
                return
            yield from self._read()
            self.close()
            self._file, self._rest = newer, b""

    def _read(self) -> Iterator[_Entry]:
        while self._file >= 0 and (data := os.read(self._file, 1 << 20)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                if (entry := _entry(line)) is not None:
                    yield entry

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _wanted(entries: Iterable[_Entry], request: LogRequest) -> Iterable[_Entry]:
    """Those of the time that was asked for."""
    if request.since is None and request.until is None:
        return entries
    first = -math.inf if request.since is None else request.since
    last = math.inf if request.until is None else request.until
    return (
        entry
        for entry in entries
        if (time := parse_time(entry.time)) and first <= time.timestamp() <= last
    )


def _last(entries: Iterable[_Entry], tail: int | None) -> Iterable[_Entry]:
    """The last lines; a long one is several entries."""
    if tail is None:
        return entries
    lines: deque[list[_Entry]] = deque(maxlen=max(tail, 0))
    unended: dict[int, list[_Entry]] = {}
    for entry in entries:
        line = unended.pop(entry.stream, None)
        if line is None:
            line = []
            lines.append(line)
        line.append(entry)
        if not entry.text.endswith("\n"):
            unended[entry.stream] = line
    return chain.from_iterable(lines)


def _outputs(entries: Iterable[_Entry], *, timestamps: bool) -> Iterator[Output]:
    """Entries as output; those of one stream that follow each other are one, up to a size."""
    texts: list[str] = []
    stream = size = 0
    for entry in entries:
        if texts and (entry.stream != stream or size >= _MOST_AT_ONCE):
            yield _output(stream, texts)
            texts, size = [], 0
        stream = entry.stream
        texts.append(f"{entry.time} {entry.text}" if timestamps else entry.text)
        size += len(entry.text)
    if texts:
        yield _output(stream, texts)


def _output(stream: int, texts: list[str]) -> Output:
    return Output(stream, "".join(texts).encode("utf-8", "replace"))
