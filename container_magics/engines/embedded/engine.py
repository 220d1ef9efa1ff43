"""The embedded engine: builds and runs OCI images with no daemon, and no root where there is none.

EmbeddedEngine ──► builder, steps ──► runner ──► launcher (a process of its own)
      │                 └──► snapshotter ──► store
      └──► containers, archives, pulling ──► store
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import (
    ExhaustedError,
    InvalidReferenceError,
    NotFoundError,
    PullError,
    StoreError,
    UnreachableError,
    UsageError,
)
from ...lab.aliases import stand_in, stood_in_for
from ...oci.platforms import Platform
from ...reference import Reference, parse
from ..build_request import BuildRequest
from ..contents import Contents
from ..events import Cancellation, Emit
from ..excerpts import excerpts
from ..images import HistoryEntry, Image, ImageSummary, Layer
from ..results import BuildResult, PruneReport, Removal, RunResult, names_given
from ..run_request import RunRequest
from . import archives
from .building.bases import ImageSource
from .building.builder import Tools, build
from .building.evaluate import apply_changes
from .building.mounting.cache_mounts import CacheMounts
from .building.state import parse_time
from .containers.lifecycle import Containers
from .containers.verbs import Verbs
from .images.names import find_container, find_image, find_image_id, known_as, look_up
from .images.pushing import push
from .images.removal import prune_images, remove_image
from .inspection import inspect_container, inspect_image
from .layer_contents import resolve_contents
from .running import Runner
from .sandbox.client import Launcher
from .sandbox.rungs import choose
from .snapshots import skeleton
from .snapshots.base import Snapshotter
from .snapshots.overlay import OverlaySnapshotter
from .snapshots.trees import TreeSnapshotter
from .storage.digests import FileDigests
from .storage.image_records import ImageRow
from .storage.store import Store, default_root

__all__ = ["EmbeddedEngine"]


class EmbeddedEngine(Verbs):
    """The engine that is always there. Safe to use from several threads.

    Args:
        root: where its store is; by default `CONTAINER_MAGICS_ROOT`, or the user's data directory.

    Raises:
        StoreError: the store cannot be used.
        SandboxError: no rung of the isolation ladder works here.
    """

    name = "embedded"

    def __init__(self, root: Path | None = None) -> None:
        root = (root or default_root()).absolute()
        _make_skeleton(root)
        self._launcher = Launcher()
        try:
            self.rung = choose(root, self._launcher)
            self._store = Store(root, self.rung.holding)
        except BaseException:
            self._launcher.close()
            raise
        snapshotter: Snapshotter = (
            OverlaySnapshotter(self._store) if self.rung.overlay else TreeSnapshotter(self._store)
        )
        runner = Runner(self._store, self._launcher, self.rung)
        self._source = ImageSource(self._store)
        self._tools = Tools(
            self._store,
            runner,
            snapshotter,
            FileDigests(self._store),
            self._source.base,
            self._source.client,
        )
        self.containers_of_store = Containers(self._store, runner, snapshotter, self._source)

    def close(self) -> None:
        """See `Engine.close`."""
        self._launcher.close()
        self._source.close()
        self._store.close()

    # --- build and run ---

    def build(self, request: BuildRequest, emit: Emit, cancel: Cancellation) -> BuildResult:
        """See `Engine.build`."""
        started = time.monotonic()
        with excerpts(request):
            built = build(self._tools, request, emit, cancel)
        image = self._image(built.image)
        seconds = time.monotonic() - started
        names = names_given(request.tags, image)
        return BuildResult(image, built.steps, built.cached, seconds, names)

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """See `Engine.run`."""
        return self.containers_of_store.run(request, emit, cancel)

    # --- images ---

    def images(self) -> list[ImageSummary]:
        """See `Engine.images`."""
        rows = [
            self._store.images.row(image_id, damaged=True) for image_id in self._store.images.ids()
        ]
        oldest = datetime.min.replace(tzinfo=timezone.utc)
        return sorted(map(_summary, rows), key=lambda image: image.created or oldest, reverse=True)

    def image(self, name: str) -> Image:
        """See `Engine.image`."""
        return self._image(find_image(self._store, known_as(self._store, name)))

    def _image(self, row: ImageRow) -> Image:
        config = row.config
        layers = tuple(
            Layer(diff_id, self._store.require_layer(diff_id).size)
            for diff_id in config.get("rootfs", {}).get("diff_ids") or ()
        )
        return Image(
            _summary(row),
            str(config.get("architecture", "")),
            str(config.get("os", "")),
            dict(config.get("config") or {}),
            layers,
            tuple(_history(config, layers)),
        )

    def contents(self, name: str) -> Contents:
        """See `Engine.contents`."""
        name = known_as(self._store, name)
        return resolve_contents(self._store, self.containers_of_store, name, self.image)

    def inspect(self, name: str) -> dict[str, Any]:
        """See `Engine.inspect`."""
        try:
            row = find_image(self._store, known_as(self._store, name))
            return inspect_image(row, self._graph_driver())
        except (NotFoundError, InvalidReferenceError):
            pass
        try:
            found = find_container(self._store, name)
            return inspect_container(found, self._graph_driver(), self.rung.name)
        except NotFoundError:
            raise NotFoundError(f"No such object: {name}") from None

    def _graph_driver(self) -> dict[str, Any]:
        """Where layers are, as inspect has it."""
        return {"Data": {"Root": str(self._store.root)}, "Name": self._driver}

    @property
    def _driver(self) -> str:
        return "overlay" if self.rung.overlay else "trees"

    def tag(self, source: str, target: str) -> None:
        """See `Engine.tag`."""
        reference = parse(target)
        if reference.digest:
            raise UsageError(f"refusing to create a tag with a digest reference: {target}")
        image = find_image_id(self._store, known_as(self._store, source))
        self._store.images.set_name(reference.with_default_tag().full, image)

    def remove_image(self, name: str, *, force: bool = False, prune: bool = True) -> Removal:
        """See `Engine.remove_image`."""
        return remove_image(self._store, name, force=force, prune=prune)

    def prune_images(self, *, every: bool = False) -> PruneReport:
        """See `Engine.prune_images`."""
        return prune_images(self._store, every=every)

    def prune_build_cache(self, *, every: bool = False) -> PruneReport:
        """See `Engine.prune_build_cache`; cache mounts are deleted as well."""
        gone = self._store.prune_cache(every=every)
        freed = sum(row.size for row in gone) + CacheMounts(self._store.root).prune()
        return PruneReport(Removal(deleted=tuple(row.diff_id for row in gone)), freed)

    # --- images from and to elsewhere ---

    def pull(self, name: str, emit: Emit, cancel: Cancellation) -> ImageSummary:
        """See `Engine.pull`."""
        reference = parse(name).with_default_tag()
        try:
            image = self._source.pull(reference, emit, cancel)
        except (UnreachableError, ExhaustedError) as error:
            raise self._with_stand_in(error, reference) from None
        return self.image(image).summary

    def _with_stand_in(self, error: PullError, reference: Reference) -> PullError:
        """The error of a pull, with what the lab has in the image's place."""
        chosen = stand_in(reference)
        if chosen is not None:
            there = look_up(self._store, chosen.name) is not None
            here = f"Its stand-in is here, as {chosen.name}: `run` and FROM take it."
            error.hint = f"{error.hint}\n{here if there else chosen.advice}".strip()
        return error

    def push(self, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool = False) -> None:
        """See `Engine.push`."""
        push(self._store, self._source.client(), name, emit, cancel, all_tags=all_tags)

    def import_image(
        self, source: BinaryIO, name: str, *, changes: Sequence[str] = (), message: str = ""
    ) -> str:
        """See `Engine.import_image`."""
        return archives.import_image(
            self._store, source, name, changes=changes, message=message, apply=apply_changes
        )

    def export(self, container: str, target: BinaryIO) -> None:
        """See `Engine.export`."""
        self.containers_of_store.files(container).export(target)

    def save(self, names: Sequence[str], target: BinaryIO) -> None:
        """See `Engine.save`."""
        archives.save(self._store, [known_as(self._store, name) for name in names], target)

    def load(self, source: BinaryIO) -> list[str]:
        """See `Engine.load`."""
        return archives.load(self._store, source)

    # --- the engine itself ---

    def version(self) -> dict[str, Any]:
        """See `Engine.version`."""
        from ... import __version__

        host = Platform.host()
        part = {
            "Version": __version__,
            "Os": host.os,
            "Arch": host.architecture,
            "KernelVersion": platform.release(),
            "Rung": self.rung.name,
        }
        return {
            "Client": {**part, "Context": self.name},
            "Server": {**part, "Name": "embedded engine"},
        }

    def info(self) -> dict[str, Any]:
        """See `Engine.info`."""
        from ... import __version__

        containers = self._store.containers.all()
        return {
            "Name": platform.node(),
            "ServerVersion": __version__,
            "Containers": len(containers),
            "ContainersRunning": sum(row.running for row in containers),
            "ContainersStopped": sum(not row.running for row in containers),
            "Images": len(self._store.images.ids()),
            "Driver": self._driver,
            "DockerRootDir": str(self._store.root),
            "KernelVersion": platform.release(),
            "OSType": Platform.host().os,
            "Architecture": platform.machine(),
            "NCPU": os.cpu_count(),
            "SecurityOptions": [f"name=rung,rung={self.rung.name}"],
        }


