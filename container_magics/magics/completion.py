"""The Tab key after `%docker`: verbs, flags, names of images, containers, volumes, networks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from ..errors import ContainerMagicsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from ..commands.grammar import Flag, Grammar
    from ..engines.base import Engine

__all__ = ["COMPLETED_LINES", "Event", "complete"]

COMPLETED_LINES = r".*%docker\b"
"""Lines that `complete` is asked for: also `x = %docker …`."""

_ANYTHING = "NAME|ID"
_RUNNING = ("running", "paused", "restarting")
_STATES = {
    "start": ("created", "exited"),
    "stop": _RUNNING,
    "kill": _RUNNING,
    "exec": ("running",),
    "attach": ("running",),
    "pause": ("running",),
    "unpause": ("paused",),
    "top": _RUNNING,
    "stats": _RUNNING,
}
"""The states in which a verb has something to do, where it has not in all of them."""
_VALUES = {"volume": "VOLUME", "network": "NETWORK"}
"""What the values of flags name."""


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
        return sorted([*VERBS, *GROUPS])
    group = GROUPS.get(words[0], {})
    taken = 1 if words[0] in VERBS else 2
    command = VERBS.get(words[0]) or (group.get(words[1]) if len(words) > 1 else None)
    if command is None:
        return sorted(group)
    if last.startswith("-"):
        return _spelled(command.grammar.flags)
    wanted = _wanted(command.grammar, words[taken:])
    if engine is None or not wanted:
        return ()
    with contextlib.suppress(ContainerMagicsError):
        return [name for name in _names(engine, wanted, command.grammar) if name not in words]
    return ()


def _spelled(flags: Iterable[Flag]) -> list[str]:
    return [f"--{flag.name}" for flag in flags]


def _wanted(grammar: Grammar, words: list[str]) -> str:
    """What the next word is, as the usage calls it: `CONTAINER`, `[IMAGE...]`; a flag's value."""
    valued = {
        spelled: flag
        for flag in grammar.flags
        if flag.value
        for spelled in (f"--{flag.name}", f"-{flag.short}")
    }
    place, before = 0, ""
    for word in words:
        if before in valued:
            before = ""
            continue
        before = word
        place += not word.startswith("-")
    if before in valued:
        return _VALUES.get(valued[before].name, "")
    if grammar.verb == "cp":
        return "CONTAINER:"
    tokens = grammar.usage.removeprefix("[OPTIONS] ").split(" ")
    if place < len(tokens):
        return tokens[place]
    return tokens[-1] if tokens[-1].endswith("...]") else ""


def _names(engine: Engine, wanted: str, grammar: Grammar) -> Iterable[str]:
    if "CONTAINER" in wanted or _ANYTHING in wanted:
        states = _STATES.get(grammar.verb)
        found = [
            each.name
            for each in engine.containers(every=True)
            if states is None or each.state in states
        ]
        yield from (f"{name}:" if "CONTAINER:" in wanted else name for name in found)
    if any(word in wanted for word in ("IMAGE", "REPOSITORY", "NAME[", _ANYTHING)):
        for image in engine.images():
            yield from image.names
    if "VOLUME" in wanted or _ANYTHING in wanted:
        yield from (volume.name for volume in engine.volumes())
    if "NETWORK" in wanted or _ANYTHING in wanted:
        yield from (network.name for network in engine.networks())
