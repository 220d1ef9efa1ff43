"""What the store knows of images: their configurations, their names, and digests in registries.

A configuration is a blob, and its digest the image's ID. It may stay after its image, for a
container that was made of it.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import NotFoundError, StoreError
from ....oci.models import digest_of
from .database import Database

__all__ = ["MEND", "ImageRecords", "ImageRow"]

MEND = "Remove its image with `%docker rmi -f` and build or pull it again."
"""What to do about a damaged image."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image: its ID, its configuration (OCI image-spec JSON), names in full form, bytes."""

    id: str
    config: Mapping[str, Any]
    names: tuple[str, ...]
    digests: tuple[str, ...]
    size: int


class ImageRecords:
    """Records of one store.

    Args:
        root: the store's directory.
        database: the store's.
        session: the directory of this engine's session.
    """

    def __init__(self, root: Path, database: Database, session: Path) -> None:
        self._blobs = root / "blobs" / "sha256"
        self._db = database
        self._session = session

    def add(self, config: bytes, size: int, names: Sequence[str] = ()) -> str:
        """Store an image by its configuration's bytes and give it names; returns its ID."""
        digest = digest_of(config)
        blob = self._blob(digest)
        if not blob.exists():
            partial = self._session / uuid.uuid4().hex
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

    def row(self, image_id: str, *, damaged: bool = False) -> ImageRow:
        """An image by its whole ID; a `damaged` one too, with an empty configuration, if so asked.

        Raises:
            NotFoundError: there is no such image (any more).
            StoreError: its configuration cannot be read.
        """
        sizes = self._db.all("SELECT size FROM images WHERE id=?", image_id)
        if not sizes:
            raise NotFoundError(f"No such image: {image_id}")
        try:
            config = self.config(image_id)
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

    def config(self, image_id: str) -> dict[str, Any]:
        """The configuration of an image that exists, or that a container was made of."""
        try:
            config: dict[str, Any] = json.loads(self._blob(image_id).read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the configuration of image {image_id} cannot be read: {error}", hint=MEND
            ) from error
        return config

    def ids(self, prefix: str = "") -> list[str]:
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

    def names(self) -> list[str]:
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

    def drop(self, image_id: str) -> None:
        """Forget an image, its names and its digests; its configuration stays."""
        with self._db.transaction() as db:
            for table, column in (("names", "image"), ("digests", "image"), ("images", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column}=?", (image_id,))  # noqa: S608 - our own words

    def drop_config(self, image_id: str) -> None:
        """Delete the configuration of an image, if it is there."""
        self._blob(image_id).unlink(missing_ok=True)

    def diff_ids(self, image_id: str) -> list[str]:
        """The layers of an image; none if its configuration was deleted behind our back."""
        try:
            return list((self.config(image_id).get("rootfs") or {}).get("diff_ids") or ())
        except StoreError:
            return []

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")
