"""A command line on the engine in memory, its output kept."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

import pytest

from container_magics.commands.call import Call
from container_magics.commands.dispatch import resolve
from container_magics.commands.session import Session
from container_magics.views.live_table import TableView, TerminalTable
from container_magics.views.progress.terminal import TerminalProgress
from container_magics.views.progress.view import BuildView
from container_magics.views.pull import PullProgressView, TerminalPull

from .engine import MemoryEngine


@dataclass
class KeptSurface:
    """A surface that keeps what it is given."""

    texts: dict[int, io.StringIO] = field(
        default_factory=lambda: {1: io.StringIO(), 2: io.StringIO()}
    )
    binary: io.BytesIO | None = None
    answer: bool | None = None
    questions: list[str] = field(default_factory=list)
    lasting: bool = True
    replies: list[str] = field(default_factory=list)

    @property
    def out(self) -> str:
        return self.texts[1].getvalue()

    @property
    def err(self) -> str:
        return self.texts[2].getvalue()

    def write(self, text: str, stream: int = 1) -> None:
        self.texts[stream].write(text)

    def flush(self) -> None:
        pass

    def progress(self) -> BuildView:
        return TerminalProgress(self.texts[2])

    def transfer(self, stream: int = 1) -> PullProgressView:
        return TerminalPull(self.texts[stream])

    def table(self) -> TableView:
        return TerminalTable(self.texts[1])

    def binary_output(self) -> BinaryIO | None:
        return self.binary

    def confirm(self, question: str) -> bool | None:
        self.questions.append(question)
        return self.answer

    def ask(self, question: str, *, hidden: bool = False) -> str | None:
        self.questions.append(f"{question}{'*' * hidden}")
        return self.replies.pop(0) if self.replies else None


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture
def surface() -> KeptSurface:
    return KeptSurface()


@pytest.fixture
def docker(engine: MemoryEngine, surface: KeptSurface) -> Callable[..., object]:
    """Run words after `docker`; `stdin` is bytes, `lenient` as in a Call."""

    def run(*words: str, stdin: bytes | None = None, lenient: bool = False) -> object:
        body = io.BytesIO(stdin) if stdin is not None else None
        call = Call(Session(engine=engine), surface, body, lenient)
        resolved = resolve(words)
        resolved.check_input(call)
        return resolved.run(call)

    return run
