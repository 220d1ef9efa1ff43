"""The containers of the engine in memory: each verb changes a list, and is kept in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, BinaryIO

from container_magics.engines.containers import (
    Change,
    CommitRequest,
    Container,
    ExecRequest,
    LogRequest,
    NetworkSummary,
    PathStatus,
    ProcessTable,
    Usage,
    VolumeSummary,
)
from container_magics.engines.events import Cancellation, Emit, EngineEvent
from container_magics.engines.run_request import RestartPolicy, RunRequest
from container_magics.errors import ConflictError, ContainerMagicsError, NotFoundError

MOMENT = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
_PROCESSES = ProcessTable(("PID", "CMD"), (("7", "sleep 60"),))


def container(number: int, name: str, state: str = "running", **values: Any) -> Container:
    """A container with an ID of repeated digits, made `number` minutes after a fixed moment."""
    moment = MOMENT + timedelta(minutes=number)
    usual: dict[str, Any] = {
        "image": "app:1",
        "image_id": "sha256:" + "01" * 32,
        "command": ("sleep", "60"),
        "created": moment,
        "started": None if state == "created" else moment,
        "finished": moment if state == "exited" else None,
        "networks": ("bridge",),
    }
    return Container(f"{number:02d}" * 32, name, state=state, **(usual | values))


@dataclass
class MemoryTerminal:
    """A terminal that says what it is to say, and keeps what is typed and its sizes."""

    says: list[bytes] = field(default_factory=list)
    returncode: int = 0
    typed: bytes = b""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    closed: bool = False

    def read(self) -> bytes:
        return self.says.pop(0) if self.says and not self.closed else b""

    def write(self, data: bytes) -> None:
        self.typed += data

    def resize(self, rows: int, columns: int) -> None:
        self.sizes.append((rows, columns))

    def wait(self) -> int:
        return self.returncode

    def close(self) -> None:
        self.closed = True


@dataclass
class MemoryContainers:
    """The verbs of `engines.containers` over a list.

    `requests` gets a tuple of each call that does something: the verb, the name as typed, and
    its other arguments; `failure` is raised by any of these. What a container writes is `events`,
    how it ends `returncode`, what it is fed `fed`.
    """

    made: list[Container] = field(default_factory=list)
    events: list[EngineEvent] = field(default_factory=list)
    failure: ContainerMagicsError | None = None
    returncode: int = 0
    requests: list[Any] = field(default_factory=list)
    fed: bytes = b""
    terminal: MemoryTerminal = field(default_factory=MemoryTerminal)
    processes: ProcessTable = _PROCESSES
    usages: list[Usage] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    paths: dict[str, PathStatus] = field(default_factory=dict)
    archive: bytes = b""
    kept: list[VolumeSummary] = field(default_factory=list)
    joined: list[NetworkSummary] = field(default_factory=list)

    def _do(self, *call: object) -> None:
        self.requests.append(call)
        if self.failure is not None:
            raise self.failure

    def _say(self, emit: Emit) -> None:
        for event in self.events:
            emit(event)

    def _become(self, name: str, /, **values: Any) -> None:
        old = self.container(name)
        self.made[self.made.index(old)] = replace(old, **values)

    def _running(self, name: str) -> Container:
        found = self.container(name)
        if not found.running:
            raise ConflictError(f"container {found.id} is not running")
        return found

    def create(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> str:
        self.requests.append(("create", request))
        self._say(emit)
        if self.failure is not None:
            raise self.failure
        number = len(self.made) + 1
        self.made.insert(0, container(number, request.name or f"new_{number}", "created"))
        return self.made[0].id

    def containers(self, *, every: bool = False, sizes: bool = False) -> list[Container]:
        found = [each for each in self.made if every or each.running or each.state == "restarting"]
        return found if sizes else [replace(each, size=None) for each in found]

    def container(self, name: str) -> Container:
        for each in self.made:
            if name and (name == each.name or each.id.startswith(name)):
                return each
        raise NotFoundError(f"No such container: {name}")

    def start(self, name: str) -> None:
        self.container(name)
        self._do("start", name)
        self._become(name, state="running", started=MOMENT)

    def stop(self, name: str, seconds: int | None = None) -> None:
        self.container(name)
        self._do("stop", name, seconds)
        self._become(name, state="exited", finished=MOMENT)

    def restart(self, name: str, seconds: int | None = None) -> None:
        self.container(name)
        self._do("restart", name, seconds)
        self._become(name, state="running", started=MOMENT)

    def kill(self, name: str, signal: str = "KILL") -> None:
        self._running(name)
        self._do("kill", name, signal)
        self._become(name, state="exited", exit_code=137)

    def pause(self, name: str) -> None:
        self._running(name)
        self._do("pause", name)
        self._become(name, state="paused")

    def unpause(self, name: str) -> None:
        self._running(name)
        self._do("unpause", name)
        self._become(name, state="running")

    def rename(self, name: str, new: str) -> None:
        self.container(name)
        self._do("rename", name, new)
        self._become(name, name=new)

    def update(self, name: str, restart: RestartPolicy) -> None:
        self.container(name)
        self._do("update", name, restart)

    def remove_container(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        found = self.container(name)
        if found.running and not force:
            raise ConflictError(f'cannot remove container "/{found.name}": container is running')
        self._do("rm", name, force, volumes)
        self.made.remove(found)

    def prune_containers(self, until: float | None = None) -> tuple[tuple[str, ...], int]:
        self._do("container prune", until)
        gone = [
            each
            for each in self.made
            if not each.running and (until is None or each.created.timestamp() < until)
        ]
        self.made = [each for each in self.made if each not in gone]
        return tuple(each.id for each in gone), 1_230_000 * len(gone)

    def wait(self, name: str, cancel: Cancellation) -> int:
        self.container(name)
        self._do("wait", name)
        return self.returncode

    def logs(self, name: str, request: LogRequest, emit: Emit, cancel: Cancellation) -> None:
        self.container(name)
        self._do("logs", name, request)
        self._say(emit)

    def attach(
        self,
        name: str,
        stdin: BinaryIO | None,
        emit: Emit,
        cancel: Cancellation,
        *,
        start: bool = False,
    ) -> int:
        if start:
            self.container(name)
        else:
            self._running(name)
        self._do("attach", name, start)
        self.fed = stdin.read() if stdin is not None else b""
        self._say(emit)
        return self.returncode

    def exec(self, name: str, request: ExecRequest, emit: Emit, cancel: Cancellation) -> int:
        self._running(name)
        self._do("exec", name, request)
        self.fed = request.stdin.read() if request.stdin is not None else b""
        self._say(emit)
        return self.returncode

    def open_terminal(self, name: str, command: ExecRequest | None = None) -> MemoryTerminal:
        self.container(name)
        self._do("terminal", name, command)
        return self.terminal

    def top(self, name: str, arguments: Sequence[str] = ()) -> ProcessTable:
        self._running(name)
        self._do("top", name, tuple(arguments))
        return self.processes

    def usage(self, name: str) -> Usage:
        self._running(name)
        return self.usages.pop(0) if len(self.usages) > 1 else self.usages[0]

    def changes(self, name: str) -> list[Change]:
        self.container(name)
        return self.changed

    def commit(self, name: str, request: CommitRequest) -> str:
        self.container(name)
        self._do("commit", name, request)
        return "sha256:" + "3" * 64

    def path_status(self, name: str, path: str) -> PathStatus:
        self.container(name)
        if path not in self.paths:
            raise NotFoundError(f"Could not find the file {path} in container {name}")
        return self.paths[path]

    def copy_from(self, name: str, path: str, target: BinaryIO) -> None:
        self.path_status(name, path)
        self._do("copy from", name, path)
        target.write(self.archive)

    def copy_to(self, name: str, path: str, source: BinaryIO, *, owners: bool = False) -> None:
        self.path_status(name, path)
        self._do("copy to", name, path, owners)
        self.archive = source.read()

    def volumes(self) -> list[VolumeSummary]:
        return self.kept

    def volume(self, name: str) -> VolumeSummary:
        for each in self.kept:
            if each.name == name:
                return each
        raise NotFoundError(f"get {name}: no such volume")

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeSummary:
        self._do("volume create", name, dict(labels))
        new = VolumeSummary(name or "f" * 64, f"/volumes/{name}", MOMENT, labels=labels)
        self.kept.append(new)
        return new

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        self._do("volume rm", name, force)
        self.kept.remove(self.volume(name))

    def prune_volumes(self, *, every: bool = False) -> tuple[tuple[str, ...], int]:
        self._do("volume prune", every)
        gone = tuple(each.name for each in self.kept)
        self.kept.clear()
        return gone, 1_230_000 * len(gone)

    def networks(self) -> list[NetworkSummary]:
        return self.joined

    def create_network(self, name: str, driver: str, labels: Mapping[str, str]) -> str:
        self._do("network create", name, driver, dict(labels))
        self.joined.append(NetworkSummary("4" * 64, name, driver, created=MOMENT, labels=labels))
        return self.joined[-1].id

    def remove_network(self, name: str) -> None:
        self._do("network rm", name)
        for each in self.joined:
            if name in (each.name, each.id):
                self.joined.remove(each)
                return
        raise NotFoundError(f"network {name} not found")

    def connect(self, network: str, container: str) -> None:
        self._do("connect", network, container)

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        self._do("disconnect", network, container, force)
