"""The embedded engine's store: layers, images and their names, and where all the rest lies.

    ROOT/store.db         metadata (database.py); its build cache (cache.py), its containers
    ROOT/blobs/sha256/    configurations, by digest
    ROOT/layers/N/        fs, split, extra: one unpacked layer (see unpack); pulled-size: its bytes
                          on the wire
    ROOT/containers/ID/   fs, work: the writable layer of a container that was kept
    ROOT/session/ID/      what a running engine is working on; swept when its owner is gone

A layer or image exists once its row is committed: its files are complete before that, and deleted
after its row. Whatever a killed process leaves, the next engine to start removes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import NotFoundError, StoreError
from ....oci.models import digest_of
from ....oci.split import read_entries
from ....oci.tar import Entry
from ....oci.tree import Tree
from .cache import BuildCache
from .container_records import ContainerRecords
from .database import FREE_SPACE, Database
from .distribution import Distribution
from .holding import Holding
from .mapped import settle
from .session import Session, remove_tree

__all__ = ["PULLED_SIZE", "ImageRow", "LayerRow", "Store", "default_root", "remove_tree"]

PULLED_SIZE = "pulled-size"
# What holds files of images. Nobody else may get at a set-user-ID program that is root's or the
# user's own to this machine.
_PRIVATE = ("layers", "containers", "session", "trees", "cache-mounts", "volumes")

_NEXT_TO_NOTHING = 1 << 20
_MEND = "Remove its image with `%docker rmi -f` and build or pull it again."


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


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image: its ID, its configuration (OCI image-spec JSON), names in full form, bytes."""

    id: str
    config: Mapping[str, Any]
    names: tuple[str, ...]
    digests: tuple[str, ...]
    size: int


class Store:
    """One process's hold of a store. Safe to use from several threads, and several processes.

    Attributes:
        root: its directory.
        holding: what the files of its layers carry.
        session: a directory for work in progress, which outlives no process.
        cache: the build cache's records.
        distribution: where layers were seen in registries.
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
                hint=_MEND,
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
            f"the store {self.root} lacks the files of layer {row.diff_id}", hint=_MEND
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

    # --- images ---

    def add_image(self, config: bytes, size: int, names: Sequence[str] = ()) -> str:
        """Store an image by its configuration's bytes and give it names; returns its ID."""
        digest = digest_of(config)
        blob = self._blob(digest)
        if not blob.exists():
            partial = self.session / uuid.uuid4().hex
            partial.write_bytes(config)
            partial.rename(blob)
        with self._db.transaction() as db:
            db.execute("INSERT OR IGNORE INTO images VALUES (?, ?, ?)", (digest, time.time(), size))
            for name in names:
                db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, digest))
        return digest

    def add_digest(self, name: str, digest: str, image: str) -> None:
        """Note under which manifest digest a repository holds an image."""
        with self._db.transaction() as db:
            db.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", (name, digest, image))

    def image(self, image_id: str, *, damaged: bool = False) -> ImageRow:
        """An image by its whole ID; a `damaged` one too, with an empty configuration, if so asked.

        Raises:
            NotFoundError: there is no such image (any more).
            StoreError: its configuration cannot be read.
        """
        sizes = self._db.all("SELECT size FROM images WHERE id=?", image_id)
        if not sizes:
            raise NotFoundError(f"No such image: {image_id}")
        try:
            config = self.image_config(image_id)
        except StoreError:
            if not damaged:
                raise
            config = {}
        names = tuple(
            r[0]
            for r in self._db.all("SELECT name FROM names WHERE image=? ORDER BY name", image_id)
        )
        digests = tuple(
            f"{name}@{digest}"
            for name, digest in self._db.all(
                "SELECT name, digest FROM digests WHERE image=?", image_id
            )
        )
        return ImageRow(image_id, config, names, digests, sizes[0][0])

    def image_config(self, image_id: str) -> dict[str, Any]:
        """The configuration of an image that exists, or that a container was made of."""
        try:
            config: dict[str, Any] = json.loads(self._blob(image_id).read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the configuration of image {image_id} cannot be read: {error}", hint=_MEND
            ) from error
        return config

    def image_ids(self, prefix: str = "") -> list[str]:
        """IDs (`sha256:…`) of all images, or of those whose hex digits begin with a prefix."""
        like = f"sha256:{prefix.removeprefix('sha256:')}%"
        return [
            r[0]
            for r in self._db.all("SELECT id FROM images WHERE id LIKE ? ORDER BY stored", like)
        ]

    def named(self, name: str) -> str | None:
        """The ID of the image that bears a full name, or `repository@digest`."""
        repository, _, digest = name.partition("@")
        if digest:
            rows = self._db.all(
                "SELECT image FROM digests WHERE name=? AND digest=?", repository, digest
            )
        else:
            rows = self._db.all("SELECT image FROM names WHERE name=?", name)
        return rows[0][0] if rows else None

    def all_names(self) -> list[str]:
        """Every full name that an image bears."""
        return [r[0] for r in self._db.all("SELECT name FROM names ORDER BY name")]

    def set_name(self, name: str, image_id: str) -> None:
        """Give an image a name, taking it from the one that has it."""
        with self._db.transaction() as db:
            db.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (name, image_id))

    def drop_name(self, name: str) -> tuple[str, ...]:
        """Take a name away, and with an image's last one in a repository its digests there.

        Returns:
            Those, as `repository@digest`.
        """
        repository, _, _ = name.rpartition(":")
        with self._db.transaction() as db:
            image = self.named(name)
            db.execute("DELETE FROM names WHERE name=?", (name,))
            others = db.execute("SELECT name FROM names WHERE image=?", (image,))
            if any(other.rpartition(":")[0] == repository for (other,) in others):
                return ()
            where = "FROM digests WHERE name=? AND image=?"
            found = db.execute(f"SELECT digest {where}", (repository, image)).fetchall()
            db.execute(f"DELETE {where}", (repository, image))
        return tuple(f"{repository}@{digest}" for (digest,) in found)

    def drop_image(self, image_id: str, *, keep_cached: bool = False) -> list[LayerRow]:
        """Delete an image, and the layers that nothing else uses; returns those.

        What a container made of it needs stays: its layers, and its configuration. With
        `keep_cached`, so do the layers that the build cache can give again.
        """
        with self._db.transaction() as db:
            for table, column in (("names", "image"), ("digests", "image"), ("images", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column}=?", (image_id,))  # noqa: S608 - our own words
            kept = self._used_diff_ids()
            if keep_cached:
                kept |= {r[0] for r in db.execute("SELECT DISTINCT diff_id FROM cache")}
            gone = [
                row
                for diff_id in reversed(self._diff_ids(image_id))
                if diff_id not in kept and (row := self.layer(diff_id))
            ]
            self._forget_layers(gone)
        if image_id not in self._used_images():
            self._blob(image_id).unlink(missing_ok=True)
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

    def _diff_ids(self, image_id: str) -> list[str]:
        """The layers of an image; none if its configuration was deleted behind our back."""
        try:
            return list((self.image_config(image_id).get("rootfs") or {}).get("diff_ids") or ())
        except StoreError:
            return []

    def _used_images(self) -> set[str]:
        """Images that have a row, or that a container is made of."""
        images = {r[0] for r in self._db.all("SELECT id FROM images")}
        return images | {row.image for row in self.containers.all()}

    def _used_diff_ids(self) -> set[str]:
        used = {diff_id for image in self._used_images() for diff_id in self._diff_ids(image)}
        return used | self._session.held()

    def _blob(self, digest: str) -> Path:
        return self.root / "blobs" / "sha256" / digest.removeprefix("sha256:")