def _make_skeleton(root: Path) -> None:
    """What workspaces need of the store's root before the first container."""
    try:
        skeleton.make(root)
        (root / "layers").mkdir(exist_ok=True)
        (root / "mount").mkdir(exist_ok=True)
        if not os.access(root, os.W_OK):
            raise PermissionError("it is not writable")
    except OSError as error:
        raise StoreError(
            f"the image store {root} cannot be used: {error}",
            hint="Set CONTAINER_MAGICS_ROOT to a directory that you can write to.",
        ) from error


def _summary(row: ImageRow) -> ImageSummary:
    labels = dict((row.config.get("config") or {}).get("Labels") or {})
    return ImageSummary(
        row.id,
        tuple(parse(name).familiar for name in row.names),
        tuple(parse(name).familiar for name in row.digests),
        parse_time(row.config.get("created")),
        row.size,
        labels,
        stood_in_for(row.names, labels),
    )


def _history(config: Mapping[str, Any], layers: Sequence[Layer]) -> Iterator[HistoryEntry]:
    """History rows with the sizes of the layers they made (rows that made one come in order)."""
    left = list(layers)
    for row in config.get("history") or ():
        empty = bool(row.get("empty_layer")) or not left
        yield HistoryEntry(
            parse_time(row.get("created")),
            str(row.get("created_by", "")),
            str(row.get("comment", "")),
            empty,
            0 if empty else left.pop(0).size,
        )
