"""`docker inspect`: an object as JSON, or what a Go template takes from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engines.base import Engine
from ..errors import NotFoundError, UsageError
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .results import Document, Lines
from .template import Template

__all__ = [
    "CONTAINER_INSPECT",
    "IMAGE_INSPECT",
    "INSPECT",
    "NETWORK_INSPECT",
    "VOLUME_INSPECT",
]


# --- objects ------------------------------------------------------------------------------------


def _container(engine: Engine, name: str) -> dict[str, Any]:
    return engine.inspect(engine.container(name).id)


def _image(engine: Engine, name: str) -> dict[str, Any]:
    return engine.inspect(engine.image(name).id)


def _network(engine: Engine, name: str) -> dict[str, Any]:
    for network in engine.networks():
        if name and (name == network.name or network.id.startswith(name)):
            break
    else:
        raise NotFoundError(f"network {name} not found")
    return {
        "Name": network.name,
        "Id": network.id,
        "Created": network.created.isoformat() if network.created else None,
        "Scope": network.scope,
        "Driver": network.driver,
        "Containers": {
            each.id: {"Name": each.name}
            for each in engine.containers()
            if network.name in each.networks
        },
        "Labels": dict(network.labels),
    }


def _volume(engine: Engine, name: str) -> dict[str, Any]:
    volume = engine.volume(name)
    return {
        "CreatedAt": volume.created.isoformat() if volume.created else None,
        "Driver": volume.driver,
        "Labels": dict(volume.labels),
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Options": None,
        "Scope": volume.scope,
    }


_KINDS: Mapping[str, Callable[[Engine, str], dict[str, Any]]] = {
    "container": _container,
    "image": _image,
    "network": _network,
    "volume": _volume,
}
"""What can be inspected, in the order in which docker looks for a name."""


def _any(engine: Engine, name: str) -> dict[str, Any]:
    for find in _KINDS.values():
        try:
            return find(engine, name)
        except NotFoundError:
            continue
    raise NotFoundError(f"Error: No such object: {name}")


def _measured(engine: Engine, found: list[dict[str, Any]]) -> None:
    """Add sizes to what is a container."""
    sizes = {each.id: each.size for each in engine.containers(every=True, sizes=True)}
    for item in found:
        if item["Id"] in sizes:
            written = sizes[item["Id"]] or 0
            item["SizeRw"] = written
            item["SizeRootFs"] = written + engine.image(item["Image"]).size


# --- verbs --------------------------------------------------------------------------------------


def _inspect(arguments: Arguments, call: Call) -> Document | Lines:
    kind = arguments.one("type")
    if kind and kind not in _KINDS:
        raise UsageError(
            f'"{kind}" is not a valid value for --type', hint=f"These are: {', '.join(_KINDS)}."
        )
    return _shown(_KINDS.get(kind, _any), arguments, call)


def _inspecting(kind: str) -> Callable[[Arguments, Call], Document | Lines]:
    return lambda arguments, call: _shown(_KINDS[kind], arguments, call)


def _shown(
    find: Callable[[Engine, str], dict[str, Any]], arguments: Arguments, call: Call
) -> Document | Lines:
    form = arguments.one("format")
    template = Template(form) if form not in ("", "json") else None
    found = [find(call.engine, name) for name in arguments.operands]
    if arguments.knows("size") and arguments.on("size"):
        _measured(call.engine, found)
    if template is not None:
        return Lines(template.render(item) for item in found)
    return Document(found)


_FORMAT = Flag("format", "json, or a Go template such as '{{json .Config}}'", "f", "FORMAT")
_SIZE = Flag("size", "with the sizes of containers", "s")

INSPECT = Command(
    Grammar(
        "inspect",
        "[OPTIONS] NAME|ID [NAME|ID...]",
        "Return low-level information on containers, images, networks and volumes",
        least=1,
        most=None,
        flags=(_FORMAT, _SIZE, Flag("type", ", ".join(_KINDS), value="TYPE")),
    ),
    _inspect,
)

CONTAINER_INSPECT = Command(
    Grammar(
        "container inspect",
        "[OPTIONS] CONTAINER [CONTAINER...]",
        "Display detailed information on one or more containers",
        least=1,
        most=None,
        flags=(_FORMAT, _SIZE),
    ),
    _inspecting("container"),
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
    _inspecting("image"),
)

NETWORK_INSPECT = Command(
    Grammar(
        "network inspect",
        "[OPTIONS] NETWORK [NETWORK...]",
        "Display detailed information on one or more networks",
        least=1,
        most=None,
        flags=(_FORMAT,),
        refused=refuse("verbose/v"),
    ),
    _inspecting("network"),
)

VOLUME_INSPECT = Command(
    Grammar(
        "volume inspect",
        "[OPTIONS] VOLUME [VOLUME...]",
        "Display detailed information on one or more volumes",
        least=1,
        most=None,
        flags=(_FORMAT,),
    ),
    _inspecting("volume"),
)
