"""The Tab key after `%docker`: verbs, flags, the names of images."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from ..errors import ContainerMagicsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from ..commands.grammar import Flag
    from ..engines.base import Engine

__all__ = ["COMPLETED_LINES", "Event", "complete"]

COMPLETED_LINES = r".*%docker\b"
"""Lines that `complete` is asked for: also `x = %docker …`."""


class Event(Protocol):
    """What IPython's `complete_command` hook gives: the line so far, and the token in it."""

    text_until_cursor: str
    symbol: str


def complete(shell: InteractiveShell, event: Event) -> list[str]:
    """What can follow; names are those of the engine that is open already."""
    from .docker import DockerMagics

    magics = shell.magics_manager.registry.get("DockerMagics")
    if not isinstance(magics, DockerMagics):
        return []
    before = event.text_until_cursor
    *words, last = before[before.rindex("%docker") :].split(" ")
    candidates = _candidates(words[1:], last, magics.session.opened)
    typed = len(last) - len(event.symbol)
    return [word[typed:] for word in candidates if word.startswith(last)]


def _candidates(words: list[str], last: str, engine: Engine | None) -> Iterable[str]:
    from ..commands.dispatch import GROUPS, VERBS

    words = [word for word in words if word]
    if not words:
        return sorted([*VERBS, "context", "image"])
    group = GROUPS.get(words[0], {})
    command = VERBS.get(words[0]) or (group.get(words[1]) if len(words) > 1 else None)
    if command is None:
        return sorted(group)
    if last.startswith("-"):
        return _spelled(command.grammar.flags)
    return _names(engine)


def _spelled(flags: Iterable[Flag]) -> list[str]:
    return [f"--{flag.name}" for flag in flags]


def _names(engine: Engine | None) -> list[str]:
    names: list[str] = []
    if engine is not None:
        with contextlib.suppress(ContainerMagicsError):
            names = [name for image in engine.images() for name in image.names]
    return names
