"""Variables, quotes and escapes in the words of instructions.

Follows "Environment replacement" of the Dockerfile reference, and BuildKit's shell lexer where
that is silent: `$x`, `${x}`, `${x:-y}`, `${x-y}`, `${x:+y}`, `${x+y}`, `${x:?e}`, `${x?e}`,
`${x#p}`, `${x##p}`, `${x%p}`, `${x%%p}`, `${x/p/r}`, `${x//p/r}`, nested in each other.
Patterns know `*`, `?` and a backslash before one of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import DockerfileError
from .patterns import remove_prefix, remove_suffix, replace
from .words import SPACES

__all__ = ["Lexer", "expand", "expand_heredoc", "expand_words", "unset_names", "used_names"]


def expand(word: str, env: Mapping[str, str], escape: str = "\\") -> str:
    """One word with variables replaced, quotes removed and escapes resolved.

    Raises:
        DockerfileError: bad substitution, an unfinished quote, or `${x:?…}` of an unset
            variable. It has no line: the caller knows it.
    """
    return Lexer(word, env, escape).run()[0]


def expand_words(text: str, env: Mapping[str, str], escape: str = "\\") -> list[str]:
    """As `expand`, then split at white space, also where a variable's value brought it in.

    Quoted and escaped white space does not split; an empty word vanishes.

    Raises:
        DockerfileError: as `expand`.
    """
    return Lexer(text, env, escape).run()[1]


def expand_heredoc(body: str, env: Mapping[str, str]) -> str:
    """A here-document with variables replaced; quotes stay, and the escape is a backslash.

    Raises:
        DockerfileError: as `expand`.
    """
    return Lexer(body, env, "\\", quotes=False).run()[0]


def used_names(text: str, env: Mapping[str, str], escape: str = "\\") -> frozenset[str]:
    """The names of the variables that `expand` looks up in this text, set or not.

    Raises:
        DockerfileError: as `expand`.
    """
    lexer = Lexer(text, env, escape)
    lexer.run()
    return frozenset(lexer.names)


def unset_names(text: str, env: Mapping[str, str], escape: str = "\\") -> frozenset[str]:
    """The variables of this text that are not set, and for which it says nothing else.

    Raises:
        DockerfileError: as `expand`.
    """
    lexer = Lexer(text, env, escape)
    lexer.run()
    return frozenset(lexer.unset)


class Lexer:
    """One pass over one text.

    The three `keep_` switches are for finding here-documents, which must see the words of a
    command as they were written.

    Attributes:
        names: variables looked up so far.
        unset: those of them that are not set, and have no default.
    """

    def __init__(
        self,
        text: str,
        env: Mapping[str, str],
        escape: str,
        *,
        quotes: bool = True,
        keep_quotes: bool = False,
        keep_escapes: bool = False,
        keep_unset: bool = False,
    ) -> None:
        self._text = text
        self._at = 0
        self._env = env
        self._escape = escape
        self._quotes = "'\"" if quotes else ""
        self._keep_quotes = keep_quotes
        self._keep_escapes = keep_escapes
        self._keep_unset = keep_unset
        self.names: set[str] = set()
        self.unset: set[str] = set()

    def run(self) -> tuple[str, list[str]]:
        """The expanded text whole, and the same in words.

        Raises:
            DockerfileError: as `expand`.
        """
        try:
            return self._until("", keep_escapes=self._keep_escapes)
        except DockerfileError as error:
            source = json.dumps(self._text, ensure_ascii=False)
            raise DockerfileError(f"failed to process {source}: {error.reason}") from None
        except RecursionError:
            raise DockerfileError("variables are nested too deeply") from None

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _until(self, stop: str, *, keep_escapes: bool) -> tuple[str, list[str]]:
        """Expand up to an unquoted `stop` ("": to the end), and step over it."""
        outer, self._keep_escapes = self._keep_escapes, keep_escapes
        whole: list[str] = []
        words: list[str] = []
        word = ""

        def split(text: str) -> None:
            nonlocal word
            for char in text:
                if char not in SPACES:
                    word += char
                elif word:
                    words.append(word)
                    word = ""

        while char := self._peek():
            if char == stop:
                break
            if char == "$":
                piece = self._dollar()
                split(piece)
            elif char in self._quotes:
                piece = self._single() if char == "'" else self._double()
                word += piece
            elif char == self._escape:
                self._next()
                escaped = self._next()
                piece = (char if keep_escapes else "") + escaped
                word += piece
            else:
                piece = self._next()
                split(piece)
            whole.append(piece)
        self._keep_escapes = outer
        if stop and self._next() != stop:
            raise DockerfileError(f"unexpected end of statement while looking for matching {stop}")
        return "".join(whole), [*words, word] if word else words

    def _single(self) -> str:
        start = self._at
        end = self._text.find("'", start + 1)
        if end < 0:
            self._at = len(self._text)
            raise DockerfileError(
                "unexpected end of statement while looking for matching single-quote"
            )
        self._at = end + 1
        return self._text[start : end + 1] if self._keep_quotes else self._text[start + 1 : end]

    def _double(self) -> str:
        quote = self._next() if self._keep_quotes else self._next()[:0]
        pieces = [quote]
        while char := self._peek():
            if char == "$":
                pieces.append(self._dollar())
                continue
            self._next()
            if char == '"':
                return "".join([*pieces, quote])
            if char != self._escape:
                pieces.append(char)
                continue
            if self._keep_escapes:
                pieces.append(char)
            following = self._peek()
            if following and following in f'"${self._escape}':
                pieces.append(self._next())
            elif following:
                pieces.append(char)
        raise DockerfileError("unexpected end of statement while looking for matching double-quote")

    def _dollar(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            if not name:
                return "$"
            value = self._look_up(name)
            if value is None:
                return f"${name}" if self._keep_unset else ""
            return value
        self._next()
        if not self._peek():
            raise DockerfileError("syntax error: missing '}'")
        if self._peek() in "{}:":
            raise DockerfileError("syntax error: bad substitution")
        name = self._name()
        operator = self._next()
        if operator == "}":
            value = self._look_up(name)
            if value is None:
                return f"${{{name}}}" if self._keep_unset else ""
            return value
        if operator == "/":
            return self._replacement(name)
        if operator == ":":
            operator += self._next()
        if operator not in (":-", ":+", ":?", ":#", ":%", "-", "+", "?", "#", "%"):
            if operator == ":" or not operator:
                raise DockerfileError("syntax error: missing '}'")
            raise DockerfileError(f"unsupported modifier ({operator}) in substitution")
        return self._modified(name, operator)

    def _modified(self, name: str, operator: str) -> str:
        kind = operator[-1]
        word = self._operand("}", "syntax error: missing '}'", keep_escapes=kind in "#%")
        value = self._look_up(name, has_default=kind in "-+?")
        if value is None and self._keep_unset:
            return f"${{{name}{operator}{word}}}"
        missing = value is None or (operator[0] == ":" and not value)
        value = value or ""
        if kind == "-":
            return word if missing else value
        if kind == "+":
            return "" if missing else word
        if kind == "?":
            if missing:
                what = "empty" if name in self._env else "unset"
                raise DockerfileError(f"{name}: {word or f'is not allowed to be {what}'}")
            return value
        longest = word[:1] == kind
        pattern = word[1:] if longest else word
        remove = remove_prefix if kind == "#" else remove_suffix
        return remove(value, pattern, longest=longest)

    def _replacement(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._next()
        pattern = self._operand("/", "syntax error: missing '/' in ${}", keep_escapes=True)
        replacement = self._operand("}", "syntax error: missing '}'", keep_escapes=True)
        value = self._look_up(name)
        if value is None and self._keep_unset:
            return f"${{{name}/{pattern}/{replacement}}}"
        return replace(value or "", pattern, replacement, everywhere=everywhere)

    def _operand(self, stop: str, unfinished: str, *, keep_escapes: bool) -> str:
        try:
            return self._until(stop, keep_escapes=keep_escapes)[0]
        except DockerfileError:
            if self._peek():
                raise
            raise DockerfileError(unfinished) from None

    def _name(self) -> str:
        """A variable's name: letters, digits and `_`; all digits; or one special parameter."""
        start = self._at
        first = self._peek()
        if first.isdecimal():
            while self._peek().isdecimal():
                self._at += 1
        elif first and first in "@*#?-$!":
            self._at += 1
        else:
            while (char := self._peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self._at += 1
        return self._text[start : self._at]

    def _look_up(self, name: str, *, has_default: bool = False) -> str | None:
        self.names.add(name)
        value = self._env.get(name)
        if value is None and not has_default:
            self.unset.add(name)
        return value
