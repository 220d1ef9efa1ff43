"""`docker create`: a RunRequest as the API's JSON, and the container that it makes.

The JSON is that of <https://docs.docker.com/reference/api/engine/> (ContainerCreate).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ....errors import (
    ConflictError,
    ContainerMagicsError,
    EngineUnavailableError,
    NotFoundError,
    RunError,
)
from ....reference import parse
from ...events import Cancellation, Emit, Message
from ...run_request import HealthCheck, Publish, RunRequest, Tmpfs
from ..pulling import pull
from .starting import ENGINE_FAILED

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["create"]


def create(
    engine: Connection,
    request: RunRequest,
    emit: Emit,
    cancel: Cancellation,
    *,
    foreground: bool = False,
) -> str:
    """Make a container, pulling the image if it isn't there; returns its ID.

    One for the `foreground` has standard input only where the request feeds it, and is deleted
    by who waits for it.

    Raises:
        ConflictError: the name is in use.
        NotFoundError: the engine lacks something else that the request names.
        PullError: the image is not there and cannot be pulled.
        RunError: the engine refuses (125).
    """
    config = _config(request, foreground=foreground)
    try:
        return _create_once(engine, request.name, config, emit)
    except NotFoundError as error:
        if not error.message.lower().startswith("no such image"):
            raise
        wanted = parse(request.image).with_default_tag()
    emit(Message(f"Unable to find image '{wanted.familiar}' locally"))
    pull(engine, wanted.familiar, emit, cancel)
    return _create_once(engine, request.name, config, emit)


def _create_once(engine: Connection, name: str, config: Mapping[str, Any], emit: Emit) -> str:
    try:
        with engine.calling() as api:
            answer = api.create_from_json(name, config)
    except (NotFoundError, ConflictError, EngineUnavailableError):
        raise
    except ContainerMagicsError as error:
        # Podman has no status of its own for it.
        if "is already in use" in error.message:
            raise ConflictError(error.message) from error
        raise RunError(error.message, returncode=ENGINE_FAILED) from error
    for warning in answer.get("Warnings") or ():
        emit(Message(f"WARNING: {warning}"))
    return str(answer["Id"])


def _config(request: RunRequest, *, foreground: bool) -> dict[str, Any]:
    fed = request.stdin is not None
    ports = [f"{port.container}/{port.protocol}" for port in request.publish]
    return {
        "Image": request.image,
        "Cmd": list(request.command) or None,
        "Entrypoint": None if request.entrypoint is None else [request.entrypoint],
        "Env": [f"{name}={value}" for name, value in request.environment.items()],
        "WorkingDir": request.workdir,
        "User": request.user,
        "Hostname": request.hostname,
        "OpenStdin": fed or (request.open_stdin and not foreground),
        "StdinOnce": fed or request.stdin_once,
        "AttachStdin": fed,
        "AttachStdout": foreground,
        "AttachStderr": foreground,
        "Tty": request.tty,
        "Labels": dict(request.labels),
        "ExposedPorts": {port: {} for port in (*ports, *request.expose)},
        "Healthcheck": _health(request.health),
        "StopSignal": request.stop_signal or None,
        "StopTimeout": request.stop_timeout,
        "HostConfig": {
            **_mounts(request),
            **_limits(request),
            "AutoRemove": request.remove and not foreground,
            "NetworkMode": request.network,
            "PortBindings": _bindings(request.publish),
            "PublishAllPorts": request.publish_all,
            "ExtraHosts": [f"{host}:{address}" for host, address in request.hosts.items()],
            "RestartPolicy": {
                "Name": request.restart.name,
                "MaximumRetryCount": request.restart.retries,
            },
            "Init": request.init or None,
        },
    }


def _mounts(request: RunRequest) -> dict[str, Any]:
    return {
        "Binds": [
            f"{mount.source}:{mount.target}" + (":ro" if mount.read_only else "")
            for mount in request.mounts
            if mount.create
        ],
        "Mounts": [
            {
                "Type": "bind",
                "Source": str(mount.source),
                "Target": mount.target,
                "ReadOnly": mount.read_only,
            }
            for mount in request.mounts
            if not mount.create
        ]
        + [
            {
                "Type": "volume",
                "Source": volume.name,
                "Target": volume.target,
                "ReadOnly": volume.read_only,
                "VolumeOptions": {"NoCopy": not volume.copy},
            }
            for volume in request.volumes
        ],
        "Tmpfs": {mount.target: _tmpfs(mount) for mount in request.tmpfs},
        "ReadonlyRootfs": request.read_only,
    }


def _tmpfs(mount: Tmpfs) -> str:
    options = [f"mode={mount.mode:o}"]
    if mount.size:
        options.append(f"size={mount.size}")
    if mount.read_only:
        options.append("ro")
    return ",".join(options)


def _limits(request: RunRequest) -> dict[str, Any]:
    return {
        "Memory": request.memory,
        "NanoCpus": round(request.cpus * 1e9),
        "PidsLimit": request.pids_limit or None,
        "ShmSize": request.shm_size or None,
        "Ulimits": [
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}
            for limit in request.ulimits
        ],
        "CapAdd": list(request.cap_add),
        "CapDrop": list(request.cap_drop),
    }


def _bindings(ports: Iterable[Publish]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        bindings.setdefault(f"{port.container}/{port.protocol}", []).append(
            {"HostIp": port.address, "HostPort": _host_port(port)}
        )
    return bindings


def _host_port(port: Publish) -> str:
    if port.last:
        return f"{port.host}-{port.last}"
    return str(port.host) if port.host else ""


def _health(check: HealthCheck) -> dict[str, Any] | None:
    if check == HealthCheck():
        return None
    return {
        "Test": list(check.test),
        "Interval": _nanoseconds(check.interval),
        "Timeout": _nanoseconds(check.timeout),
        "StartPeriod": _nanoseconds(check.start_period),
        "Retries": check.retries or 0,
    }


def _nanoseconds(seconds: float | None) -> int:
    return round((seconds or 0) * 1e9)
