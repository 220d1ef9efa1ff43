"""Containers: `run` from the image's configuration to the exit status.

One with `remove` leaves nothing; any other keeps its writable layer in `containers/N` and its row,
so that `export` and the `rmi` conflict work as people know them.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import ConflictError, NotFoundError, RunError
from ...reference import parse
from ..base import Cancellation, Emit, Message, Mount, Output, RunRequest, RunResult
from .bases import ImageSource
from .container_records import ContainerRow
from .names import find_container, look_up
from .running import Command, Runner
from .snapshots.base import Snapshotter, Workspace
from .state import BuildState, now
from .store import Store, remove_tree

__all__ = ["Containers"]

_ADJECTIVES = (
    "amber", "brisk", "calm", "dapper", "eager", "frosty", "gentle", "hardy", "jolly", "keen",
    "lively", "mellow", "nimble", "patient", "quiet", "rustic", "sunny", "tidy", "upbeat",
    "vivid", "witty", "zesty",
)  # fmt: skip
_NOUNS = (
    "anchor", "barge", "buoy", "capstan", "crane", "deck", "dock", "ferry", "galley", "harbor",
    "helm", "hull", "keel", "lighter", "mast", "pallet", "pier", "quay", "rudder", "sail", "tug",
    "winch",
)  # fmt: skip


class Containers:
    """Runs containers, and remembers those that stay."""

    def __init__(
        self, store: Store, runner: Runner, snapshotter: Snapshotter, source: ImageSource
    ) -> None:
        self._store = store
        self._runner = runner
        self._snapshotter = snapshotter
        self._source = source

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """See `Engine.run`."""
        image = self._image(request.image, emit, cancel)
        row = self._store.image(image)
        layers = tuple(
            self._store.require_layer(diff_id) for diff_id in row.config["rootfs"]["diff_ids"]
        )
        state = BuildState.from_image(row.config, layers)
        container = secrets.token_hex(32)
        command = _command(request, state, container)
        _make_sources(request.mounts)
        with self._store.writing("the container"):
            kept = self._register(request, container, image, state, command)
        directory = self._directory(container) if not request.remove else None
        try:
            with self._store.writing("the container"):
                workspace = self._snapshotter.prepare(layers, directory)
        except BaseException:
            self._store.containers.drop(kept)
            raise
        started = now()
        try:
            code, failed = self._runner.run(
                workspace, command, lambda stream, data: emit(Output(stream, data)), cancel
            )
        except BaseException:
            self._interrupted(kept, workspace, started)
            raise
        if request.remove:
            workspace.discard()
            self._store.containers.drop(kept)
        else:
            self._settle(kept, code, failed or "", started)
            with self._store.writing("what the container changed"):
                workspace.keep()
        if failed is not None:
            raise RunError(failed, returncode=code, hint=_hint(failed))
        return RunResult(container, code)

    def _image(self, name: str, emit: Emit, cancel: Cancellation) -> str:
        found = look_up(self._store, name)
        if found is not None:
            return found
        reference = parse(name).with_default_tag()
        emit(Message(f"Unable to find image '{reference.familiar}' locally"))
        image, _ = self._source.obtain(
            reference,
            emit,
            lambda chosen, answer: emit(
                Message(
                    f"WARNING: {reference.familiar} is a stand-in, not the image itself: "
                    f"{chosen.summary}. The registry: {answer}"
                )
            ),
            cancel,
        )
        return image

    def _register(
        self, request: RunRequest, container: str, image: str, state: BuildState, command: Command
    ) -> ContainerRow:
        detail: dict[str, Any] = {
            "Created": now(),
            "Path": command.argv[0],
            "Args": list(command.argv[1:]),
            "Config": {
                **state.config,
                "Image": request.image,
                "Env": [f"{k}={v}" for k, v in command.env.items()],
            },
        }
        for _ in range(20):
            name = request.name or _random_name()
            if not request.name and any(row.name == name for row in self._store.containers.all()):
                name += f"_{secrets.token_hex(2)}"
            row = ContainerRow(container, name, image, "running", detail, transient=request.remove)
            if self._store.containers.add(row):
                return row
            if request.name:
                break
        other = find_container(self._store, request.name)
        raise ConflictError(
            f'Conflict. The container name "/{request.name}" is already in use '
            f'by container "{other.id}". '
            "You have to remove (or rename) that container to be able to reuse that name."
        )

    def _directory(self, container: str) -> Path:
        return self._store.root / "containers" / container[:32]

    def _settle(self, row: ContainerRow, code: int, error: str, started: str) -> None:
        state = {"ExitCode": code, "Error": error, "StartedAt": started, "FinishedAt": now()}
        self._store.containers.update(row.id, "exited", {**row.detail, "State": state})

    def _interrupted(self, row: ContainerRow, workspace: Workspace, started: str) -> None:
        if row.transient:
            workspace.discard()
            self._store.containers.drop(row)
        else:
            self._settle(row, 137, "interrupted", started)
            workspace.keep()

    def remove(self, name: str, *, force: bool = False) -> str:
        """Delete a container that has ended; returns its name.

        Raises:
            ConflictError: it runs.
        """
        row = find_container(self._store, name)
        if row.state == "running" and not force:
            raise ConflictError(f"You cannot remove a running container {row.id}. Stop it first.")
        self._store.containers.drop(row)
        remove_tree(self._directory(row.id))
        return row.name

    def workspace_of(self, name: str) -> tuple[ContainerRow, Path]:
        """A kept container and its directory.

        Raises:
            NotFoundError: it is not there, or has left nothing.
        """
        row = find_container(self._store, name)
        directory = self._directory(row.id)
        if not directory.is_dir():
            raise NotFoundError(f"container {row.name} has no file system any more")
        return row, directory


def _make_sources(mounts: Sequence[Mount]) -> None:
    """Make the host's directories that `-v` names and that aren't there, as Docker does.

    Raises:
        RunError: one cannot be made.
    """
    for mount in mounts:
        if not mount.source.exists():
            try:
                mount.source.mkdir(parents=True)
            except OSError as error:
                raise RunError(
                    f"error while creating mount source path '{mount.source}': {error.strerror}",
                    returncode=125,
                ) from error


def _random_name() -> str:
    return f"{random.choice(_ADJECTIVES)}_{random.choice(_NOUNS)}"  # noqa: S311 - no secret


def _command(request: RunRequest, state: BuildState, container: str) -> Command:
    """What runs: ENTRYPOINT and CMD by the rules of `docker run`.

    Raises:
        RunError: there is nothing to run.
    """
    config: Mapping[str, Any] = state.config
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
    return Command(
        argv,
        {"HOSTNAME": request.hostname or container[:12], **state.env, **request.environment},
        request.workdir or state.workdir,
        request.user or str(config.get("User") or ""),
        request.hostname or container[:12],
        "none" if request.network == "none" else "host",
        request.mounts,
        request.stdin,
    )


def _hint(failed: str) -> str:
    if "executable file not found" in failed or "no such file" in failed:
        return "The image has no such program; a distroless image has no shell at all."
    return ""
