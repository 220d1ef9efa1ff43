"""Splitting one instruction's text: white space, flags, quoted words, JSON arrays.

White space is what Go's `unicode.IsSpace` takes for it, which differs from Python's
`str.isspace` by four control characters.
"""

from __future__ import annotations

import json
import re

from ..errors import DockerfileError

__all__ = ["SPACES", "json_words", "split_flags", "split_keyword", "split_plain", "split_quoted"]

SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

_BLANKS = re.compile(r"[\t\v\f\r ]+")


def split_keyword(text: str) -> tuple[str, str]:
    """Keyword as written and the rest of an instruction."""
    keyword, *rest = _BLANKS.split(text.strip(SPACES), maxsplit=1)
    return keyword, rest[0] if rest else ""


def split_plain(text: str) -> list[str]:
    """Words between blanks, quotes being nothing special; [] for an empty text."""
    return _BLANKS.split(text) if text else []


def split_flags(text: str) -> tuple[list[str], str]:
    """The leading `--flag` words, without quotes and escapes, and the trimmed rest.

    A lone `--` ends the flags. The escape is always a backslash here, whatever the directive
    says; so it is in BuildKit.
    """
    flags: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in SPACES:
            at += 1
        if not text.startswith("--", at):
            return flags, text[at:].strip(SPACES)
        word, at = _unquoted_word(text, at)
        if word == "--":
            return flags, text[at:].strip(SPACES)
        flags.append(word)


def _unquoted_word(text: str, at: int) -> tuple[str, int]:
    """The word that starts at `at`, quotes and escapes removed, and where it ends."""
    word: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            word.append(text[at + 1 : at + 2])
            at += 2
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                word.append(char)
        elif char in SPACES:
            break
        elif char in "'\"":
            quote = char
        else:
            word.append(char)
        at += 1
    return "".join(word), min(at, len(text))


def split_quoted(text: str, escape: str) -> list[str]:
    """Words between white space that is neither quoted nor escaped; quotes and escapes stay.

    An escape character at the very end is dropped.
    """
    words: list[str] = []
    word: list[str] = []
    quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            if at + 1 < len(text):
                word.append(text[at : at + 2])
            at += 2
            continue
        if not quote and char in SPACES:
            if word:
                words.append("".join(word))
                word = []
            at += 1
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        word.append(char)
        at += 1
    if word:
        words.append("".join(word))
    return words


def json_words(text: str) -> tuple[str, ...] | None:
    """The strings of a JSON array, or None where the text is no JSON array (so: shell form).

    Raises:
        DockerfileError: an array with something else than strings in it.
    """
    text = text.lstrip(SPACES)
    if not text.startswith("["):
        return None
    try:
        array = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(word, str) for word in array):
        raise DockerfileError(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return tuple(_without_surrogates(word) for word in array)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _without_surrogates(word: str) -> str:
    return word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
