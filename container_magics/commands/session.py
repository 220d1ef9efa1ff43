"""Which engine the commands talk to: chosen when first needed, kept open, closed at exit."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from ..engines.base import Engine

if TYPE_CHECKING:
    from ..engines.discovery import Choice

__all__ = ["Session", "current", "end_current"]


class Session:
    """One person's engine, from cell to cell.

    Args:
        preference: a context's name, or `auto` for the rules of `engines.discovery.choose`.
        engine: an engine that is open already, instead of a choice.
    """

    def __init__(self, preference: str = "auto", *, engine: Engine | None = None) -> None:
        self._preference = preference
        self._engine = engine
        self._choice: Choice | None = None
        atexit.register(self.close)

    @property
    def choice(self) -> Choice:
        """The chosen context and why; chosen now if it was not.

        Raises:
            NotFoundError: no context has the preferred name.
        """
        if self._choice is None:
            from ..engines.discovery import choose

            self._choice = choose(self._preference)
        return self._choice

    @property
    def engine(self) -> Engine:
        """The engine, opened now if it was not.

        Raises:
            EngineUnavailableError: it does not answer.
        """
        if self._engine is None:
            from ..engines.discovery import open_engine

            self._engine = open_engine(self.choice)
        return self._engine

    @property
    def opened(self) -> Engine | None:
        """The engine if it was opened already."""
        return self._engine

    def use(self, name: str) -> None:
        """Change to another context; the engine that was open is closed.

        Raises:
            NotFoundError: no context has that name; the old one stays.
        """
        from ..engines.discovery import choose

        choice = choose(name)
        self.close()
        self._preference, self._choice = name, choice

    def close(self) -> None:
        """Close the engine; the next use opens it again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()


_current: list[Session] = []


def current() -> Session:
    """The session of this process's notebook: that of the magics and of the functions of `cm`."""
    if not _current:
        _current.append(Session())
    return _current[0]


def end_current() -> None:
    """Close it; the next `current` chooses anew."""
    while _current:
        _current.pop().close()
