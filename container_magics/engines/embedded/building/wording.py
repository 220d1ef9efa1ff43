"""Values as Go prints them, which is how BuildKit writes them into history."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["duration", "quoted", "rune"]

_ESCAPES = {
    7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r",
}  # fmt: skip


def quoted(words: Sequence[str]) -> str:
    """A list of texts, as %q prints it."""
    return "[" + " ".join(f'"{"".join(map(_escaped, word))}"' for word in words) + "]"


def _escaped(character: str, quote: str = '"') -> str:
    """A character as Go's strconv writes it between quotes."""
    code = ord(character)
    if character in (quote, "\\"):
        return f"\\{character}"
    if character.isprintable():
        return character
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def rune(number: int) -> str:
    """A number, as %q prints it: the character it stands for."""
    shown = _escaped(chr(number), quote="'") if number <= sys.maxunicode else "\ufffd"
    return f"'{shown}'"


def duration(nanoseconds: int) -> str:
    """A time.Duration: 1m0s, 500ms, 0s."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    if not seconds and rest:
        return f"{rest / 1e6:g}ms" if rest >= 1_000_000 else f"{rest / 1e3:g}µs"
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    tail = f"{seconds}{f'{rest / 1e9:g}'[1:] if rest else ''}s"
    if hours:
        return f"{hours}h{minutes}m{tail}"
    return f"{minutes}m{tail}" if minutes else tail
