"""Untrusted text made fit to show: names, labels and log lines come from images and registries."""

from __future__ import annotations

import unicodedata

__all__ = ["visible"]

_NAME_LIMIT = 300
_JOINERS = "\u200c\u200d"
_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"


def visible(text: str, limit: int = _NAME_LIMIT) -> str:
    """Give one line in which nothing hides, and nothing steers a terminal or the reading order.

    Tabs and line ends become spaces; control characters become their pictures (`␛`); what
    Unicode calls format characters, such as bidirectional overrides, becomes its code
    (`<U+202E>`); lone surrogates become U+FFFD. Longer texts are cut and end in `…`.

    Args:
        text: anything.
        limit: most characters of the result.
    """
    text = text[: limit + 1]
    if not text.isprintable():
        text = "".join(map(_visible_character, text))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _visible_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character in "\t\n\r":
        return " "
    code = ord(character)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    category = unicodedata.category(character)
    if category == "Zs":
        return character
    return "\ufffd" if category == "Cs" else f"<U+{code:04X}>"
