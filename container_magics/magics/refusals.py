"""What only a shell can do, refused by name, with the way to do it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from ..errors import UnsupportedError

__all__ = ["refuse_operator", "refuse_substitution"]

_QUOTE = "Quote it if it belongs to a word."


def refuse_substitution(text: str) -> NoReturn:
    """Refuse a command substitution.

    Args:
        text: the line from the `$(` or backtick on.

    Raises:
        UnsupportedError: always.
    """
    what = "`…`" if text.startswith("`") else "$(…)"
    if text.startswith(("$(pwd)", "`pwd`")):
        hint = "Write $PWD for the working directory."
    else:
        hint = (
            "Compute it in Python and write {name}, or put it in single quotes to have the "
            "container's shell run it."
        )
    raise UnsupportedError(
        f"{what}: no shell reads this line, so nothing can be substituted", hint=hint
    )


def refuse_operator(operator: str, before: Sequence[str], after: str) -> NoReturn:
    """Refuse an unquoted operator of the shell.

    Args:
        operator: such as `|` or `2>`.
        before: the words before it.
        after: the rest of the line.

    Raises:
        UnsupportedError: always.
    """
    verb = next((word for word in before if not word.startswith("-") and word != "image"), "")
    if operator in ("|", "|&"):
        hint = _instead_of_pipe(verb, before, after)
    elif operator in ("&&", "||", ";", ";;"):
        hint = f"Give each command a %docker line of its own. {_QUOTE}"
    elif operator == "&":
        hint = f"To go on behind the notebook, a container is run with -d. {_QUOTE}"
    elif "<" in operator:
        hint = _instead_of_input(verb, before, after)
    else:
        hint = _instead_of_output(operator, verb, before, after)
    raise UnsupportedError(f"{operator}: no shell reads this line", hint=hint)


def _instead_of_pipe(verb: str, before: Sequence[str], after: str) -> str:
    line = "%docker " + " ".join(before)
    if verb == "export" and "import" in after:
        names = after.split()
        name = next((word for word in reversed(names) if word not in ("-", "import")), "NAME")
        return f"Two lines do it: `{line} -o x.tar`, then `%docker import x.tar {name}`."
    if verb == "save" and "load" in after:
        return f"Two lines do it: `{line} -o x.tar`, then `%docker load -i x.tar`."
    if verb in ("export", "save"):
        return f"Write a file first: `{line} -o x.tar`."
    if verb == "run":
        return (
            "Keep the result, `r = %docker run …`, and work on r.stdout; or pipe inside the "
            f"container: `sh -c '… | …'`. {_QUOTE}"
        )
    return f"Keep the result, `x = {line}`, and work on it in Python. {_QUOTE}"


def _instead_of_input(verb: str, before: Sequence[str], after: str) -> str:
    line = "%docker " + " ".join(word for word in before if word != "-")
    file = next(iter(after.split()), "FILE")
    if verb == "load":
        return f"Name the file: `{line} -i {file}`."
    if verb == "import":
        return f"Name the file: `%docker import {file} …`."
    if verb == "build":
        return f"Name the file: `%docker build -f {file} .`."
    return f"Start the cell with %%docker: its body is the standard input. {_QUOTE}"


def _instead_of_output(operator: str, verb: str, before: Sequence[str], after: str) -> str:
    line = "%docker " + " ".join(before)
    file = next(iter(after.split()), "FILE")
    if verb in ("export", "save"):
        return f"Name the file: `{line} -o {file}`."
    if verb == "run":
        stream = "stderr" if operator.startswith("2") else "stdout"
        return f"Keep the result, `r = %docker run …`, and write r.{stream} to a file. {_QUOTE}"
    return f"Keep the result, `x = {line}`, and write str(x) to a file. {_QUOTE}"
