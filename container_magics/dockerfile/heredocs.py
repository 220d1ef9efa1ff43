"""Finding the `<<WORD` of here-documents in a command."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DockerfileError
from .expansion import Lexer

__all__ = ["Marker", "find_markers", "marker"]

_WORD = re.compile(r"[0-9]*<<(-?)([^<]+)")


@dataclass(frozen=True, slots=True)
class Marker:
    """A here-document that is announced: the line that ends it, and how to read it."""

    name: str
    expand: bool
    chomp: bool


def find_markers(line: str) -> list[Marker]:
    """The here-documents that one joined line announces, in order.

    A line whose quotes or `${…}` do not close announces none: it is the shell's to complain.
    """
    lexer = Lexer(line, {}, "\\", keep_quotes=True, keep_escapes=True, keep_unset=True)
    try:
        words = lexer.run()[1]
    except DockerfileError:
        return []
    return [found for word in words if (found := marker(word))]


def marker(word: str) -> Marker | None:
    """The here-document that this word announces, or None.

    Raises:
        DockerfileError: the quotes of its name do not close.
    """
    match = _WORD.fullmatch(word)
    if not match:
        return None
    names = Lexer(match[2], {}, "\\", keep_unset=True).run()[1]
    if len(names) != 1:
        return None
    quoted = Lexer(match[2], {}, "\\", keep_unset=True, keep_quotes=True).run()[1]
    return Marker(
        name=names[0],
        expand=_quotes(names) == _quotes(quoted),
        chomp=bool(match[1]),
    )


def _quotes(words: list[str]) -> int:
    return sum(word.count("'") + word.count('"') for word in words)
