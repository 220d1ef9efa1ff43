"""Passwords come from variables: one that is written in a cell would be saved with the notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..errors import UsageError
from .words import Word, expand

__all__ = ["check_password"]

_VARIABLE = re.compile(r"\{[^\W\d]\w*\}|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?")
_UNEXPANDED = str.maketrans("{$", "\0\0")


def check_password(words: Sequence[Word], namespace: Mapping[str, object]) -> None:
    """Refuse `login -p TEXT`, unless the text is a variable, which holds one word.

    A list of several would give words that are taken for others, and shown; one of none would make
    the next word the password.

    Args:
        words: as written, before variables are expanded.
        namespace: the variables.

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
    passwords = resolved.arguments.all("password")
    if not all(_VARIABLE.fullmatch(text) for text in passwords):
        raise UsageError(
            "docker login: a password in a cell is saved with the notebook",
            hint=f"Take it out of the cell again, and change it if the notebook was saved or "
            f"shared. {SAFE_WAYS}",
        )
    for word, text in zip(words, written, strict=True):
        if text not in passwords:
            continue
        found = expand([word], namespace)
        lines = isinstance(namespace.get(text.strip("{}")), list)  # As `x = !command` gives.
        if lines:
            found = [part for line in found for part in line.split()]
        if len(found) != 1 or not found[0]:
            holds = f"{len(found)} words, and a password is one" if any(found) else "nothing"
            raise UsageError(
                f"docker login: {text} holds {holds}",
                hint="Look at what gave it: a command that failed gives no lines, or an error's.",
            )
