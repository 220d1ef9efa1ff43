"""What `docker inspect` shows of an image and of a container: Docker's keys, in Docker's order.

Where an engine with a daemon has something and this one has nothing of the kind, the value is the
one that Docker has for "not set"; a key without a truthful value is left out (Docker Engine API
1.41, ImageInspect and ContainerInspect).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...reference import parse
from ..containers import Container
from .containers.description import container_of
from .sandbox.launcher.namespaces import RUNGS
from .sandbox.launcher.shim.main import LOG
from .sandbox.launcher.shim.record import NEVER
from .storage.container_records import ContainerRow
from .storage.image_records import ImageRow

__all__ = ["inspect_container", "inspect_image"]

_IF_GIVEN = object()
"""Stands for a value that Docker writes only where there is one."""

_CONFIG: Mapping[str, object] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": _IF_GIVEN,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Healthcheck": _IF_GIVEN,
    "ArgsEscaped": _IF_GIVEN,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": _IF_GIVEN,
    "StopTimeout": _IF_GIVEN,
    "Shell": _IF_GIVEN,
}
_HEALTH_CHECK = dict.fromkeys(("Test", "Interval", "Timeout", "StartPeriod", "Retries"), _IF_GIVEN)
_ATTACHED = ("AttachStdin", "AttachStdout", "AttachStderr")
"""Of a container: it is not kept who was attached at its start."""

_HOST_CONFIG: Mapping[str, object] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": None,
    "NetworkMode": "",
    "PortBindings": {},
    "RestartPolicy": None,
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "host",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "Tmpfs": _IF_GIVEN,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 0,
    "ConsoleSize": [0, 0],
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "KernelMemory": 0,
    "KernelMemoryTCP": 0,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "PidsLimit": None,
    "Ulimits": None,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "Mounts": _IF_GIVEN,
    "Init": _IF_GIVEN,
}
_ADDRESSES: Mapping[str, object] = {
    "EndpointID": "",
    "Gateway": "",
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "MacAddress": "",
}
"""Of a container on the host's network, or on none: it has none of its own."""


def inspect_image(row: ImageRow, driver: Mapping[str, Any]) -> dict[str, Any]:
    """An image as `docker image inspect` shows it.

    Args:
        row: the image.
        driver: the `GraphDriver`.
    """
    config = row.config
    history = config.get("history") or [{}]
    variant = config.get("variant")
    return {
        "Id": row.id,
        "RepoTags": [parse(name).familiar for name in row.names],
        "RepoDigests": [parse(name).familiar for name in row.digests],
        "Parent": "",
        "Comment": history[-1].get("comment", ""),
        "Created": config.get("created", ""),
        "Container": config.get("container") or "",
        "ContainerConfig": _config(config.get("container_config")),
        "DockerVersion": config.get("docker_version") or "",
        "Author": config.get("author", ""),
        "Config": _config(config.get("config")),
        "Architecture": config.get("architecture", ""),
        **({"Variant": variant} if variant else {}),
        "Os": config.get("os", ""),
        "Size": row.size,
        "VirtualSize": row.size,
        "GraphDriver": driver,
        "RootFS": {
            "Type": "layers",
            "Layers": list(config.get("rootfs", {}).get("diff_ids") or ()),
        },
        "Metadata": {"LastTagTime": NEVER},
    }


def inspect_container(row: ContainerRow, driver: Mapping[str, Any], rung: str) -> dict[str, Any]:
    """A container as `docker container inspect` shows it.

    Args:
        row: the container.
        driver: the `GraphDriver`.
        rung: what it runs on.
    """
    state = dict(row.state())
    restarts = state.pop("RestartCount")
    state.pop("Ports", None)
    config = _config(row.detail["Config"])
    container = container_of(row)
    return {
        "Id": row.id,
        "Created": row.detail["Created"],
        "Path": row.detail["Path"],
        "Args": row.detail["Args"],
        "State": state,
        "Image": row.image,
        "LogPath": str(row.directory / LOG),
        "Name": f"/{row.name}",
        "RestartCount": restarts,
        "Driver": driver["Name"],
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "HostConfig": _host_config(row.detail["HostConfig"], isolated=rung in RUNGS),
        "GraphDriver": driver,
        "Mounts": [
            {**mount, "Propagation": _propagation(mount, rung)} for mount in row.detail["Mounts"]
        ],
        "Config": {key: value for key, value in config.items() if key not in _ATTACHED},
        "NetworkSettings": _network_settings(container),
    }


def _filled(keys: Mapping[str, object], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, in the order of the keys, those that are not given with what they have then.

    What is not among the keys comes last.
    """
    known = {key: given.get(key, unset) for key, unset in keys.items()}
    return {**{key: value for key, value in known.items() if value is not _IF_GIVEN}, **given}


def _config(given: object) -> dict[str, Any]:
    """The `Config` of what an image, or what is kept of a container, gives of it."""
    found = _filled(_CONFIG, given if isinstance(given, Mapping) else {})
    if isinstance(health := found.get("Healthcheck"), Mapping):
        found["Healthcheck"] = _filled(_HEALTH_CHECK, health)
    return found


def _host_config(kept: Mapping[str, Any], *, isolated: bool) -> dict[str, Any]:
    """The `HostConfig` of what is kept of it.

    Args:
        kept: as `containers.description` has made it.
        isolated: whether a container has namespaces.
    """
    shared = "" if isolated else "host"
    made = {
        "IpcMode": "private" if isolated else "host",
        "PidMode": shared,
        "UTSMode": shared,
        "MemorySwap": 2 * kept["Memory"],
    }
    given = {key: value for key, value in {**kept, **made}.items() if key != "Published"}
    for key in ("Init", "Tmpfs"):
        if not given[key]:
            del given[key]
    return _filled(_HOST_CONFIG, given)


def _propagation(mount: Mapping[str, Any], rung: str) -> str:
    return "rprivate" if mount["Type"] == "bind" and rung in RUNGS else ""


def _network_settings(container: Container) -> dict[str, Any]:
    """The network as inspect has it: the host's or none, which both give no address."""
    ports: dict[str, list[dict[str, str]] | None] = {}
    for port in container.ports:
        known = ports.setdefault(f"{port.container}/{port.protocol}", [] if port.host else None)
        if known is not None:
            known.append({"HostIp": port.address, "HostPort": str(port.host)})
    links = {"IPAMConfig": None, "Links": None, "Aliases": None}
    return {
        "Bridge": "",
        "SandboxID": "",
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "Ports": ports,
        "SandboxKey": "",
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        **dict(sorted(_ADDRESSES.items())),
        "Networks": {
            name: {**links, "NetworkID": name, **_ADDRESSES, "DriverOpts": None}
            for name in container.networks
        },
    }
