"""`docker version` and `docker info`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .call import Call, Command
from .grammar import Arguments, Flag, Grammar
from .results import Lines, Record
from .template import Template

__all__ = ["INFO", "VERSION"]

_FORMAT = Flag("format", "json, or a Go template", "f", "FORMAT")


def _version(arguments: Arguments, call: Call) -> Lines | Record:
    return _shown(call.engine.version(), arguments.one("format"))


def _info(arguments: Arguments, call: Call) -> Lines | Record:
    return _shown(call.engine.info(), arguments.one("format"))


def _shown(content: Mapping[str, Any], form: str) -> Lines | Record:
    if form == "json":
        return Lines([Template("{{json .}}").render(content)])
    if form:
        return Lines([Template(form).render(content)])
    return Record(content, "\n".join(_outline(content, 0)))


def _outline(content: Mapping[str, Any], depth: int) -> Iterator[str]:
    margin = " " * depth
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield f"{margin}{key}:"
            yield from _outline(value, depth + 1)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            yield f"{margin}{key}:"
            for item in value:
                yield from _outline(item if isinstance(item, Mapping) else {"": item}, depth + 1)
        elif isinstance(value, list):
            yield f"{margin}{key}: {' '.join(map(str, value))}".rstrip()
        elif value not in (None, ""):
            yield f"{margin}{key}: {value}"


VERSION = Command(
    Grammar("version", "[OPTIONS]", "Show the client's and the engine's version", flags=(_FORMAT,)),
    _version,
)
INFO = Command(
    Grammar("info", "[OPTIONS]", "Display the state of the engine", flags=(_FORMAT,)), _info
)
