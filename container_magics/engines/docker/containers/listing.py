"""The API's JSON of containers as `Container`.

A listing is one call for all of them, whatever their number. What the API leaves out of it is read
from the engine's own words, such as `Up 3 minutes (healthy)`: times are then as exact as
those, and give the same words again. `describe` has them all to the microsecond.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ...containers import Container, Port
from ..images import timestamp

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["containers", "describe", "listed"]

_RUNNING = ("running", "paused", "restarting")
_STATUS = re.compile(
    r"(?P<verb>\w+)(?: \((?P<code>-?\d+)\))?(?: (?P<span>.+?))?(?: ago)?(?: \((?P<note>.+)\))?"
)
_SPAN = re.compile(r"(?P<count>\d+|About an?) (?P<unit>\w+?)s?")
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
    "month": 30 * 86400,
    "year": 365 * 86400,
}
_UNPUBLISHED: Mapping[str, str] = {}
_WORD = re.compile(r"'(?P<spaced>.*? .*?)'(?= |$)|(?P<plain>[^ ]+)")


def containers(engine: Connection, *, every: bool, sizes: bool) -> list[Container]:
    """Those that run, or with `every` all; newest first."""
    with engine.calling() as api:
        # Podman does not count those that are paused among the running ones.
        rows = api.containers(all=True, size=sizes)
    now = datetime.now(timezone.utc)
    found = [listed(row, now) for row in rows if every or row["State"] in _RUNNING]
    return sorted(found, key=lambda container: container.created, reverse=True)


def describe(engine: Connection, name: str) -> Container:
    """One container, with all that the engine knows."""
    with engine.calling() as api:
        return _inspected(api.inspect_container(name))


def listed(row: Mapping[str, Any], now: datetime) -> Container:
    """A row of `GET /containers/json`; what it says of times is counted back from `now`."""
    state = str(row["State"])
    status = _STATUS.fullmatch(str(row["Status"]))
    parts = status.groupdict(default="") if status else {}
    moment = now - _span(parts.get("span", ""))
    up = parts.get("verb") == "Up"
    ended = bool(parts.get("code"))
    size = row.get("SizeRw")
    return Container(
        id=str(row["Id"]),
        # Links give further names, below those of others.
        name=min(row["Names"], key=lambda name: name.count("/")).lstrip("/"),
        image=str(row["Image"]),
        image_id=str(row["ImageID"]),
        command=tuple(_words(str(row["Command"] or ""))),
        created=_created(row["Created"]),
        state=state,
        exit_code=int(parts.get("code") or 0),
        started=moment if up else None,
        finished=moment if ended else None,
        health=_health(parts.get("note", "")),
        ports=tuple(_listed_ports(row.get("Ports") or ())),
        mounts=_mounts(row),
        networks=_networks(row),
        labels=dict(row.get("Labels") or {}),
        size=int(size) if size is not None else None,
    )


def _inspected(data: Mapping[str, Any]) -> Container:
    state, config = data["State"], data["Config"]
    return Container(
        id=str(data["Id"]),
        name=str(data["Name"]).lstrip("/"),
        image=str(config["Image"]),
        image_id=str(data["Image"]),
        command=(str(data["Path"]), *map(str, data["Args"] or ())),
        created=_created(data["Created"]),
        state=str(state["Status"]),
        exit_code=int(state["ExitCode"]),
        error=str(state.get("Error") or ""),
        started=timestamp(state["StartedAt"]),
        finished=timestamp(state["FinishedAt"]),
        health=_health(str((state.get("Health") or {}).get("Status", ""))),
        restarts=int(data.get("RestartCount") or 0),
        ports=tuple(_inspected_ports(data["NetworkSettings"].get("Ports") or {})),
        mounts=_mounts(data),
        networks=_networks(data),
        labels=dict(config.get("Labels") or {}),
    )


def _created(value: str | int) -> datetime:
    return timestamp(value) or datetime.fromtimestamp(0, timezone.utc)


def _span(text: str) -> timedelta:
    """`3 minutes`, `About an hour`, `Less than a second`: go-units' HumanDuration backwards."""
    match = _SPAN.fullmatch(text)
    if not match:
        return timedelta()
    count = match["count"]
    return timedelta(seconds=(int(count) if count.isdigit() else 1) * _SECONDS[match["unit"]])


def _words(text: str) -> Iterator[str]:
    """A command as `docker ps` has it, where words with a space are between quotes.

    Those that have quotes themselves may be cut elsewhere; written that way again, the text is
    the same.
    """
    for match in _WORD.finditer(text):
        yield match["spaced"] or match["plain"]


def _health(note: str) -> str:
    health = note.removeprefix("health: ")
    return health if health in ("starting", "healthy", "unhealthy") else ""


def _listed_ports(rows: Iterable[Mapping[str, Any]]) -> list[Port]:
    return _sorted(
        Port(
            int(row["PrivatePort"]),
            str(row["Type"]),
            int(row.get("PublicPort") or 0),
            str(row.get("IP") or ""),
        )
        for row in rows
    )


def _inspected_ports(ports: Mapping[str, Sequence[Mapping[str, str]] | None]) -> list[Port]:
    return _sorted(
        Port(
            int(port.partition("/")[0]),
            port.partition("/")[2],
            int(binding.get("HostPort") or 0),
            str(binding.get("HostIp") or ""),
        )
        for port, bindings in ports.items()
        for binding in bindings or (_UNPUBLISHED,)
    )


def _sorted(ports: Iterable[Port]) -> list[Port]:
    return sorted(ports, key=lambda port: (port.container, port.protocol, port.host, port.address))


def _mounts(data: Mapping[str, Any]) -> tuple[str, ...]:
    names = (mount.get("Name") or mount.get("Source") for mount in data.get("Mounts") or ())
    return tuple(str(name) for name in names if name)


def _networks(data: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted((data.get("NetworkSettings") or {}).get("Networks") or ()))
