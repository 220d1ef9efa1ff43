"""`docker inspect`: an object as JSON, or what a Go template takes from it."""

from __future__ import annotations

from typing import Any

from ..errors import UsageError
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .results import Document, Lines
from .template import Template

__all__ = ["IMAGE_INSPECT", "INSPECT"]


def _inspect(arguments: Arguments, call: Call) -> Document | Lines:
    kind = arguments.one("type") if arguments.knows("type") else "image"
    if kind not in ("", "image", "container"):
        raise UsageError(
            f'"{kind}" is not a valid value for --type', hint="image and container are."
        )
    form = arguments.one("format")
    template = Template(form) if form not in ("", "json") else None
    found = [_one(name, kind, call) for name in arguments.operands]
    if template is not None:
        return Lines(template.render(item) for item in found)
    return Document(found)


def _one(name: str, kind: str, call: Call) -> dict[str, Any]:
    if kind == "image":
        return call.engine.inspect(call.engine.image(name).id)
    item = call.engine.inspect(name)
    if kind == "container" and "RootFS" in item:
        raise UsageError(f"Error: No such container: {name}", hint="It is an image.")
    return item


_FORMAT = Flag("format", "json, or a Go template such as '{{json .Config}}'", "f", "FORMAT")

INSPECT = Command(
    Grammar(
        "inspect",
        "[OPTIONS] NAME|ID [NAME|ID...]",
        "Return low-level information on images and containers",
        least=1,
        most=None,
        flags=(_FORMAT, Flag("type", "image or container", value="TYPE")),
        refused=refuse("size/s"),
    ),
    _inspect,
)

IMAGE_INSPECT = Command(
    Grammar(
        "image inspect",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Display detailed information on one or more images",
        least=1,
        most=None,
        flags=(_FORMAT,),
        refused=refuse("platform"),
    ),
    _inspect,
)
