"""The build cache's records: what steps gave, what COPY copied, what files' digests were."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .database import Database

__all__ = ["BuildCache", "CacheHit"]


@dataclass(frozen=True, slots=True)
class CacheHit:
    """What a step gave the last time: a layer ("" for none) and when (RFC 3339)."""

    diff_id: str
    created: str


class BuildCache:
    """Records in a store's database.

    Args:
        database: the store's.
        has_layer: whether the store has the layer of a diff ID.
    """

    def __init__(self, database: Database, has_layer: Callable[[str], bool]) -> None:
        self._db = database
        self._has_layer = has_layer

    def look_up(self, key: str) -> CacheHit | None:
        """What a step gave before, if its layer is still there."""
        rows = self._db.all("SELECT diff_id, created FROM cache WHERE key=?", key)
        if not rows or (rows[0][0] and not self._has_layer(rows[0][0])):
            return None
        return CacheHit(*rows[0])

    def remember(self, key: str, hit: CacheHit) -> None:
        """Keep what a step gave."""
        with self._db.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO cache VALUES (?, ?, ?, ?)",
                (key, hit.diff_id, hit.created, time.time()),
            )

    def file_digests(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Remembered (stamp, digest) of files, by absolute path."""
        found: dict[str, tuple[str, str]] = {}
        for start in range(0, len(paths), 500):
            part = paths[start : start + 500]
            marks = ",".join("?" * len(part))
            query = f"SELECT path, stamp, digest FROM file_digests WHERE path IN ({marks})"  # noqa: S608
            found.update(
                {path: (stamp, digest) for path, stamp, digest in self._db.all(query, *part)}
            )
        return found

    def remember_file_digests(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Keep (path, stamp, digest) of files."""
        with self._db.transaction() as db:
            db.executemany("INSERT OR REPLACE INTO file_digests VALUES (?, ?, ?)", rows)

    def copied(self, step: str) -> dict[str, str]:
        """What a COPY step copied the last time: a digest a file, by path."""
        rows = self._db.all("SELECT files FROM copied WHERE step=?", step)
        return dict(json.loads(rows[0][0])) if rows else {}

    def remember_copied(self, step: str, files: Mapping[str, str]) -> None:
        """Keep what a COPY step copied, to say later which file made it run again."""
        with self._db.transaction() as db:
            db.execute("INSERT OR REPLACE INTO copied VALUES (?, ?)", (step, json.dumps(files)))
