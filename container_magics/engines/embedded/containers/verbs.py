"""The container verbs of the engine (`engines.container_verbs.ContainerVerbs`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ....errors import NotFoundError, UnsupportedError
from ...containers import (
    Change,
    CommitRequest,
    Container,
    ExecRequest,
    LogRequest,
    NetworkSummary,
    PathStatus,
    ProcessTable,
    Terminal,
    Usage,
    VolumeSummary,
)
from ...events import Cancellation, Emit
from ...run_request import RestartPolicy, RunRequest
from .asking import kill, pause, stop, unpause, wait
from .description import container_of
from .lifecycle import Containers
from .signals import signal_number

__all__ = ["Verbs"]

_NETWORKS = (("host", "host"), ("none", "null"))


class Verbs:
    """The base of the engine that has them.

    Attributes:
        containers_of_store: does them.
    """

    containers_of_store: Containers

    def create(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> str:
        """See `ContainerVerbs.create`."""
        return self.containers_of_store.create(request, emit, cancel).id

    def containers(self, *, every: bool = False, sizes: bool = False) -> list[Container]:
        """See `ContainerVerbs.containers`."""
        return self.containers_of_store.all(every=every, sizes=sizes)

    def container(self, name: str) -> Container:
        """See `ContainerVerbs.container`."""
        return container_of(self.containers_of_store.find(name))

    def start(self, name: str) -> None:
        """See `ContainerVerbs.start`."""
        self.containers_of_store.start(name)

    def stop(self, name: str, seconds: int | None = None) -> None:
        """See `ContainerVerbs.stop`."""
        stop(self.containers_of_store.find(name), seconds)

    def restart(self, name: str, seconds: int | None = None) -> None:
        """See `ContainerVerbs.restart`."""
        stop(self.containers_of_store.find(name), seconds)
        self.containers_of_store.start(name)

    def kill(self, name: str, signal: str = "KILL") -> None:
        """See `ContainerVerbs.kill`."""
        number = signal_number(signal)
        kill(self.containers_of_store.find(name), number, name)

    def pause(self, name: str) -> None:
        """See `ContainerVerbs.pause`."""
        pause(self.containers_of_store.find(name), self.containers_of_store.rung)

    def unpause(self, name: str) -> None:
        """See `ContainerVerbs.unpause`."""
        unpause(self.containers_of_store.find(name))

    def rename(self, name: str, new: str) -> None:
        """See `ContainerVerbs.rename`."""
        self.containers_of_store.rename(name, new)

    def update(self, name: str, restart: RestartPolicy) -> None:
        """See `ContainerVerbs.update`."""
        self.containers_of_store.update(name, restart)

    def remove_container(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        """See `ContainerVerbs.remove_container`."""
        self.containers_of_store.remove(name, force=force, volumes=volumes)

    def prune_containers(self, until: float | None = None) -> tuple[tuple[str, ...], int]:
        """See `ContainerVerbs.prune_containers`."""
        return self.containers_of_store.prune(until)

    def wait(self, name: str, cancel: Cancellation) -> int:
        """See `ContainerVerbs.wait`."""
        return wait(self.containers_of_store.find(name), cancel)

    def logs(self, name: str, request: LogRequest, emit: Emit, cancel: Cancellation) -> None:
        """See `ContainerVerbs.logs`."""
        from .logs import read_log

        read_log(self.containers_of_store.find(name), request, emit, cancel)

    def attach(
        self,
        name: str,
        stdin: BinaryIO | None,
        emit: Emit,
        cancel: Cancellation,
        *,
        start: bool = False,
    ) -> int:
        """See `ContainerVerbs.attach`."""
        from .executing import attach

        row = self.containers_of_store.find(name)
        return attach(self.containers_of_store, row, stdin, emit, cancel, start=start)

    def exec(self, name: str, request: ExecRequest, emit: Emit, cancel: Cancellation) -> int:
        """See `ContainerVerbs.exec`."""
        from .executing import execute

        row = self.containers_of_store.find(name)
        return execute(row, request, emit, cancel)

    def open_terminal(self, name: str, command: ExecRequest | None = None) -> Terminal:
        """See `ContainerVerbs.open_terminal`."""
        from .terminals import open_terminal

        found = self.containers_of_store.find(name)
        return open_terminal(self.containers_of_store, found, command)

    def top(self, name: str, arguments: Sequence[str] = ()) -> ProcessTable:
        """See `ContainerVerbs.top`."""
        from .watching import top

        return top(self.containers_of_store.find(name), arguments)

    def usage(self, name: str) -> Usage:
        """See `ContainerVerbs.usage`."""
        from .watching import usage

        return usage(self.containers_of_store.find(name))

    def changes(self, name: str) -> list[Change]:
        """See `ContainerVerbs.changes`."""
        return self.containers_of_store.files(name).changes()

    def commit(self, name: str, request: CommitRequest) -> str:
        """See `ContainerVerbs.commit`."""
        row = self.containers_of_store.find(name)
        return self.containers_of_store.files(name).commit(row.detail, request)

    def path_status(self, name: str, path: str) -> PathStatus:
        """See `ContainerVerbs.path_status`."""
        from .copying import path_status

        return path_status(self.containers_of_store, self.containers_of_store.find(name), path)

    def copy_from(self, name: str, path: str, target: BinaryIO) -> None:
        """See `ContainerVerbs.copy_from`."""
        from .copying import copy_from

        copy_from(self.containers_of_store, self.containers_of_store.find(name), path, target)

    def copy_to(self, name: str, path: str, source: BinaryIO, *, owners: bool = False) -> None:
        """See `ContainerVerbs.copy_to`."""
        from .copying import copy_to

        copy_to(self.containers_of_store, self.containers_of_store.find(name), path, source)

    # --- volumes and networks ---

    def volumes(self) -> list[VolumeSummary]:
        """See `ContainerVerbs.volumes`."""
        return self.containers_of_store.volumes.all()

    def volume(self, name: str) -> VolumeSummary:
        """See `ContainerVerbs.volume`."""
        return self.containers_of_store.volumes.find(name)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeSummary:
        """See `ContainerVerbs.create_volume`."""
        return self.containers_of_store.volumes.create(name, labels)

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        """See `ContainerVerbs.remove_volume`."""
        self.containers_of_store.volumes.remove(name, force=force)

    def prune_volumes(self, *, every: bool = False) -> tuple[tuple[str, ...], int]:
        """See `ContainerVerbs.prune_volumes`."""
        return self.containers_of_store.volumes.prune(every=every)

    def networks(self) -> list[NetworkSummary]:
        """See `ContainerVerbs.networks`: the host's, and none."""
        return [NetworkSummary(name, name, driver) for name, driver in _NETWORKS]

    def create_network(self, name: str, driver: str, labels: Mapping[str, str]) -> str:
        """See `ContainerVerbs.create_network`."""
        raise _only_its_own(f"network create {name}")

    def remove_network(self, name: str) -> None:
        """See `ContainerVerbs.remove_network`."""
        if name in dict(_NETWORKS):
            raise UnsupportedError(f"{name} is a pre-defined network and cannot be removed")
        raise NotFoundError(f"network {name} not found")

    def connect(self, network: str, container: str) -> None:
        """See `ContainerVerbs.connect`."""
        raise _only_its_own(f"network connect {network}")

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """See `ContainerVerbs.disconnect`."""
        raise _only_its_own(f"network disconnect {network}")


def _only_its_own(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"docker {what}: the embedded engine's networks are host and none",
        hint="Containers share the host's network and reach each other on 127.0.0.1.",
    )
