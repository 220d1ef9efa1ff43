"""What a container is asked to be, as `docker inspect` shows it, and what is run of that.

The details are kept in the shape of inspect (Docker Engine API, ContainerInspect): `Config` is the
image's with what was asked for, `HostConfig` the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ....errors import RunError
from ...containers import Container
from ...run_request import HealthCheck, Mount, Publish, RunRequest
from ..building.state import BuildState, now, parse_time
from ..running import Command
from ..sandbox.launcher.namespaces import KEPT_CAPABILITIES
from ..storage.container_records import ContainerRow
from .ports import Published, bindings, ports_of
from .support import capability_numbers

__all__ = ["command_of", "container_of", "describe", "health_of"]

_NANO = 1_000_000_000
_HEALTH_DEFAULTS = {"Interval": 30 * _NANO, "Timeout": 30 * _NANO, "StartPeriod": 0}
_RETRIES = 3
_OF_THE_IMAGE = ("ArgsEscaped", "OnBuild")
"""What a container, and so what is committed of it, does not have from its image."""


def describe(
    request: RunRequest,
    image: str,
    state: BuildState,
    container: str,
    volumes: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The details of a new container.

    Args:
        request: what is asked for.
        image: the image's ID.
        state: the image's configuration.
        container: its ID.
        volumes: its volumes, as `Mounts` shows them.

    Raises:
        RunError: there is nothing to run.
    """
    argv, entrypoint, arguments = _argv(request, state.config)
    hostname = request.hostname or container[:12]
    binds = [
        {
            "Type": "bind",
            "Source": str(mount.source),
            "Destination": mount.target,
            "Mode": "ro" if mount.read_only else "",
            "RW": not mount.read_only,
        }
        for mount in request.mounts
    ]
    exposed = {
        **(state.config.get("ExposedPorts") or {}),
        **{port: {} for port in request.expose},
        **{f"{each.container}/{each.protocol}": {} for each in request.publish},
    }
    nameless = {
        **(state.config.get("Volumes") or {}),
        **{each.target: {} for each in request.volumes if not each.name},
    }
    health = _health(request.health, state.config.get("Healthcheck"))
    config = {
        **{key: value for key, value in state.config.items() if key not in _OF_THE_IMAGE},
        "Hostname": hostname,
        "User": request.user or str(state.config.get("User") or ""),
        "Tty": request.tty,
        "OpenStdin": request.open_stdin or request.stdin is not None,
        "StdinOnce": request.stdin_once or request.stdin is not None,
        "Env": [f"{name}={value}" for name, value in {**state.env, **request.environment}.items()],
        "Cmd": arguments or None,
        "Entrypoint": entrypoint or None,
        "Image": request.image,
        "WorkingDir": request.workdir or state.workdir,
        "Labels": {**(state.config.get("Labels") or {}), **request.labels},
        **({"ExposedPorts": exposed} if exposed else {}),
        **({"Volumes": nameless} if nameless else {}),
        **({"Healthcheck": health} if health else {}),
        **({"StopSignal": request.stop_signal} if request.stop_signal else {}),
        **({"StopTimeout": request.stop_timeout} if request.stop_timeout is not None else {}),
    }
    host = {
        **_mounted(request),
        "PortBindings": _port_bindings(request.publish),
        "NetworkMode": request.network,
        "RestartPolicy": {
            "Name": request.restart.name,
            "MaximumRetryCount": request.restart.retries,
        },
        "AutoRemove": request.remove,
        "ReadonlyRootfs": request.read_only,
        "ShmSize": request.shm_size,
        "Ulimits": [
            {"Name": limit.name, "Hard": limit.hard, "Soft": limit.soft}
            for limit in request.ulimits
        ],
        "CapAdd": list(request.cap_add) or None,
        "CapDrop": list(request.cap_drop) or None,
        "ExtraHosts": [f"{name}:{address}" for name, address in request.hosts.items()],
        "Tmpfs": {each.target: f"size={each.size}" if each.size else "" for each in request.tmpfs},
        "Init": request.init,
        "PublishAllPorts": request.publish_all,
        "Published": bindings(request, exposed),
        "Memory": request.memory,
        "NanoCpus": int(request.cpus * _NANO),
        "PidsLimit": request.pids_limit or None,
        "LogConfig": {"Type": "json-file", "Config": {}},
    }
    return {
        "Created": now(),
        "Path": argv[0],
        "Args": argv[1:],
        "Config": config,
        "HostConfig": host,
        "Mounts": [*binds, *volumes],
        "NetworkSettings": {"Ports": {}},
    }


