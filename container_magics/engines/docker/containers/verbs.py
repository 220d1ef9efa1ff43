"""The verbs of `engines.containers` on a Docker or Podman socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

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
from ...results import RunResult
from ...run_request import RestartPolicy, RunRequest
from ..connection import Connection
from . import committing, copying, creating, lifecycle, listing, resources, watching

__all__ = ["ContainerVerbs"]


class ContainerVerbs(Connection):
    """What `engines.container_verbs.ContainerVerbs` and `Engine.run` say, by the engine's API."""

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """Run a container to its end, streaming its output."""
        from .foreground import run

        return run(self, request, emit, cancel)

    def create(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> str:
        """Make a container, pulling the image if it isn't there."""
        return creating.create(self, request, emit, cancel)

    # --- looking ---

    def containers(self, *, every: bool = False, sizes: bool = False) -> list[Container]:
        """Containers by one call, whose times are as exact as `docker ps` says them."""
        return listing.containers(self, every=every, sizes=sizes)

    def container(self, name: str) -> Container:
        """One container."""
        return listing.describe(self, name)

    def top(self, name: str, arguments: Sequence[str] = ()) -> ProcessTable:
        """A container's processes."""
        return watching.top(self, name, arguments)

    def usage(self, name: str) -> Usage:
        """What a container has used."""
        return watching.usage(self, name)

    def changes(self, name: str) -> list[Change]:
        """What is different from its image."""
        return committing.changes(self, name)

    # --- living ---

    def start(self, name: str) -> None:
        """Start a container."""
        lifecycle.start(self, name)

    def stop(self, name: str, seconds: int | None = None) -> None:
        """Stop a container."""
        lifecycle.stop(self, name, seconds)

    def restart(self, name: str, seconds: int | None = None) -> None:
        """Stop a container and start it again."""
        lifecycle.restart(self, name, seconds)

    def kill(self, name: str, signal: str = "KILL") -> None:
        """Send a container's first process a signal."""
        with lifecycle.changing(self) as api:
            api.kill(name, signal)

    def pause(self, name: str) -> None:
        """Let a container stand still."""
        with lifecycle.changing(self) as api:
            api.pause(name)

    def unpause(self, name: str) -> None:
        """Let a container go on."""
        with lifecycle.changing(self) as api:
            api.unpause(name)

    def rename(self, name: str, new: str) -> None:
        """Give a container another name."""
        with lifecycle.changing(self) as api:
            api.rename(name, new)

    def update(self, name: str, restart: RestartPolicy) -> None:
        """Give a container another restart policy."""
        lifecycle.update(self, name, restart)

    def remove_container(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        """Delete a container."""
        with lifecycle.changing(self) as api:
            api.remove_container(name, force=force, v=volumes)

    def prune_containers(self, until: float | None = None) -> tuple[tuple[str, ...], int]:
        """Delete containers that do not run."""
        return lifecycle.prune(self, until)

    def wait(self, name: str, cancel: Cancellation) -> int:
        """Wait for a container's end; a cancellation is a `RunError`."""
        return lifecycle.wait(self, name, cancel)

    # --- streams ---

    def logs(self, name: str, request: LogRequest, emit: Emit, cancel: Cancellation) -> None:
        """Emit what a container wrote."""
        from .logs import logs

        logs(self, name, request, emit, cancel)

    def attach(
        self,
        name: str,
        stdin: BinaryIO | None,
        emit: Emit,
        cancel: Cancellation,
        *,
        start: bool = False,
    ) -> int:
        """Emit what a container writes from now on, and feed it."""
        from .foreground import attach

        return attach(self, name, stdin, emit, cancel, start=start)

    def exec(self, name: str, request: ExecRequest, emit: Emit, cancel: Cancellation) -> int:
        """Run one more command; one that is cancelled runs on, and gives 130."""
        from .executing import execute

        return execute(self, name, request, emit, cancel)

    def open_terminal(self, name: str, command: ExecRequest | None = None) -> Terminal:
        """A terminal; a process whose terminal is closed runs on, as with docker's own."""
        from .terminals import open_terminal

        return open_terminal(self, name, command)

    # --- files and images ---

    def commit(self, name: str, request: CommitRequest) -> str:
        """Make an image of a container."""
        return committing.commit(self, name, request)

    def path_status(self, name: str, path: str) -> PathStatus:
        """A file in a container."""
        return copying.path_status(self, name, path)

    def copy_from(self, name: str, path: str, target: BinaryIO) -> None:
        """Write a file or directory of a container as a tar."""
        copying.copy_from(self, name, path, target)

    def copy_to(self, name: str, path: str, source: BinaryIO, *, owners: bool = False) -> None:
        """Unpack a tar into a directory of a container; this engine keeps the owners anyway."""
        copying.copy_to(self, name, path, source)

    # --- volumes and networks ---

    def volumes(self) -> list[VolumeSummary]:
        """All volumes, by name."""
        return resources.volumes(self)

    def volume(self, name: str) -> VolumeSummary:
        """One volume."""
        return resources.volume(self, name)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeSummary:
        """Make a volume, or give the one that is there."""
        return resources.create_volume(self, name, labels)

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        """Delete a volume."""
        resources.remove_volume(self, name, force=force)

    def prune_volumes(self, *, every: bool = False) -> tuple[tuple[str, ...], int]:
        """Delete volumes that no container has."""
        return resources.prune_volumes(self, every=every)

    def networks(self) -> list[NetworkSummary]:
        """All networks, by name."""
        return resources.networks(self)

    def create_network(self, name: str, driver: str, labels: Mapping[str, str]) -> str:
        """Make a network."""
        return resources.create_network(self, name, driver, labels)

    def remove_network(self, name: str) -> None:
        """Delete a network."""
        with lifecycle.changing(self) as api:
            api.remove_network(name)

    def connect(self, network: str, container: str) -> None:
        """Join a container to a network."""
        with lifecycle.changing(self) as api:
            api.connect_container_to_network(container, network)

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Take a container out of a network."""
        with lifecycle.changing(self) as api:
            api.disconnect_container_from_network(container, network, force=force)
