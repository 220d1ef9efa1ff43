"""A container's life: what one is, and the verbs that every engine has for it.

    create ──► start ⇄ stop, kill, restart, pause ──► remove
                 │
                 └──► logs, exec, attach, wait, top, usage, copy, changes, commit

Names are taken as typed: a name, an ID or its prefix. Every verb raises `NotFoundError` for a
container that is not there, in Docker's words (`No such container: NAME`), and `ConflictError` for
one whose state forbids it. `emit`, `cancel` are as in `engines.events`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Protocol

from .containers import (
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
from .run_request import RestartPolicy, RunRequest

if TYPE_CHECKING:
    from .events import Cancellation, Emit

__all__ = ["ContainerVerbs"]


class ContainerVerbs(Protocol):
    """What every engine does with containers; `engines.base.Engine` has it all."""

    def create(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> str:
        """Make a container that does not run yet, pulling the image if it isn't there; its ID.

        Raises:
            ConflictError: the name is in use.
            UnsupportedError: the engine cannot do what is asked.
        """
        ...

    def containers(self, *, every: bool = False, sizes: bool = False) -> list[Container]:
        """Those that run, or with `every` all; newest first. With `sizes` they have theirs."""
        ...

    def container(self, name: str) -> Container:
        """One container."""
        ...

    def start(self, name: str) -> None:
        """Start a container in the background; nothing where it runs.

        Raises:
            RunError: it could not be started (125, 126, 127).
        """
        ...

    def stop(self, name: str, seconds: int | None = None) -> None:
        """Send the stop signal, and after some seconds SIGKILL; nothing where it does not run.

        Args:
            name: of the container.
            seconds: until SIGKILL; None is the container's own, -1 never.
        """
        ...

    def restart(self, name: str, seconds: int | None = None) -> None:
        """Stop it and start it again."""
        ...

    def kill(self, name: str, signal: str = "KILL") -> None:
        """Send a signal, by name or number, to the first process.

        Raises:
            ConflictError: it does not run.
        """
        ...

    def pause(self, name: str) -> None:
        """Let its processes stand still."""
        ...

    def unpause(self, name: str) -> None:
        """Let them go on."""
        ...

    def rename(self, name: str, new: str) -> None:
        """Give it another name."""
        ...

    def update(self, name: str, restart: RestartPolicy) -> None:
        """Give it another restart policy."""
        ...

    def remove_container(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        """Delete it, with `volumes` also those that have no name of their own.

        Raises:
            ConflictError: it runs, without `force`.
        """
        ...

    def prune_containers(self, until: float | None = None) -> tuple[tuple[str, ...], int]:
        """Delete what does not run (and was made before `until`); IDs, and the bytes it freed."""
        ...

    def wait(self, name: str, cancel: Cancellation) -> int:
        """Wait until it does not run; the exit status."""
        ...

    def logs(self, name: str, request: LogRequest, emit: Emit, cancel: Cancellation) -> None:
        """Emit what it wrote, as `Output`; a cancellation ends the following."""
        ...

    def attach(
        self,
        name: str,
        stdin: BinaryIO | None,
        emit: Emit,
        cancel: Cancellation,
        *,
        start: bool = False,
    ) -> int:
        """Emit what it writes from now on and feed it, until it ends; the exit status.

        With `start` it is started as well, and nothing that it writes is missed. A cancellation
        detaches, and the container runs on; then it is 0.

        Raises:
            ConflictError: it does not run, without `start`.
        """
        ...

    def exec(self, name: str, request: ExecRequest, emit: Emit, cancel: Cancellation) -> int:
        """Run one more command in it; the exit status, 0 where it is detached.

        Raises:
            ConflictError: the container does not run, or is paused.
            RunError: it could not be started (126, 127).
        """
        ...

    def open_terminal(self, name: str, command: ExecRequest | None = None) -> Terminal:
        """A terminal of a new command, or else of the container itself, that `create` gave one.

        A container that does not run yet is started.
        """
        ...

    def top(self, name: str, arguments: Sequence[str] = ()) -> ProcessTable:
        """Its processes, by ps(1) with these arguments; by default `-ef`."""
        ...

    def usage(self, name: str) -> Usage:
        """What it has used until now; ask twice for a rate.

        Raises:
            ConflictError: it does not run.
        """
        ...

    def changes(self, name: str) -> list[Change]:
        """What is different from its image, by path."""
        ...

    def commit(self, name: str, request: CommitRequest) -> str:
        """Make an image of it; the image's ID."""
        ...

    def path_status(self, name: str, path: str) -> PathStatus:
        """A file in it.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def copy_from(self, name: str, path: str, target: BinaryIO) -> None:
        """Write a file, or a directory with all that is in it, as a tar named by its last part."""
        ...

    def copy_to(self, name: str, path: str, source: BinaryIO, *, owners: bool = False) -> None:
        """Unpack a tar into a directory; with `owners` files keep those of the tar.

        Raises:
            NotFoundError: there is no such directory.
        """
        ...

    def volumes(self) -> list[VolumeSummary]:
        """All volumes, by name."""
        ...

    def volume(self, name: str) -> VolumeSummary:
        """One volume."""
        ...

    def create_volume(self, name: str, labels: Mapping[str, str]) -> VolumeSummary:
        """Make a volume, or give the one that is there; without a name it gets one."""
        ...

    def remove_volume(self, name: str, *, force: bool = False) -> None:
        """Delete a volume and what is in it; with `force` one that is not there is no error.

        Raises:
            ConflictError: a container has it.
        """
        ...

    def prune_volumes(self, *, every: bool = False) -> tuple[tuple[str, ...], int]:
        """Delete nameless volumes that no container has, or with `every` all; names and bytes."""
        ...

    def networks(self) -> list[NetworkSummary]:
        """All networks, by name."""
        ...

    def create_network(self, name: str, driver: str, labels: Mapping[str, str]) -> str:
        """Make a network; its ID.

        Raises:
            UnsupportedError: the engine has no other than its own.
        """
        ...

    def remove_network(self, name: str) -> None:
        """Delete a network."""
        ...

    def connect(self, network: str, container: str) -> None:
        """Join a container to a network."""
        ...

    def disconnect(self, network: str, container: str, *, force: bool = False) -> None:
        """Take it out."""
        ...
