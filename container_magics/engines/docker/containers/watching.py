"""What a container does at this moment: `docker top`, and a sample of `docker stats`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....errors import ConflictError
from ...containers import ProcessTable, Usage
from ..images import timestamp

if TYPE_CHECKING:
    from ..api import Api
    from ..connection import Connection

__all__ = ["top", "usage"]


def top(engine: Connection, name: str, arguments: Sequence[str]) -> ProcessTable:
    """A container's processes, by the ps(1) of the engine's machine.

    Raises:
        ConflictError: it does not run.
    """
    with engine.calling() as api:
        container = _running(api, name)["Id"]
        table = api.top(container, ps_args=" ".join(arguments) or None)
    rows = table["Processes"] or ()
    return ProcessTable(tuple(table["Titles"]), tuple(tuple(row) for row in rows))


def usage(engine: Connection, name: str) -> Usage:
    """What a container has used until now.

    Raises:
        ConflictError: it does not run.
    """
    with engine.calling() as api:
        data = _running(api, name)
        sample = api.sample(data["Id"])
    time = timestamp(sample["read"])
    if time is None:
        raise _not_running(data)
    cpu, memory = sample["cpu_stats"], sample["memory_stats"]
    networks = sample.get("networks")
    transfers = (sample.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    return Usage(
        time=time.timestamp(),
        cpu=cpu["cpu_usage"]["total_usage"] / 1e9,
        memory=_without_cache(memory),
        memory_limit=int(memory.get("limit") or 0),
        pids=int((sample.get("pids_stats") or {}).get("current") or 0),
        cpus=_cpus(data["HostConfig"], cpu),
        read=_transferred(transfers, "read"),
        written=_transferred(transfers, "write"),
        received=_received(networks, "rx_bytes"),
        sent=_received(networks, "tx_bytes"),
    )


def _running(api: Api, name: str) -> dict[str, Any]:
    data: dict[str, Any] = api.inspect_container(name)
    if not data["State"]["Running"]:
        raise _not_running(data)
    return data


def _not_running(data: Mapping[str, Any]) -> ConflictError:
    return ConflictError(f"Container {data['Id']} is not running")


def _without_cache(memory: Mapping[str, Any]) -> int:
    """Control groups call the part of the page cache that can go by another name in version 1."""
    used, details = int(memory.get("usage") or 0), memory.get("stats") or {}
    cache = int(details.get("total_inactive_file") or details.get("inactive_file") or 0)
    return used - cache if cache < used else used


def _cpus(limits: Mapping[str, Any], cpu: Mapping[str, Any]) -> float:
    if limits.get("NanoCpus"):
        return float(limits["NanoCpus"] / 1e9)
    if (limits.get("CpuQuota") or 0) > 0:
        return float(limits["CpuQuota"] / (limits.get("CpuPeriod") or 100_000))
    return float(cpu.get("online_cpus") or len(cpu["cpu_usage"].get("percpu_usage") or ()) or 1)


def _transferred(rows: Iterable[Mapping[str, Any]] | None, kind: str) -> int | None:
    if rows is None:
        return None
    return sum(int(row["value"]) for row in rows if row["op"].lower() == kind)


def _received(networks: Mapping[str, Mapping[str, Any]] | None, kind: str) -> int | None:
    if not networks:
        return None
    return sum(int(network[kind]) for network in networks.values())
