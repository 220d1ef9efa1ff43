"""A command that runs at a step, on a throw-away copy, and what of its output is kept."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

from ...analysis.walk import Walk
from ...engines.events import Output
from ...engines.follow import follow
from ...engines.run_request import RunRequest
from ...errors import RunError, UsageError
from ..terminal_text import LineReader

__all__ = ["StepRun", "running"]

_KEPT = 32_000
_WIDTH = 2_000
_PACE = 0.1


@dataclass(frozen=True, slots=True)
class StepRun:
    """How a command ended; of long outputs the first and last 32 kB are kept.

    Attributes:
        command: as typed.
        step: where it ran.
        returncode: its exit status, 128 + N after signal N.
        stdout, stderr: as a terminal shows them.
        output: both, in the order of their coming.
        seconds: how long it took.
        shell: whether /bin/sh ran it; else its words were run as they are.
    """

    command: str
    step: int
    returncode: int
    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    output: str = field(repr=False)
    seconds: float
    shell: bool

    def __str__(self) -> str:
        end = f"exit status {self.returncode}" if self.returncode else ""
        return "\n".join(part for part in (self.output, end) if part)

    __repr__ = __str__


class _Kept:
    """The first and the last lines of an output."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self.tail: deque[str] = deque()
        self.left_out = 0
        self._room = _KEPT
        self._size = 0

    def add(self, line: str) -> bool:
        """Take a line; gives whether it is one of the first."""
        if self._room > 0 and not self.tail:
            self.head.append(line)
            self._room -= len(line) + 1
            return True
        self.tail.append(line)
        self._size += len(line) + 1
        while self._size > _KEPT:
            self._size -= len(self.tail.popleft()) + 1
            self.left_out += 1
        return False

    @property
    def rest(self) -> list[str]:
        """What follows the first lines: how many are not there, and the last."""
        gap = [f"… {self.left_out:,} lines are left out …"] if self.left_out else []
        return [*gap, *self.tail]

    def __str__(self) -> str:
        return "\n".join([*self.head, *self.rest])


def running(walk: Walk, number: int, text: str) -> Generator[list[str], None, StepRun]:
    """Run a command at a step.

    Args:
        walk: where.
        number: of the step.
        text: for /bin/sh; in an image without one, a program and its arguments.

    Yields:
        New lines of its output, as long as they are the first.

    Raises:
        UsageError: nothing can run there.
        RunError: the program could not be started.
    """
    state = walk.state(number)
    if not text.strip():
        raise UsageError("no command to run")
    if not state.layers:
        raise UsageError(f"there are no files at step {number}, so nothing can run")
    words = ["/bin/sh", "-c", text] if state.shell else _words(text)
    request = RunRequest(walk.image(number), tuple(words[1:]), entrypoint=words[0], remove=True)
    outputs = {stream: _Kept() for stream in (0, 1, 2)}
    new: list[str] = []

    def take(stream: int, line: str) -> None:
        outputs[stream].add(line)
        if outputs[0].add(line):
            new.append(line)

    readers = {
        stream: LineReader(lambda line, stream=stream: take(stream, line), _WIDTH)  # type: ignore[misc]
        for stream in (1, 2)
    }
    started = shown = time.monotonic()
    following = follow(lambda emit, cancel: walk.run(request, emit, cancel))
    try:
        for event in following:
            if isinstance(event, Output):
                readers[event.stream].feed(event.data)
            if new and time.monotonic() - shown > _PACE:
                yield list(new)
                new.clear()
                shown = time.monotonic()
    except RunError as error:
        raise error if state.shell else _without_shell(error) from None
    for reader in readers.values():
        reader.end()
    new += outputs[0].rest
    if new:
        yield list(new)
    return StepRun(
        text,
        number,
        following.result.returncode,
        str(outputs[1]),
        str(outputs[2]),
        str(outputs[0]),
        time.monotonic() - started,
        state.shell,
    )


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text}: {error}") from None


def _without_shell(error: RunError) -> RunError:
    hint = "There is no /bin/sh here, so the words are run as they are: name a program by its path."
    return RunError(error.message, returncode=error.returncode, hint=hint)
