"""Volumes and networks, which containers share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ....errors import ConflictError, NotFoundError
from ...containers import NetworkSummary, VolumeSummary
from ..images import timestamp
from .lifecycle import changing

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = [
    "create_network",
    "create_volume",
    "networks",
    "prune_volumes",
    "remove_volume",
    "volume",
    "volumes",
]

_NAMELESS = re.compile("[0-9a-f]{64}")


# --- volumes ------------------------------------------------------------------------------------


def volumes(engine: Connection) -> list[VolumeSummary]:
    """All volumes, by name."""
    with engine.calling() as api:
        rows = api.volumes()["Volumes"] or ()
    return sorted(map(_volume, rows), key=lambda volume: volume.name)


def volume(engine: Connection, name: str) -> VolumeSummary:
    """One volume."""
    with engine.calling() as api:
        return _volume(api.inspect_volume(name))


def create_volume(engine: Connection, name: str, labels: Mapping[str, str]) -> VolumeSummary:
    """Make a volume, or give the one that is there."""
    with engine.calling() as api:
        return _volume(api.create_volume(name or None, labels=dict(labels)))


def remove_volume(engine: Connection, name: str, *, force: bool) -> None:
    """Delete a volume; with `force` one that is not there is no error, to Docker 20.10 as well."""
    try:
        with changing(engine) as api:
            api.remove_volume(name, force=force)
    except NotFoundError:
        if not force:
            raise


def prune_volumes(engine: Connection, *, every: bool) -> tuple[tuple[str, ...], int]:
    """Delete nameless volumes that no container has, or with `every` all; names and bytes.

    One by one: engines before Docker 23, asked to prune, delete those with a name as well.
    """
    with engine.calling() as api:
        rows = api.volume_usage()
    deleted: list[str] = []
    freed = 0
    for row in rows:
        name, usage = str(row["Name"]), row.get("UsageData") or {}
        # Podman does not name the driver here.
        unused = row["Driver"] in ("local", "") and usage.get("RefCount", 0) == 0
        if unused and (every or _NAMELESS.fullmatch(name)):
            with suppress(ConflictError, NotFoundError), engine.calling() as api:
                api.remove_volume(name)
                deleted.append(name)
                freed += max(int(usage.get("Size") or 0), 0)
    return tuple(deleted), freed


def _volume(row: Mapping[str, Any]) -> VolumeSummary:
    return VolumeSummary(
        name=str(row["Name"]),
        mountpoint=str(row["Mountpoint"]),
        created=timestamp(row.get("CreatedAt")),
        driver=str(row["Driver"]),
        labels=dict(row.get("Labels") or {}),
        scope=str(row.get("Scope") or "local"),
    )


# --- networks -----------------------------------------------------------------------------------


def networks(engine: Connection) -> list[NetworkSummary]:
    """All networks, by name."""
    with engine.calling() as api:
        rows = api.networks()
    found = (
        NetworkSummary(
            id=str(row["Id"]),
            name=str(row["Name"]),
            driver=str(row["Driver"]),
            scope=str(row.get("Scope") or "local"),
            created=timestamp(row.get("Created")),
            labels=dict(row.get("Labels") or {}),
        )
        for row in rows
    )
    return sorted(found, key=lambda network: network.name)


def create_network(engine: Connection, name: str, driver: str, labels: Mapping[str, str]) -> str:
    """Make a network; its ID.

    Raises:
        ConflictError: there is one of that name.
    """
    with changing(engine) as api:
        answer = api.create_network(
            name, driver=driver or None, labels=dict(labels), check_duplicate=True
        )
    return str(answer["Id"])
