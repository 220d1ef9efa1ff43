r"""From the line of a magic to the words of a docker command.

The line is split as a POSIX shell splits it (quotes, backslashes, `#` comments), then each word
is expanded from the notebook's namespace:

    {name}           the variable; a list, where `{name}` is the whole word, becomes several words
    {{.ID}}          left alone, for `--format`
    $name ${name}    the variable, or else the environment's
    ~ ~/data         the home directory, at the start of a word
    'single quotes'  nothing is expanded in them: what the container's own shell must see
    \$ \{            a backslash suppresses one expansion (in double quotes only `\$`)

Unlike a shell's, a value never splits at its spaces and an unknown name is an error; `$1`, `$?`
and other non-names are left for the container. Globs are not expanded. What only a shell can do
(pipes, redirections, `$(…)`) is refused, see `refusals`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..engines.images import Image, ImageSummary
from ..errors import UsageError
from .refusals import refuse_operator, refuse_substitution

__all__ = ["Piece", "Word", "continue_line", "expand", "parse", "split"]

Quoting = Literal["bare", "double", "literal"]
"""How a piece was written: `literal` is in single quotes or behind a backslash."""

_OPERATOR = re.compile(r"[0-9]*(?:>>|>&|>\||&>|>|<<<|<<|<&|<)|\|\||\|&|\||&&|&|;;|;")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[^}]*)\}|(?P<plain>[A-Za-z_][A-Za-z0-9_]*))")
_BRACES = re.compile(r"\{\{.*?\}\}+|\{(?P<name>[^\W\d]\w*)\}", re.DOTALL)
_EXPANDABLE = re.compile(f"{_BRACES.pattern}|{_VARIABLE.pattern}", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring characters of a word that were quoted the same way."""

    text: str
    quoting: Quoting


Word = tuple[Piece, ...]


def parse(line: str, namespace: Mapping[str, object]) -> list[str]:
    """Split a line and expand its words.

    Raises:
        UsageError: an open quote, an operator of the shell, an unknown name.
    """
    return expand(split(line), namespace)


def continue_line(line: str, body: str) -> tuple[str, str]:
    """Join a cell magic's line with the cell's next lines while it ends in a backslash.

    Returns:
        The whole line, and what is left of the cell.
    """
    while (len(line) - len(line.rstrip("\\"))) % 2:
        following, _, body = body.partition("\n")
        line = line[:-1] + following
    return line, body


def split(line: str) -> list[Word]:
    """Split a line into words, noting how each part of them was quoted.

    Raises:
        UsageError: an open quote or an unquoted operator of the shell.
    """
    return list(_Splitter(line).words())


