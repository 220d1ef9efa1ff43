"""A password that is written in a cell is refused: it would be saved with the notebook."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from .words import Word

__all__ = ["refuse_written_password"]

_VARIABLE = re.compile(r"\{[^\W\d]\w*\}|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
_UNEXPANDED = str.maketrans("{$", "\0\0")


def refuse_written_password(words: Sequence[Word]) -> None:
    """Refuse `login -p TEXT`, unless the text is a variable.

    Args:
        words: as written, before variables are expanded.

    Raises:
        UsageError: with the safe ways; the password is not in it.
    """
    from ..commands.dispatch import resolve
    from ..commands.login import LOGIN, SAFE_WAYS

    written = [
        "".join(
            piece.text.translate(_UNEXPANDED) if piece.quoting == "literal" else piece.text
            for piece in word
        )
        for word in words
    ]
    if "login" not in written:
        return
    try:
        resolved = resolve([word for word in written if not word.startswith("--no-raise-error")])
    except UsageError:
        return  # it is raised again, and tells what is wrong, when the words are expanded
    if resolved.command is not LOGIN or resolved.arguments.help:
        return
    if not all(_VARIABLE.fullmatch(text) for text in resolved.arguments.all("password")):
        raise UsageError(
            "docker login: a password in a cell is saved with the notebook",
            hint=f"Take it out of the cell again, and change it if the notebook was saved or "
            f"shared. {SAFE_WAYS}",
        )
