"""Where layers were seen in registries, like Docker's distribution metadata.

So what a registry has already is neither compressed nor sent again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from .database import Database

__all__ = ["Distribution", "Sighting"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A layer as a repository has it.

    Attributes:
        repository: with its registry, such as `docker.io/library/alpine`.
        digest: of the gzip-compressed layer.
        size: its bytes.
    """

    repository: str
    digest: str
    size: int


class Distribution:
    """Records in a store's database, by diff ID and repository.

    Args:
        database: the store's.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def seen(self, diff_id: str) -> list[Sighting]:
        """Where a layer was seen, latest first."""
        rows = self._db.all(
            "SELECT repository, digest, size FROM distribution WHERE diff_id=? ORDER BY seen DESC",
            diff_id,
        )
        return [Sighting(*row) for row in rows]

    def remember(self, sightings: dict[str, Sighting]) -> None:
        """Keep where layers were seen, by diff ID."""
        with self._db.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO distribution VALUES (?, ?, ?, ?, ?)",
                [
                    (diff_id, seen.repository, seen.digest, seen.size, time.time())
                    for diff_id, seen in sightings.items()
                ],
            )

    def forget(self, diff_id: str, repository: str) -> None:
        """A layer is there no more."""
        with self._db.transaction() as db:
            db.execute(
                "DELETE FROM distribution WHERE diff_id=? AND repository=?", (diff_id, repository)
            )
