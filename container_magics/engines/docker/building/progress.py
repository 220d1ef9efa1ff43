"""BuildKit's progress as the docker CLI prints it, line by line into build events.

`rawjson` (buildx 0.13 and later) is BuildKit's own stream of statuses, one JSON object a line.
`plain` is for people: `#5 [build 2/4] RUN make`, then `#5 0.31 output`, `#5 DONE 1.2s`. It
names no inputs and one stream, and shows of parallel steps one at a time, with the others'
output held back for up to some seconds; the times in it are those of the build.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from ...events import BuildEvent, Vertex, VertexLog, VertexStatus, VertexWarning
from ..images import timestamp

__all__ = ["PlainProgress", "Progress", "RawJsonProgress"]

_NUMBERED = re.compile(r"#(\d+) (.*)", re.DOTALL)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LOG = re.compile(r"(\d+\.\d+) ?(.*)", re.DOTALL)
_DONE = re.compile(r"DONE (\d+\.\d+)s")
_STATUS = re.compile(
    r"(?P<id>.*?)(?: (?P<current>[\d.]+)(?P<unit>[kMGTP]?B)"
    r"(?: / (?P<total>[\d.]+)(?P<total_unit>[kMGTP]?B))?)?"
    r"(?: (?P<seconds>\d+\.\d)s)?(?P<done> done)?",
    re.DOTALL,
)
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}


class Progress(Protocol):
    """A parser of one kind of progress."""

    def feed(self, line: str) -> Iterator[BuildEvent]:
        """The events of one line, given without its line ending."""
        ...

    @property
    def rest(self) -> list[str]:
        """Lines that belong to no step: errors of the CLI, and the last words of a failure."""
        ...


class PlainProgress:
    """Parse `--progress=plain`."""

    def __init__(self) -> None:
        self._steps: dict[str, Vertex] = {}
        self._current = ""
        self._in_summary = False
        self._rest: list[str] = []

    @property
    def rest(self) -> list[str]:
        """Lines that belong to no step; after a failure its summary."""
        return self._rest

    def feed(self, line: str) -> Iterator[BuildEvent]:
        """The events of one line, given without its line ending."""
        match = _NUMBERED.fullmatch(line)
        if self._in_summary or not match:
            # The failed step's last lines are repeated after this rule, and so is their prefix.
            self._in_summary = self._in_summary or line == "------"
            if line == "":
                self._current = ""
            else:
                self._rest.append(line)
            return
        number, text = match.groups()
        if number not in self._steps:
            self._current = number
            vertex = Vertex(digest=f"#{number}", name=text, started=time.time())
            self._steps[number] = vertex
            yield vertex
        elif number != self._current:
            # The step is shown again, so its name is.
            self._current = number
            if text != self._steps[number].name:
                yield from self._detail(number, text)
        else:
            yield from self._detail(number, text)

    def _detail(self, number: str, text: str) -> Iterator[BuildEvent]:
        vertex = self._steps[number]
        if log := _LOG.fullmatch(text):
            offset, data = float(log[1]), log[2]
            started = min(vertex.started or time.time(), time.time() - offset)
            if started != vertex.started:
                self._steps[number] = replace(vertex, started=started)
            yield VertexLog(vertex.digest, 1, f"{data}\n".encode())
        elif done := _DONE.fullmatch(text):
            seconds = float(done[1])
            completed = min(time.time(), (vertex.started or time.time()) + seconds)
            started = min(vertex.started or completed, completed - seconds)
            self._steps[number] = replace(vertex, started=started)
            yield self._end(number, completed=completed)
        elif text == "CACHED":
            yield self._end(number, completed=vertex.started, cached=True)
        elif text.startswith("ERROR: "):
            yield self._end(number, error=text.removeprefix("ERROR: "))
        elif text == "CANCELED":
            yield self._end(number, error="canceled")
        elif text.startswith("WARN: "):
            yield VertexWarning(vertex.digest, text.removeprefix("WARN: "))
        elif text != "..." and not _DIGEST.fullmatch(text):
            yield self._status(vertex, text)

    def _end(
        self, number: str, *, completed: float | None = None, cached: bool = False, error: str = ""
    ) -> Vertex:
        vertex = replace(
            self._steps[number], completed=completed or time.time(), cached=cached, error=error
        )
        self._steps[number] = vertex
        return vertex

    def _status(self, vertex: Vertex, text: str) -> VertexStatus:
        match = _STATUS.fullmatch(text)
        assert match is not None  # noqa: S101 - every part is optional
        now = time.time()
        current, total = (
            _bytes(match["current"], match["unit"]),
            _bytes(match["total"], match["total_unit"]),
        )
        return VertexStatus(
            vertex=vertex.digest,
            id=match["id"],
            current=current,
            total=total,
            started=now - float(match["seconds"] or 0),
            completed=now if match["done"] else None,
        )


def _bytes(number: str | None, unit: str | None) -> int:
    try:
        return round(float(number or 0) * _UNITS[unit or "B"])
    except ValueError:
        return 0


class RawJsonProgress:
    """Parse `--progress=rawjson`: BuildKit's `SolveStatus` objects."""

    def __init__(self) -> None:
        self._rest: list[str] = []

    @property
    def rest(self) -> list[str]:
        """Lines that are no JSON object: what the CLI says in its own words."""
        return self._rest

    def feed(self, line: str) -> Iterator[BuildEvent]:
        """The events of one line, given without its line ending."""
        try:
            status = json.loads(line) if line.startswith("{") else None
        except ValueError:
            status = None
        if not isinstance(status, dict):
            if line:
                self._rest.append(line)
            return
        for vertex in _objects(status, "vertexes"):
            yield Vertex(
                digest=str(vertex.get("digest", "")),
                name=str(vertex.get("name", "")),
                inputs=tuple(str(digest) for digest in vertex.get("inputs") or ()),
                started=_seconds(vertex.get("started")),
                completed=_seconds(vertex.get("completed")),
                cached=bool(vertex.get("cached", False)),
                error=str(vertex.get("error", "")),
            )
        for piece in _objects(status, "statuses"):
            yield VertexStatus(
                vertex=str(piece.get("vertex", "")),
                id=str(piece.get("id", "")),
                current=int(piece.get("current") or 0),
                total=int(piece.get("total") or 0),
                started=_seconds(piece.get("started")),
                completed=_seconds(piece.get("completed")),
            )
        for log in _objects(status, "logs"):
            yield VertexLog(
                str(log.get("vertex", "")), int(log.get("stream") or 1), _decoded(log.get("data"))
            )
        for warning in _objects(status, "warnings"):
            yield _warning(warning)


def _objects(status: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    return (item for item in status.get(key) or () if isinstance(item, dict))


def _warning(warning: Mapping[str, Any]) -> VertexWarning:
    ranges = warning.get("range") or ()
    start = ranges[0].get("start") if ranges and isinstance(ranges[0], dict) else None
    details = [_decoded(part).decode(errors="replace") for part in warning.get("detail") or ()]
    return VertexWarning(
        vertex=str(warning.get("vertex", "")),
        message=_decoded(warning.get("short")).decode(errors="replace"),
        hint="\n".join(details),
        line=int(start.get("line") or 0) if isinstance(start, dict) else 0,
    )


def _decoded(data: object) -> bytes:
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _seconds(value: object) -> float | None:
    when = timestamp(value) if isinstance(value, str) else None
    return when.timestamp() if when else None
