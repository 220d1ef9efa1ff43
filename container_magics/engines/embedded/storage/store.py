"""The embedded engine's store: its layers, what uses them, and where all the rest lies.

    ROOT/store.db         metadata (database.py); its build cache (cache.py), images, containers
    ROOT/blobs/sha256/    configurations, by digest (image_records.py)
    ROOT/layers/N/        fs, split, extra: one unpacked layer (see unpack); pulled-size: its bytes
                          on the wire
    ROOT/containers/ID/   fs, work: the writable layer of a container that was kept
    ROOT/session/ID/      what a running engine is working on; swept when its owner is gone

A layer or image exists once its row is committed: its files are complete before that, and deleted
after its row. Whatever a killed process leaves, the next engine to start removes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ....errors import StoreError
from ....oci.entries import Entry
from ....oci.split import read_entries
from ....oci.tree import Tree
from .cache import BuildCache
from .container_records import ContainerRecords
from .database import FREE_SPACE, Database
from .distribution import Distribution
from .holding import Holding
from .image_records import MEND, ImageRecords
from .mapped import settle
from .session import Session, remove_tree

__all__ = ["PULLED_SIZE", "LayerRow", "Store", "default_root", "remove_tree"]

PULLED_SIZE = "pulled-size"
# What holds files of images. Nobody else may get at a set-user-ID program that is root's or the
# user's own to this machine.
_PRIVATE = ("layers", "containers", "session", "trees", "cache-mounts", "volumes")

_NEXT_TO_NOTHING = 1 << 20


def default_root() -> Path:
    """`CONTAINER_MAGICS_ROOT`, else `container-magics` in the user's data directory."""
    import platformdirs

    named = os.environ.get("CONTAINER_MAGICS_ROOT")
    return Path(named) if named else Path(platformdirs.user_data_dir("container-magics"))


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer that the store holds unpacked, in `layers/NUMBER`; size is bytes of content."""

    number: int
    diff_id: str
    size: int


class Store:
    """One process's hold of a store. Safe to use from several threads, and several processes.

    Attributes:
        root: its directory.
        holding: what the files of its layers carry.
        session: a directory for work in progress, which outlives no process.
        cache: the build cache's records.
        distribution: where layers were seen in registries.
        images: records of images, and their configurations.
        containers: records of containers.

    Raises:
        StoreError: the root can't be made or written, or its database is damaged.
    """

    def __init__(self, root: Path, holding: Holding) -> None:
        self.root = root
        self.holding = holding
        self._lock = threading.RLock()
        self._trees: dict[tuple[int, ...], Tree] = {}
        try:
            for part in ("blobs/sha256", "mount"):
                (root / part).mkdir(parents=True, exist_ok=True)
            for part in _PRIVATE:
                (root / part).mkdir(exist_ok=True)
                (root / part).chmod(0o700)
            self._db = Database(root / "store.db")
            if self._db.older == 1:  # Its containers were forgotten.
                for directory in (root / "containers").iterdir():
                    remove_tree(directory)
            self._session = Session(root / "session")
            self.session = self._session.directory
            self.cache = BuildCache(self._db, self._has_files_of)
            self.distribution = Distribution(self._db)
            self.images = ImageRecords(root, self._db, self.session)
            self.containers = ContainerRecords(root, self._db, self.session)
            self._session.sweep()
            self._sweep_layers()
        except OSError as error:
            raise StoreError(
                f"the image store {root} cannot be used: {error}",
                hint="Set CONTAINER_MAGICS_ROOT to another directory, one that you can write to.",
            ) from error

    def close(self) -> None:
        """Give the store back; work in progress is removed. Closing again does nothing."""
        if self._session.close():
            self._db.close()

    def _sweep_layers(self) -> None:
        """Remove what a process had in `layers/` when it was killed before or after its commit."""
        with self._db.transaction() as db:
            known = {str(number) for (number,) in db.execute("SELECT number FROM layers")}
            for name in set(os.listdir(self.root / "layers")) - known:
                remove_tree(self.root / "layers" / name)

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Several changes at once, or none of them."""
        return self._db.transaction()

    def scratch(self) -> AbstractContextManager[Path]:
        """A directory to work in, removed afterwards, also when the process dies on the way."""
        return self._session.scratch()

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Tell of a full or broken disk as a `StoreError`; `what` is what could not be stored."""
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"{what} could not be stored in {self.root}: {error.strerror or error}",
                hint=FREE_SPACE,
            ) from error

    @property
    def is_full(self) -> bool:
        """Whether there is next to no space left on the disk."""
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize < _NEXT_TO_NOTHING

    def building(self) -> AbstractContextManager[None]:
        """While it lasts, nobody deletes layers that were made here, or `take`n."""
        return self._session.holding()

    # --- layers ---

    def layer(self, diff_id: str) -> LayerRow | None:
        """The unpacked layer of a diff ID, if the store has it."""
        rows = self._db.all(
            "SELECT number, diff_id, size FROM layers WHERE diff_id=? AND kind=?",
            diff_id,
            self.holding.kind,
        )
        return LayerRow(*rows[0]) if rows else None

    def require_layer(self, diff_id: str) -> LayerRow:
        """The same, where its absence means a damaged store."""
        row = self.layer(diff_id)
        if row is None:
            raise StoreError(
                f"the store {self.root} lacks layer {diff_id} of one of its images",
                hint=MEND,
            )
        return row

    def take(self, diff_ids: Sequence[str]) -> tuple[LayerRow, ...]:
        """Layers for a build in progress (see `building`), lowest first.

        Raises:
            StoreError: one is not there, or its files were deleted.
        """
        self._session.hold(diff_ids)
        with self._db.transaction():  # Whoever deletes layers looks at what is held inside one.
            rows = tuple(self.require_layer(diff_id) for diff_id in diff_ids)
        self.check_files(rows)
        return rows

    def check_files(self, layers: Sequence[LayerRow]) -> None:
        """See that the directories of layers are there.

        Raises:
            StoreError: one is not.
        """
        for row in layers:
            if not (self.directory(row) / "fs").is_dir():
                raise self._lacks(row)

    def _has_files_of(self, diff_id: str) -> bool:
        row = self.layer(diff_id)
        return row is not None and (self.directory(row) / "fs").is_dir()

    def _lacks(self, row: LayerRow) -> StoreError:
        return StoreError(
            f"the store {self.root} lacks the files of layer {row.diff_id}", hint=MEND
        )

    def directory(self, layer: LayerRow) -> Path:
        """Where a layer's `fs` and `split` are."""
        return self.root / "layers" / str(layer.number)

    def adopt_layer(self, directory: Path, diff_id: str, size: int) -> LayerRow:
        """Take a finished layer directory into the store (or drop it, if it is there already)."""
        if self.holding.mapped:
            settle(directory)
        with self._db.transaction() as db:
            self._session.hold([diff_id])
            existing = self.layer(diff_id)
            if existing is not None:
                if not (self.directory(existing) / "fs").is_dir():
                    self._place(directory, existing)
                return existing
            cursor = db.execute(
                "INSERT INTO layers (diff_id, kind, size) VALUES (?, ?, ?)",
                (diff_id, self.holding.kind, size),
            )
            row = LayerRow(int(cursor.lastrowid or 0), diff_id, size)
            self._place(directory, row)
            return row

    def _place(self, directory: Path, row: LayerRow) -> None:
        target = self.directory(row)
        remove_tree(target)
        directory.rename(target)

    def pulled_size(self, layer: LayerRow) -> int | None:
        """Bytes that a layer was on the wire, compressed; None where it was not pulled."""
        try:
            return int((self.directory(layer) / PULLED_SIZE).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def entries(self, layer: LayerRow) -> list[tuple[Entry, str]]:
        """The entries of a layer with the places of their content."""
        if not (self.directory(layer) / "split").exists():
            raise self._lacks(layer)
        return read_entries(self.directory(layer) / "split")

    def tree(self, layers: Sequence[LayerRow]) -> Tree:
        """The merged tree of layers, lowest first; node layers are `LayerRow`s."""
        key = tuple(layer.number for layer in layers)
        with self._lock:
            known = self._trees.get(key)
        if known is not None:
            return known
        tree = (
            self.tree(layers[:-1]).apply(layers[-1], self.entries(layers[-1])) if layers else Tree()
        )
        with self._lock:
            if len(self._trees) >= 64:
                self._trees.pop(next(iter(self._trees)))
            self._trees[key] = tree
        return tree

    # --- deleting ---

    def drop_image(self, image_id: str, *, keep_cached: bool = False) -> list[LayerRow]:
        """Delete an image, and the layers that nothing else uses; returns those.

        What a container made of it needs stays: its layers, and its configuration. With
        `keep_cached`, so do the layers that the build cache can give again.
        """
        with self._db.transaction() as db:
            self.images.drop(image_id)
            kept = self._used_diff_ids()
            if keep_cached:
                kept |= {r[0] for r in db.execute("SELECT DISTINCT diff_id FROM cache")}
            gone = [
                row
                for diff_id in reversed(self.images.diff_ids(image_id))
                if diff_id not in kept and (row := self.layer(diff_id))
            ]
            self._forget_layers(gone)
        if image_id not in self._used_images():
            self.images.drop_config(image_id)
        self._delete(gone)
        return gone

    def prune_cache(self, *, every: bool) -> list[LayerRow]:
        """Delete layers that no image or container uses, and what the cache knows of them.

        With `every`, the cache then knows nothing of the others either. Returns what was deleted.
        """
        with self._db.transaction() as db:
            if every:
                db.execute("DELETE FROM cache")
            kept = self._used_diff_ids()
            rows = [LayerRow(*r) for r in self._db.all("SELECT number, diff_id, size FROM layers")]
            gone = [row for row in rows if row.diff_id not in kept]
            self._forget_layers(gone)
        self._delete(gone)
        return gone

    def _forget_layers(self, layers: Sequence[LayerRow]) -> None:
        with self._db.transaction() as db:
            for row in layers:
                db.execute("DELETE FROM layers WHERE number=?", (row.number,))
                db.execute("DELETE FROM cache WHERE diff_id=?", (row.diff_id,))
                db.execute("DELETE FROM distribution WHERE diff_id=?", (row.diff_id,))
            self._trees.clear()

    def _delete(self, layers: Sequence[LayerRow]) -> None:
        """Delete the files of layers that no row names any more; numbers are not used again."""
        for row in layers:
            remove_tree(self.directory(row))

    def _used_images(self) -> set[str]:
        """Images that have a row, or that a container is made of."""
        return {*self.images.ids(), *(row.image for row in self.containers.all())}

    def _used_diff_ids(self) -> set[str]:
        used = {diff_id for image in self._used_images() for diff_id in self.images.diff_ids(image)}
        return used | self._session.held()