class _Splitter:
    """The POSIX shell's token recognition (XCU 2.3), as far as words go."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0
        self._pieces: list[Piece] = []
        self._started = False

    def words(self) -> Iterator[Word]:
        line = self._line
        done: list[Word] = []
        while self._at < len(line):
            char = line[self._at]
            if char.isspace():
                if self._started:
                    done.append(self._finish())
                    yield done[-1]
                self._at += 1
            elif char == "#" and not self._started:
                return
            elif char == "\\":
                self._backslash()
            elif char == "'":
                self._single()
            elif char == '"':
                self._double()
            else:
                self._refuse(done)
                self._add(char, "bare")
                self._at += 1
        if self._started:
            yield self._finish()

    def _finish(self) -> Word:
        word, self._pieces, self._started = tuple(self._pieces), [], False
        return word

    def _add(self, text: str, quoting: Quoting) -> None:
        self._started = True
        if self._pieces and self._pieces[-1].quoting == quoting:
            text = self._pieces.pop().text + text
        self._pieces.append(Piece(text, quoting))

    def _backslash(self) -> None:
        escaped = self._line[self._at + 1 : self._at + 2]
        if escaped and escaped != "\n":
            self._add(escaped, "literal")
        self._at += 2

    def _single(self) -> None:
        end = self._line.find("'", self._at + 1)
        if end < 0:
            raise UsageError(f"a single quote is never closed: {self._line[self._at :]}")
        self._add(self._line[self._at + 1 : end], "literal")
        self._at = end + 1

    def _double(self) -> None:
        line, start = self._line, self._at
        self._add("", "double")
        self._at += 1
        while (char := line[self._at : self._at + 1]) != '"':
            if not char:
                raise UsageError(f"a double quote is never closed: {line[start:]}")
            if char == "\\" and line[self._at + 1 : self._at + 2] in set('$`"\\\n'):
                escaped = line[self._at + 1 : self._at + 2]
                self._add("" if escaped == "\n" else escaped, "literal")
                self._at += 2
                continue
            self._refuse_substitution()
            self._add(char, "double")
            self._at += 1
        self._at += 1

    def _refuse_substitution(self) -> None:
        if self._line[self._at] == "`" or self._line.startswith("$(", self._at):
            refuse_substitution(self._line[self._at :])

    def _refuse(self, done: list[Word]) -> None:
        self._refuse_substitution()
        operator = _OPERATOR.match(self._line, self._at)
        if operator is None or (operator.group()[0].isdigit() and self._started):
            return
        before = ["".join(piece.text for piece in word) for word in done]
        if self._started:
            before.append("".join(piece.text for piece in self._pieces))
        refuse_operator(operator.group(), before, self._line[operator.end() :].strip())


# --- expansion ----------------------------------------------------------------------------------


def expand(words: list[Word], namespace: Mapping[str, object]) -> list[str]:
    """Expand words from the namespace and the environment.

    Raises:
        UsageError: an unknown name, or a value that makes no word.
    """
    expanded: list[str] = []
    for word in words:
        several = _spread(word, namespace)
        if several is None:
            expanded.append("".join(_piece(piece, namespace) for piece in _at_home(word)))
        else:
            expanded.extend(several)
    return expanded


def _spread(word: Word, namespace: Mapping[str, object]) -> list[str] | None:
    """The words of a list, where the word is exactly `{names}` and holds one; else None."""
    if len(word) != 1 or word[0].quoting != "bare":
        return None
    match = _BRACES.fullmatch(word[0].text)
    if match is None or match["name"] is None:
        return None
    value = _look_up(match["name"], namespace)
    if not isinstance(value, list | tuple):
        return None
    return [_text(item, f"{match.group()} holds") for item in value]


def _at_home(word: Word) -> Word:
    """The word with a `~` or `~user` at its start replaced."""
    if not word or word[0].quoting != "bare" or not word[0].text.startswith("~"):
        return word
    head, slash, tail = word[0].text.partition("/")
    if not slash and len(word) > 1:
        return word
    home = str(Path(head).expanduser()) if _has_home(head) else head
    return (Piece(home, "literal"), Piece(slash + tail, "bare"), *word[1:])


def _has_home(head: str) -> bool:
    try:
        Path(head).expanduser()
    except RuntimeError:
        return False
    return True


def _piece(piece: Piece, namespace: Mapping[str, object]) -> str:
    if piece.quoting == "literal":
        return piece.text

    def value(match: re.Match[str]) -> str:
        if (name := match["name"]) is not None:
            return _text(_look_up(name, namespace), f"{match.group()} holds")
        if (plain := match["plain"]) is not None:
            return _variable(plain, match.group(), namespace)
        if (braced := match["braced"]) is None:
            return match.group()
        if not _IDENTIFIER.fullmatch(braced):
            raise UsageError(
                f"{match.group()} is not understood: only ${{name}} is",
                hint="Write it in single quotes if the container's shell is to expand it.",
            )
        return _variable(braced, match.group(), namespace)

    return _EXPANDABLE.sub(value, piece.text)


def _look_up(name: str, namespace: Mapping[str, object]) -> object:
    try:
        return namespace[name]
    except KeyError:
        raise UsageError(
            f"{{{name}}}: no variable named {name!r} in this notebook",
            hint=f"Set it first, or write '{{{name}}}' in single quotes to pass it on as it is.",
        ) from None


def _variable(name: str, written: str, namespace: Mapping[str, object]) -> str:
    if name in namespace:
        return _text(namespace[name], f"{written} holds")
    if name == "PWD":
        return str(Path.cwd())
    if name in os.environ:
        return os.environ[name]
    raise UsageError(
        f"{written}: {name!r} is neither a variable of this notebook nor of the environment",
        hint=f"To have the container's shell expand it, write it in single quotes: '{written}'.",
    )


def _text(value: object, holder: str) -> str:
    """The word that a value makes: text, a number, a path, or an image's ID."""
    if isinstance(value, Image | ImageSummary):
        return value.id
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, list | tuple):
        raise UsageError(
            f"{holder} a list, which can only be several words",
            hint="Write it unquoted, as a word of its own.",
        )
    raise UsageError(
        f"{holder} {type(value).__name__!r}, which makes no word",
        hint="Text, numbers, paths, images and lists of them do.",
    )
