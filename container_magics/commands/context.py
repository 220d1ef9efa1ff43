"""`docker context`: which engines there are, and which one is used."""

from __future__ import annotations

from ..engines.contexts import Context, list_contexts
from ..errors import UnsupportedError
from ..views import Column, Table
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar
from .listing import formatted
from .results import Lines

__all__ = ["LS", "SHOW", "USE"]

_HEADINGS = {"DockerEndpoint": "DOCKER ENDPOINT"}
_COLUMNS = (
    Column("Name", "NAME"),
    Column("Current", "CURRENT", lambda current: "*" if current == "true" else ""),
    Column("Description", "DESCRIPTION"),
    Column("DockerEndpoint", "DOCKER ENDPOINT"),
    Column("Error", "ERROR"),
)


def _ls(arguments: Arguments, call: Call) -> Table | Lines:
    current = call.session.choice.context.name
    contexts = list_contexts()
    if arguments.on("quiet"):
        return Lines(context.name for context in contexts)
    rows = [_row(context, current) for context in contexts]
    lines = formatted(rows, arguments.one("format"), _HEADINGS)
    if lines is not None:
        return lines
    return Table(_COLUMNS, rows)


def _row(context: Context, current: str) -> dict[str, str]:
    return {
        "Current": str(context.name == current).lower(),
        "Name": context.name,
        "Description": context.description,
        "DockerEndpoint": context.endpoint,
        "Error": context.error,
    }


def _use(arguments: Arguments, call: Call) -> None:
    name = arguments.operands[0]
    if not call.surface.lasting:
        raise UnsupportedError(
            "docker context use: the choice would end with this command",
            hint=f"Write `export DOCKER_CONTEXT={name}`, or --context {name} before the verb.",
        )
    call.session.use(name)
    call.surface.write(f'{name}\nCurrent context is now "{name}"\n')


def _show(_: Arguments, call: Call) -> Lines:
    return Lines([call.session.choice.context.name])


LS = Command(
    Grammar(
        "context ls",
        "[OPTIONS]",
        "List contexts",
        flags=(
            Flag("format", "table, json, or a Go template", value="FORMAT"),
            Flag("quiet", "only show context names", "q"),
        ),
    ),
    _ls,
)
USE = Command(
    Grammar("context use", "CONTEXT", "Use another engine from now on", least=1, most=1), _use
)
SHOW = Command(Grammar("context show", "", "Print the name of the context in use"), _show)
