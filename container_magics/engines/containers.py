"""What is said of containers, volumes and networks: values, and what is asked with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

__all__ = [
    "Change",
    "CommitRequest",
    "Container",
    "ExecRequest",
    "LogRequest",
    "NetworkSummary",
    "PathStatus",
    "Port",
    "ProcessTable",
    "Terminal",
    "Usage",
    "VolumeSummary",
]


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a container; `host` is 0, and `address` "", where it is not published."""

    container: int
    protocol: str = "tcp"
    host: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it is at this moment.

    Attributes:
        id: 64 hex digits.
        name: without Docker's leading slash.
        image: as it was named when the container was made.
        image_id: `sha256:…`.
        command: the program and its arguments.
        state: `created`, `running`, `paused`, `restarting`, `exited`, `dead` or `removing`.
        exit_code: of the last run; 0 before there was one.
        error: why the last run could not start, or "".
        started, finished: of the last run; None before.
        health: `starting`, `healthy`, `unhealthy`, or "" without a health check.
        restarts: how often its restart policy has started it again.
        mounts: names of its volumes and paths of its folders.
        size: bytes of what it has written, where that was asked for.
    """

    id: str
    name: str
    image: str
    image_id: str
    command: tuple[str, ...]
    created: datetime
    state: str
    exit_code: int = 0
    error: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    health: str = ""
    restarts: int = 0
    ports: tuple[Port, ...] = ()
    mounts: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None

    @property
    def running(self) -> bool:
        """Whether it has processes; one that is paused has."""
        return self.state in ("running", "paused")


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which of a container's output to give.

    Attributes:
        follow: go on as long as it runs.
        tail: only so many last lines; None is all.
        since, until: only what was written from then on, before then; seconds since the epoch.
        timestamps: put the time of each line before it, RFC 3339 with nanoseconds, and a space.
    """

    follow: bool = False
    tail: int | None = None
    since: float | None = None
    until: float | None = None
    timestamps: bool = False


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """One more command in a running container.

    Attributes:
        command: the program and its arguments.
        environment: added to the container's.
        user, workdir: "" is the container's own.
        stdin: what `-i` feeds it; None is no input.
        detach: do not wait for it; its output is dropped.
        tty: whether it has a terminal.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    workdir: str = ""
    stdin: BinaryIO | None = None
    detach: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """A container's processes, as ps(1) prints them: column titles, and one row each."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container has used until one moment.

    Attributes:
        time: of the sample, seconds since the epoch.
        cpu: seconds of processor time, of all processors together.
        memory: bytes that its processes hold, without the page cache.
        memory_limit: bytes that they may hold: its own limit, or all of the machine's.
        pids: how many processes and threads there are.
        cpus: how many processors it may use.
        read, written: bytes from and to disks, None where that is not known.
        received, sent: bytes from and to its network, None where it has none of its own.
    """

    time: float
    cpu: float
    memory: int
    memory_limit: int
    pids: int
    cpus: float
    read: int | None = None
    written: int | None = None
    received: int | None = None
    sent: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What `docker diff` says of one path: `kind` is `A`, `C` or `D`, `path` absolute."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class PathStatus:
    """A file in a container, for `docker cp`.

    Attributes:
        name: its last component.
        mode: as stat(2) has it, with the kind of the file.
        link: where a symlink points, absolute in the container and followed; or "".
    """

    name: str
    size: int
    mode: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What `docker commit` makes an image of.

    Attributes:
        reference: a name for it, or "".
        changes: Dockerfile instructions that change its configuration.
        pause: whether the container stands still meanwhile.
    """

    reference: str = ""
    changes: tuple[str, ...] = ()
    message: str = ""
    author: str = ""
    pause: bool = True


@dataclass(frozen=True, slots=True)
class VolumeSummary:
    """A volume; `mountpoint` is where its files are on the engine's machine."""

    name: str
    mountpoint: str
    created: datetime | None
    driver: str = "local"
    labels: Mapping[str, str] = field(default_factory=dict)
    scope: str = "local"


@dataclass(frozen=True, slots=True)
class NetworkSummary:
    """A network."""

    id: str
    name: str
    driver: str
    scope: str = "local"
    created: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Terminal(Protocol):
    """A terminal of a process in a container. Safe to use from several threads."""

    def read(self) -> bytes:
        """What comes next; b"" when it is closed."""
        ...

    def write(self, data: bytes) -> None:
        """Type something; nothing happens once it is closed."""
        ...

    def resize(self, rows: int, columns: int) -> None:
        """Tell the process how large the terminal is."""
        ...

    def wait(self) -> int:
        """Wait for the process' end; its exit status."""
        ...

    def close(self) -> None:
        """Detach; the process hears of it as of a terminal that hangs up."""
        ...
