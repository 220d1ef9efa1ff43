"""What `--chmod` says: a mode in octal, or changes to one, as chmod(1) writes both.

755   u=rwX,go=rX   +x   g=u   a-w,u+w   u+s
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable

from .....errors import BuildError

__all__ = ["Mode", "parse_mode"]

Mode = Callable[[int], int]
"""Gives the mode, with the kind of file, that a file of such a mode is to have."""

_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<actions>(?:[-+=][rwxXstugo]*)+)")
_ACTION = re.compile(r"([-+=])([rwxXstugo]*)")
_SHIFT = {"u": 6, "g": 3, "o": 0}
_SET_ID = {"u": stat.S_ISUID, "g": stat.S_ISGID, "o": 0}
_ANY_EXECUTE = 0o111


def parse_mode(text: str) -> Mode:
    """Read a mode.

    Raises:
        BuildError: neither octal, up to 07777, nor symbolic.
    """
    if text[:1].isdigit():
        return _octal(text)
    clauses = [_CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if None in clauses:
        raise BuildError(
            f"invalid chmod parameter: '{text}'. invalid syntax",
            hint="Write it in octal, such as 755, or as chmod does, such as u=rwX,go=rX.",
        )
    changes = [
        (clause["who"].replace("a", "ugo") or "ugo", sign, what)
        for clause in clauses
        if clause is not None
        for sign, what in _ACTION.findall(clause["actions"])
    ]

    def change(mode: int) -> int:
        kind, bits = stat.S_IFMT(mode), stat.S_IMODE(mode)
        executable = bool(bits & _ANY_EXECUTE) or kind == stat.S_IFDIR
        for who, sign, what in changes:
            bits = _changed(bits, who, sign, what, executable)
        return kind | bits

    return change


def _octal(text: str) -> Mode:
    if not re.fullmatch("[0-7]+", text) or int(text, 8) > 0o7777:
        raise BuildError(
            f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777"
        )
    bits = int(text, 8)
    return lambda mode: stat.S_IFMT(mode) | bits


def _changed(bits: int, who: str, sign: str, what: str, executable: bool) -> int:
    """The bits after one action of one clause, such as the `=rX` of `go=rX`."""
    mask = wanted = 0
    for one in who:
        mask |= 0o7 << _SHIFT[one] | _SET_ID[one]
        wanted |= _permissions(bits, what, executable) << _SHIFT[one]
        wanted |= _SET_ID[one] if "s" in what else 0
    if set(who) != {"o"}:
        mask |= stat.S_ISVTX if "t" in what else 0
        wanted |= stat.S_ISVTX if "t" in what else 0
    if sign == "+":
        return bits | wanted
    if sign == "-":
        return bits & ~wanted
    return bits & ~mask | wanted


def _permissions(bits: int, what: str, executable: bool) -> int:
    """The three bits that letters mean, before they are shifted to whose they are."""
    letters = {"r": 4, "w": 2, "x": 1, "X": int(executable), "s": 0, "t": 0}
    total = 0
    for letter in what:
        total |= letters[letter] if letter in letters else bits >> _SHIFT[letter] & 0o7
    return total