def _mounted(request: RunRequest) -> dict[str, Any]:
    """`Binds`, which make their sources, and `Mounts`, as they are asked for."""
    mounts = [
        {
            "Type": "bind",
            "Source": str(mount.source),
            "Target": mount.target,
            **({"ReadOnly": True} if mount.read_only else {}),
        }
        for mount in request.mounts
        if not mount.create
    ]
    mounts += [
        {
            "Type": "volume",
            **({"Source": volume.name} if volume.name else {}),
            "Target": volume.target,
            **({"ReadOnly": True} if volume.read_only else {}),
            "VolumeOptions": {} if volume.copy else {"NoCopy": True},
        }
        for volume in request.volumes
    ]
    binds = [
        f"{mount.source}:{mount.target}" + ":ro" * mount.read_only
        for mount in request.mounts
        if mount.create
    ]
    return {"Binds": binds or None, **({"Mounts": mounts} if mounts else {})}


def _port_bindings(published: Iterable[Publish]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in published:
        first = str(port.host) if port.host else ""
        found.setdefault(f"{port.container}/{port.protocol}", []).append(
            {"HostIp": port.address, "HostPort": f"{first}-{port.last}" if port.last else first}
        )
    return found


def _argv(request: RunRequest, config: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """What runs, by the rules of `docker run`: all of it, ENTRYPOINT, CMD."""
    entrypoint = list(config.get("Entrypoint") or ())
    arguments = list(request.command) or list(config.get("Cmd") or ())
    if request.entrypoint is not None:
        entrypoint = [request.entrypoint] if request.entrypoint else []
        arguments = list(request.command)
    argv = [*entrypoint, *arguments]
    if not argv:
        raise RunError(
            "No command specified.", returncode=125, hint="The image has no CMD; name a command."
        )
    return argv, entrypoint, arguments


def _health(asked: HealthCheck, image: Mapping[str, Any] | None) -> dict[str, Any]:
    """The `Healthcheck` of a configuration: the image's, with what was asked for in its place."""
    found = dict(image or {})
    if asked.test:
        found["Test"] = list(asked.test)
    seconds = {
        "Interval": asked.interval,
        "Timeout": asked.timeout,
        "StartPeriod": asked.start_period,
    }
    found |= {name: int(value * _NANO) for name, value in seconds.items() if value is not None}
    if asked.retries is not None:
        found["Retries"] = asked.retries
    return found


def health_of(detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """A container's health check as its shim wants it, or None."""
    check = detail["Config"].get("Healthcheck") or {}
    kind, *words = check.get("Test") or ["NONE"]
    if kind == "NONE":
        return None
    shell = detail["Config"].get("Shell") or ["/bin/sh", "-c"]
    times = {name: (check.get(name) or value) / _NANO for name, value in _HEALTH_DEFAULTS.items()}
    return {
        "argv": [*shell, words[0]] if kind == "CMD-SHELL" else words,
        "interval": times["Interval"],
        "timeout": times["Timeout"],
        "start_period": times["StartPeriod"],
        "retries": check.get("Retries") or _RETRIES,
    }


def command_of(detail: Mapping[str, Any], ports: Sequence[Published] = ()) -> Command:
    """What a container runs, and with which ports."""
    config, host = detail["Config"], detail["HostConfig"]
    environment = dict(pair.split("=", 1) for pair in config["Env"])
    if config["Tty"]:
        environment = {"TERM": "xterm", **environment}
    hosts = dict(entry.split(":", 1) for entry in host["ExtraHosts"])
    kept = capability_numbers(host["CapAdd"] or (), host["CapDrop"] or (), KEPT_CAPABILITIES)
    return Command(
        [detail["Path"], *detail["Args"]],
        {"HOSTNAME": config["Hostname"], **environment},
        config["WorkingDir"] or "/",
        config["User"],
        config["Hostname"],
        "none" if host["NetworkMode"] == "none" else "host",
        [
            Mount(Path(mount["Source"]), mount["Destination"], not mount["RW"])
            for mount in detail["Mounts"]
        ],
        tmpfs=[
            (target, int(options.removeprefix("size=") or 0))
            for target, options in host["Tmpfs"].items()
        ],
        shm_size=host["ShmSize"],
        ulimits=[(limit["Name"], limit["Soft"], limit["Hard"]) for limit in host["Ulimits"]],
        hosts=hosts,
        ports=ports,
        capabilities=kept,
        read_only=host["ReadonlyRootfs"],
        tty=config["Tty"],
        init=host["Init"],
    )


def container_of(row: ContainerRow) -> Container:
    """A container as the engine's protocol has it."""
    detail, state = row.detail, row.state()
    config = detail["Config"]
    return Container(
        row.id,
        row.name,
        config["Image"],
        row.image,
        (detail["Path"], *detail["Args"]),
        parse_time(detail["Created"]) or datetime.fromtimestamp(0, timezone.utc),
        state["Status"],
        state["ExitCode"],
        state["Error"],
        parse_time(state["StartedAt"]),
        parse_time(state["FinishedAt"]),
        (state.get("Health") or {}).get("Status", ""),
        state["RestartCount"],
        ports=ports_of(detail, state),
        mounts=tuple(mount.get("Name") or mount["Source"] for mount in detail["Mounts"]),
        networks=("none" if detail["HostConfig"]["NetworkMode"] == "none" else "host",),
        labels=config["Labels"],
    )
