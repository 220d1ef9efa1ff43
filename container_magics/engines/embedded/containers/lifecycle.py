"""Making, starting, renaming and deleting the containers of a store, and their file systems."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache, partial
from typing import Any, BinaryIO

from ....errors import ConflictError, RunError, StoreError, UsageError
from ...containers import Container
from ...events import Cancellation, Emit, Message
from ...results import RunResult
from ...run_request import RestartPolicy, RunRequest
from ..building.bases import ImageSource
from ..building.state import parse_time
from ..images.names import find_container, names_image
from ..running import Command, Runner
from ..sandbox.client import Process
from ..sandbox.shims import Shim
from ..snapshots.base import Snapshotter, Workspace
from ..storage.container_records import ContainerRow
from ..storage.store import LayerRow, Store, remove_tree
from .asking import kill, shim_of
from .description import command_of, container_of, health_of
from .files import ContainerFiles
from .leftovers import clear_leftovers
from .limits import limits_of, try_limits
from .making import Maker, check_name, name_taken
from .ports import choose, relayed
from .streaming import Pipes, first_fact, outcome
from .volumes import Volumes

__all__ = ["Containers", "could_not_start"]

_LOG = {"max_size": 100 << 20, "max_files": 2}


class Containers:
    """The containers of a store.

    Args:
        store: has their images and records.
        runner: makes their shims.
        snapshotter: makes their root file systems.
        source: finds images that are not in the store.

    Attributes:
        volumes: the store's.
        rung: how its containers are kept apart.
    """

    def __init__(
        self, store: Store, runner: Runner, snapshotter: Snapshotter, source: ImageSource
    ) -> None:
        self._store = store
        self._runner = runner
        self._snapshotter = snapshotter
        self.volumes = Volumes(store)
        self.rung = runner.rung
        self._maker = Maker(store, source, self.volumes, self.rung)
        self._clear_ended()
        self.volumes.sweep()

    def create(
        self, request: RunRequest, emit: Emit, cancel: Cancellation, *, transient: bool = False
    ) -> ContainerRow:
        """See `ContainerVerbs.create`; one that is `transient` goes when this engine does."""
        for warning in try_limits(request):
            emit(Message(f"WARNING: {warning}"))
        return self._maker.create(request, emit, cancel, transient=transient)

    def _layers(self, config: Mapping[str, Any]) -> tuple[LayerRow, ...]:
        return tuple(map(self._store.require_layer, config["rootfs"]["diff_ids"]))

    # --- looking ---

    def find(self, name: str) -> ContainerRow:
        """A container by name, ID or ID prefix."""
        return find_container(self._store, name)

    def all(self, *, every: bool, sizes: bool) -> list[Container]:
        """See `ContainerVerbs.containers`."""
        found = []
        named = cache(partial(names_image, self._store))
        for row in self._store.containers.all():
            container = container_of(row)
            if every or container.state not in ("created", "exited"):
                # As in Docker: a name that means another image by now, or none, is not shown.
                if not named(container.image, row.image):
                    container = replace(container, image=row.image)
                found.append(replace(container, size=self._size(row)) if sizes else container)
        return sorted(found, key=lambda each: (each.created, each.id), reverse=True)

    def _size(self, row: ContainerRow) -> int:
        """Bytes of what it has written."""
        return sum(entry.size for entry in self.workspace(row).changes())

    def workspace(self, row: ContainerRow) -> Workspace:
        """A container's root file system as it is now."""
        layers = self._layers(self._store.images.config(row.image))
        if (row.directory / "fs").is_dir() or (row.directory / "tree").is_dir():
            return self._snapshotter.resume(layers, row.directory)
        with self._store.writing("the container"):
            return self._snapshotter.prepare(layers, row.directory)

    def _new_workspace(self, row: ContainerRow) -> Workspace:
        """One that is given back at the end."""
        layers = self._layers(self._store.images.config(row.image))
        with self._store.writing("the container"):
            return self._snapshotter.prepare(layers)

    def files(self, name: str) -> ContainerFiles:
        """A container's files as they are now."""
        row = self.find(name)
        config = self._store.images.config(row.image)
        return ContainerFiles(self._store, config, self._layers(config), self.workspace(row))

    def to_copy(self, row: ContainerRow) -> Callable[[tuple[int, int, int]], Process]:
        """What starts `launcher.copying` in a container that does not run, with streams.

        As on Docker, its volumes are there, and nothing else that it has while it runs.
        """
        command = Command(
            (),
            {},
            mounts=command_of(row.detail).mounts,
            read_only=row.detail["HostConfig"]["ReadonlyRootfs"],
            copying=True,
        )
        with self._store.writing("the container's network files"):
            spec = self._runner.spec(self.workspace(row), command, row.directory)
        return partial(self._runner.start, spec)

    # --- starting ---

    def _open(self, row: ContainerRow, workspace: Workspace, *, bound: bool) -> Shim:
        """A new shim for a container, which does not run yet."""
        clear_leftovers(row)
        published = choose(row, self._store.containers.all())
        places, relays = relayed(published)
        command = command_of(row.detail, places)
        with self._store.writing("the container's network files"):
            spec = self._runner.spec(workspace, command, row.directory)
        config = row.detail["Config"]
        policy = row.detail["HostConfig"]["RestartPolicy"]
        removes = row.detail["HostConfig"]["AutoRemove"] and not row.transient
        clearing = [
            sys.executable, "-m", f"{__package__}.clearing", os.fspath(self._store.root), row.id,
        ]  # fmt: skip
        return self._runner.start_shim(
            {
                "directory": os.fspath(row.directory),
                "name": row.id[:32],
                "ports": published,
                "relays": relays,
                "limits": limits_of(row),
                "spec": asdict(spec),
                "restart": {"name": policy["Name"], "retries": policy["MaximumRetryCount"]},
                "health": health_of(row.detail),
                "open_stdin": config["OpenStdin"],
                "stdin_once": config["StdinOnce"],
                "log": _LOG,
                "bound": bound,
                "after": clearing if removes else [],
            }
        )

    def start(self, name: str) -> None:
        """See `ContainerVerbs.start`."""
        row = self.find(name)
        if row.running:
            return
        try:
            opened = self._open(row, self.workspace(row), bound=False)
        except ConflictError:
            if row.running:  # Somebody else was quicker.
                return
            raise
        with opened as shim:
            shim.ask("start")
            answer = first_fact(shim)
        if "failed" in answer:
            raise could_not_start(answer)

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """See `Engine.run`."""
        row = self.create(request, emit, cancel, transient=request.remove)
        try:
            workspace = self._new_workspace(row) if row.transient else self.workspace(row)
            try:
                with self._open(row, workspace, bound=True) as shim:
                    answer = self._follow_start(shim, row, request.stdin, emit, cancel)
            finally:
                if row.transient:
                    workspace.discard()
        finally:
            if row.transient:
                self._delete(row)
                self.volumes.drop_nameless(row.detail["Mounts"])
        if "failed" in answer:
            raise could_not_start(answer)
        return RunResult(row.id, answer["exit"])

    def _follow_start(
        self,
        shim: Shim,
        row: ContainerRow,
        stdin: BinaryIO | None,
        emit: Emit,
        cancel: Cancellation,
    ) -> Mapping[str, Any]:
        pipes = Pipes(stdin)
        shim.ask("attach", pipes.ends_given(), tty=False)
        shim.ask("start")
        cancel.on_cancel(lambda: shim.ask("kill", signal=int(signal.SIGKILL), by_hand=True))
        pipes.follow(emit)
        return outcome(shim, row)

    def shim_to_attach(self, row: ContainerRow) -> tuple[Shim, bool]:
        """The shim of a container, which is made where there is none; and whether it runs."""
        if row.running:
            return shim_of(row), True
        return self._open(row, self.workspace(row), bound=False), False

    # --- names and policies ---

    def rename(self, name: str, new: str) -> None:
        """See `ContainerVerbs.rename`."""
        row = self.find(name)
        check_name(new)
        if new == row.name:
            raise UsageError("Renaming a container with the same name as its current name")
        if not self._store.containers.change(row, name=new, detail=row.detail):
            raise name_taken(self._store, new)

    def update(self, name: str, restart: RestartPolicy) -> None:
        """See `ContainerVerbs.update`."""
        row = self.find(name)
        policy = {"Name": restart.name, "MaximumRetryCount": restart.retries}
        host = {**row.detail["HostConfig"], "RestartPolicy": policy}
        if host["AutoRemove"] and restart.name != "no":
            raise ConflictError(
                f"Cannot update container {row.id}: Restart policy cannot be updated because "
                "AutoRemove is enabled for the container"
            )
        self._store.containers.change(row, name=row.name, detail={**row.detail, "HostConfig": host})
        if row.running:
            with shim_of(row) as shim:
                shim.ask("update", name=restart.name, retries=restart.retries)
                shim.answer()

    # --- deleting ---

    def remove(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        """See `ContainerVerbs.remove_container`."""
        row = self.find(name)
        state = row.state()
        if state["Running"] and not force:
            if state["Paused"]:
                raise ConflictError(
                    f"You cannot remove a paused container {row.id}. Unpause and then stop the "
                    "container before attempting removal or force remove"
                )
            raise ConflictError(
                f"You cannot remove a running container {row.id}. Stop the container before "
                "attempting removal or force remove"
            )
        if state["Running"]:
            with suppress(ConflictError):  # It has just ended.
                kill(self.find(row.id), signal.SIGKILL, row.id)
        self._delete(row)
        if volumes or row.detail["HostConfig"]["AutoRemove"]:
            self.volumes.drop_nameless(row.detail["Mounts"])

    def _delete(self, row: ContainerRow) -> None:
        clear_leftovers(row)
        try:
            self._store.containers.drop(row)
        except StoreError:  # Where it has filled the disk, nothing can be noted before it is gone.
            remove_tree(row.directory)
            self._store.containers.drop(row)
        remove_tree(row.directory)

    def prune(self, until: float | None) -> tuple[tuple[str, ...], int]:
        """See `ContainerVerbs.prune_containers`."""
        gone, freed = [], 0
        for row in self._store.containers.all():
            created = parse_time(row.detail["Created"])
            if row.running or (until is not None and created and created.timestamp() >= until):
                continue
            freed += self._size(row)
            self._delete(row)
            gone.append(row.id)
        return tuple(gone), freed

    def _clear_ended(self) -> None:
        """Delete those that should have gone by themselves, and whose shims were killed."""
        for row in self._store.containers.all():
            host = row.detail["HostConfig"]
            if host["AutoRemove"] and not row.transient and row.state()["Status"] == "exited":
                with suppress(ConflictError, StoreError):  # Then the next engine tries again.
                    self._delete(row)
                    self.volumes.drop_nameless(row.detail["Mounts"])


def could_not_start(answer: Mapping[str, Any]) -> RunError:
    """What a shim has told of a failed start, as an error."""
    failed = answer["failed"]
    hint = ""
    if "executable file not found" in failed or "no such file" in failed:
        hint = "The image has no such program; a distroless image has no shell at all."
    return RunError(failed, returncode=answer["code"], hint=hint)
