"""What a verb is, and what it gets when it is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from ..engines.base import Engine
from .grammar import Arguments, Grammar
from .session import Session
from .surface import Surface

__all__ = ["Call", "Command"]


@dataclass(frozen=True, slots=True)
class Call:
    """The surroundings of one command.

    Attributes:
        session: holds the engine.
        surface: where things are shown.
        stdin: standard input: a cell's body, the terminal's; None where there is none.
        lenient: a command that ran and exited non-zero is a result, and no error.
    """

    session: Session
    surface: Surface
    stdin: BinaryIO | None = None
    lenient: bool = False

    @property
    def engine(self) -> Engine:
        """The session's engine."""
        return self.session.engine


def _never(_: Arguments) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Command:
    """One verb.

    Attributes:
        grammar: its command line.
        action: does it; what it returns is the value of `x = %docker …`. A value that prints as
            docker prints (a table, `Lines`, `Document`, `Record`) is still to be shown, every
            other one was.
        reads_input: whether these arguments make it read standard input.
    """

    grammar: Grammar
    action: Callable[[Arguments, Call], object]
    reads_input: Callable[[Arguments], bool] = _never
