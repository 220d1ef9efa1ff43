"""What a container is asked to be: every option of `docker create` and `docker run`.

Values are as an engine wants them, already taken apart; how they are written on a command line is
the matter of `commands.containers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from .build_request import Ulimit

__all__ = ["HealthCheck", "Mount", "Publish", "RestartPolicy", "RunRequest", "Tmpfs", "Volume"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the host: absolute host path, absolute container path.

    Attributes:
        create: whether a source that is not there becomes an empty folder, as with `-v`, or is an
            error, as with `--mount`.
    """

    source: Path
    target: str
    read_only: bool = False
    create: bool = True


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume at an absolute path of the container; without a name it is a new one.

    Attributes:
        copy: whether an empty volume gets what the image has at that path.
    """

    name: str
    target: str
    read_only: bool = False
    copy: bool = True


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """A `--tmpfs`: an empty directory in memory; `size` in bytes, 0 is no limit."""

    target: str
    size: int = 0
    mode: int = 0o1777
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """A `-p`: a port of the container at one of the host.

    Attributes:
        container: the port in the container.
        protocol: `tcp` or `udp`.
        host: the port of the host; 0 is any free one.
        last: where any one of several will do, from `host` to this one; 0 is none.
        address: of the host, IPv4 or IPv6; "" is the engine's own default.
    """

    container: int
    protocol: str = "tcp"
    host: int = 0
    address: str = ""
    last: int = 0


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a container is started again by itself.

    Attributes:
        name: `no`, `on-failure`, `always` or `unless-stopped`.
        retries: at most so often, for `on-failure`; 0 is no limit.
    """

    name: str = "no"
    retries: int = 0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How to tell whether a container is well (HEALTHCHECK); None or () is what the image says.

    Attributes:
        test: `("CMD-SHELL", TEXT)`, `("CMD", WORD, …)`, or `("NONE",)` for none at all.
        interval, timeout, start_period: seconds.
        retries: failures in a row that make it unhealthy.
    """

    test: tuple[str, ...] = ()
    interval: float | None = None
    timeout: float | None = None
    start_period: float | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One container.

    Attributes:
        image: its name or ID, as typed.
        command: replaces the image's CMD; empty keeps it.
        entrypoint: replaces ENTRYPOINT (and drops CMD); None keeps it, "" removes it.
        environment: added to the image's.
        mounts, volumes, tmpfs: what it sees besides its image.
        read_only: whether its own file system cannot be written to.
        workdir, user: "" is the image's.
        name: "" is a new one, such as `brisk_tug`.
        hostname: "" is the beginning of its ID.
        network: `host`, `none` or `default`, which is the engine's own; or a network's name.
        stdin: what `-i` feeds a container in the foreground; None is no input.
        open_stdin: whether standard input stays open with nobody attached (`-i`).
        stdin_once: whether it ends with what the first one feeds it (`create -i`), or is for
            others as well (`run -d -i`).
        tty: whether it has a terminal (`-t`).
        remove: delete the container, and its nameless volumes, when it ends.
        publish: ports that the host shows.
        publish_all: show all ports that the image exposes at free ones.
        expose: further exposed ports, such as `80/tcp`.
        restart, health: see there.
        stop_signal: what `stop` sends, as written; "" is the image's, or SIGTERM.
        stop_timeout: seconds until `stop` kills; None is 10.
        hosts: host names and addresses for /etc/hosts.
        init: whether a process that reaps zombies is the first one.
        memory: bytes that it may use; 0 is no limit.
        cpus: how many processors; 0 is no limit.
        pids_limit: how many processes; 0 is no limit.
        shm_size: bytes of /dev/shm; 0 is the engine's own.
        ulimits: limits of its processes.
        cap_add, cap_drop: capabilities, such as `NET_ADMIN`, or `ALL`.
        labels: added to the image's.
    """

    image: str
    command: tuple[str, ...] = ()
    entrypoint: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    volumes: tuple[Volume, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    read_only: bool = False
    workdir: str = ""
    user: str = ""
    name: str = ""
    hostname: str = ""
    network: str = "default"
    stdin: BinaryIO | None = None
    open_stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    remove: bool = False
    publish: tuple[Publish, ...] = ()
    publish_all: bool = False
    expose: tuple[str, ...] = ()
    restart: RestartPolicy = RestartPolicy()
    health: HealthCheck = HealthCheck()
    stop_signal: str = ""
    stop_timeout: int | None = None
    hosts: Mapping[str, str] = field(default_factory=dict)
    init: bool = False
    memory: int = 0
    cpus: float = 0
    pids_limit: int = 0
    shm_size: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
