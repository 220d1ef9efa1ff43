"""`docker ps`: which containers there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...engines.containers import Container
from ...views import Table, ago
from ...views.containers import (
    command_text,
    containers_table,
    image_text,
    ports_text,
    size_text,
    status,
)
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar
from ..listing import formatted
from ..notebook import NotebookSurface
from ..results import Lines
from ..values import whole
from .labels import label_text
from .proxy import proxy_root
from .ps_filters import filtered, reaches_stopped

__all__ = ["PS"]

_SHORT_ID = 12
_MOUNT_WIDTH = 15
_HEADINGS: Mapping[str, Any] = {
    "ID": "CONTAINER ID",
    "RunningFor": "CREATED",
    "CreatedAt": "CREATED AT",
    "LocalVolumes": "LOCAL VOLUMES",
    "Label": lambda name: re.sub("[-_]", " ", name.rpartition(".")[2]),
}


def _ps(arguments: Arguments, call: Call) -> Table | Lines:
    form, filters, engine = arguments.one("format"), arguments.all("filter"), call.engine
    count = 1 if arguments.on("latest") else whole(arguments.one("last"), "-n, --last")
    measured = arguments.on("size") or ".Size" in form
    every = arguments.on("all") or count > 0 or reaches_stopped(filters)
    chosen = filtered(engine.containers(every=every, sizes=measured), filters, engine)
    if count > 0:
        chosen = chosen[:count]
    full = arguments.on("no-trunc")
    if arguments.on("quiet"):
        return Lines(each.id if full else each.id[:_SHORT_ID] for each in chosen)
    images = {image.id: image.size for image in engine.images()} if measured else {}
    rows = [_row(each, images.get(each.image_id), full=full) for each in chosen]
    lines = formatted(rows, form, _HEADINGS)
    if lines is not None:
        return lines
    sizes = images if arguments.on("size") else None
    proxy = proxy_root(engine) if isinstance(call.surface, NotebookSurface) else ""
    return containers_table(chosen, no_trunc=full, sizes=sizes, proxy=proxy)


def _row(container: Container, image: int | None, *, full: bool) -> Mapping[str, Any]:
    """What a template can name."""
    mounts = [name if full else _cut(name) for name in container.mounts]
    created = container.created.astimezone()
    return {
        "Command": command_text(container, no_trunc=full),
        "CreatedAt": f"{created:%Y-%m-%d %H:%M:%S %z %Z}",
        "ID": container.id if full else container.id[:_SHORT_ID],
        "Image": image_text(container, no_trunc=full),
        "Label": lambda name: container.labels.get(name, ""),
        "Labels": label_text(container.labels),
        "LocalVolumes": str(sum(not name.startswith("/") for name in container.mounts)),
        "Mounts": ",".join(mounts),
        "Names": container.name,
        "Networks": ",".join(container.networks),
        "Ports": ports_text(container.ports),
        "RunningFor": ago(container.created),
        "Size": size_text(container.size or 0, image),
        "State": container.state,
        "Status": status(container),
    }


def _cut(name: str) -> str:
    return name if len(name) <= _MOUNT_WIDTH else name[: _MOUNT_WIDTH - 1] + "…"


PS = Command(
    Grammar(
        "ps",
        "[OPTIONS]",
        "List containers",
        flags=(
            Flag("all", "show all containers, also those that do not run", "a"),
            Flag("filter", "name=, id=, status=, label=, ancestor=, health= …", "f", "KEY=VALUE"),
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("last", "show so many last created containers, in all states", "n", "N", "-1"),
            Flag("latest", "show the latest created container, in all states", "l"),
            Flag("no-trunc", "do not shorten IDs and commands"),
            Flag("quiet", "only show container IDs", "q"),
            Flag("size", "show what they have written", "s"),
        ),
    ),
    _ps,
)
