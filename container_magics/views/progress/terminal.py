"""A build while it runs, in a terminal or a CI log: lines like BuildKit's `--progress=plain`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO

from ...engines.events import (
    EngineEvent,
    Message,
    Output,
    PullProgress,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from ...engines.images import ImageSummary
from ...engines.results import BuildResult
from ...errors import BuildError
from ..terminal_text import LineReader
from ..text import visible
from ..units import human_size, seconds
from .log import BuildLog, Download, Step, StepState
from .outcome import failure_text, result_text
from .view import BuildView

__all__ = ["TerminalProgress"]

_LINE_WIDTH = 4000
_NAME_WIDTH = 1000
_TAIL_LINES = 20


class TerminalProgress(BuildView):
    """A build as lines of text, written as things happen.

    Args:
        stream: where to; standard error unless given, as BuildKit does.
        clock: seconds since the epoch.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.log = BuildLog(clock=clock, files=False)
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._begun = clock()
        self._said: dict[str, StepState] = {}
        self._readers: dict[tuple[str, int], LineReader] = {}
        self._downloads: set[tuple[str, str, bool]] = set()

    def update(self, event: EngineEvent | None) -> None:
        """Take one event; None means nothing here, and so do events of pulls and runs."""
        if isinstance(event, Message):
            self._write(visible(event.text, _LINE_WIDTH))
            return
        if event is None or isinstance(event, PullProgress | Output):
            return
        step = self.log.update(event)
        if step is None:
            if isinstance(event, VertexWarning):
                self._write(f"WARN: {_warning(event)}")
            return
        if isinstance(event, VertexLog):
            self._say_name(step)
            self._reader(step, event.stream).feed(event.data)
        elif isinstance(event, VertexStatus):
            self._say_download(step, step.downloads.get(event.id))
        elif isinstance(event, VertexWarning):
            self._say_name(step)
            self._write(f"#{step.number} WARN: {_warning(event)}")
        else:
            self._say_state(step)

    def finish(self, result: BuildResult, previous: ImageSummary | None = None) -> None:
        """Write the result; `previous` is the image that bore the first tag before."""
        self._write(result_text(result, previous))

    def fail(self, error: BaseException) -> None:
        """Write what became of running steps, and the last lines of the failed one."""
        named = error.step if isinstance(error, BuildError) else ""
        for step in self.log.fail(named, self._clock()):
            self._say_state(step)
        for step in self.log.steps:
            lines = step.log.last(_TAIL_LINES)
            if step.state is StepState.ERROR and lines:
                rule = "------"
                self._write("\n".join([rule, f" > {visible(step.name)}:", *lines, rule]))
        elapsed = max(0.0, self._clock() - self._begun)
        self._write(failure_text(self.log, error, elapsed))

    def _reader(self, step: Step, stream: int) -> LineReader:
        key = (step.digest, stream)
        if key not in self._readers:
            self._readers[key] = LineReader(partial(self._say_line, step), _LINE_WIDTH)
        return self._readers[key]

    def _say_line(self, step: Step, line: str) -> None:
        self._write(f"#{step.number} {step.seconds(self._clock()):.3f} {line}")

    def _say_name(self, step: Step) -> None:
        if step.digest not in self._said:
            self._said[step.digest] = StepState.RUNNING
            self._write(f"#{step.number} {visible(step.name, _NAME_WIDTH)}")

    def _say_state(self, step: Step) -> None:
        if step.state is StepState.WAITING:
            return
        self._say_name(step)
        if not step.state.over or self._said[step.digest] is step.state:
            return
        self._said[step.digest] = step.state
        for (digest, _), reader in self._readers.items():
            if digest == step.digest:
                reader.end()
        self._write(f"#{step.number} {_ending(step)}\n")

    def _say_download(self, step: Step, download: Download | None) -> None:
        if download is None or not (download.current or download.total):
            return
        key = (step.digest, download.id, download.done)
        if key in self._downloads:
            return
        self._downloads.add(key)
        self._say_name(step)
        size = human_size(download.current)
        if download.done:
            rate = download.rate(self._clock())
            size += f" done, {human_size(rate)}/s" if rate else " done"
        elif download.total:
            size += f" / {human_size(download.total)}"
        self._write(f"#{step.number} {visible(download.id)} {size}")

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _ending(step: Step) -> str:
    if step.state is StepState.CACHED:
        return "CACHED"
    if step.state is StepState.CANCELLED:
        return "CANCELED"
    if step.state is StepState.ERROR:
        return f"ERROR: {visible(step.error or 'failed', _LINE_WIDTH)}"
    size = "" if step.layer_size is None else f" {human_size(step.layer_size)}"
    return f"DONE {seconds(step.seconds(0))}{size}"


def _warning(warning: VertexWarning) -> str:
    where = f" (line {warning.line})" if warning.line else ""
    hint = f" - {warning.hint}" if warning.hint else ""
    return visible(f"{warning.message}{where}{hint}", _NAME_WIDTH)
