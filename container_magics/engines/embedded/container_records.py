"""What the store knows of containers.

One that is kept has a row in the database. One that runs with `--rm` has a file in its engine's
session directory instead: it costs no commit, and is gone when its engine is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .database import Database

__all__ = ["ContainerRecords", "ContainerRow"]

_SUFFIX = ".container"


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """A container; `detail` is what inspect shows, `transient` that it goes when it ends."""

    id: str
    name: str
    image: str
    state: str
    detail: Mapping[str, Any]
    transient: bool = False


class ContainerRecords:
    """Records of one store.

    Args:
        database: the store's.
        session: the directory of this engine's session.
    """

    def __init__(self, database: Database, session: Path) -> None:
        self._db = database
        self._session = session

    def add(self, row: ContainerRow) -> bool:
        """Note a container; False if its name is taken."""
        if any(other.name == row.name for other in self.all()):
            return False
        if row.transient:
            self._file(row.id).write_text(json.dumps(asdict(row)))
            return True
        try:
            with self._db.transaction() as db:
                db.execute(
                    "INSERT INTO containers VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        row.id,
                        row.name,
                        row.image,
                        self._session.name,
                        row.state,
                        json.dumps(row.detail),
                    ),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def update(self, container: str, state: str, detail: Mapping[str, Any]) -> None:
        """Note what became of a kept container."""
        with self._db.transaction() as db:
            db.execute(
                "UPDATE containers SET state=?, detail=? WHERE id=?",
                (state, json.dumps(detail), container),
            )

    def drop(self, row: ContainerRow) -> None:
        """Forget a container; its directory is the caller's."""
        if row.transient:
            self._file(row.id).unlink(missing_ok=True)
            return
        with self._db.transaction() as db:
            db.execute("DELETE FROM containers WHERE id=?", (row.id,))

    def all(self) -> list[ContainerRow]:
        """Every container, of every engine on this store."""
        rows = self._db.all("SELECT id, name, image, state, detail FROM containers")
        kept = [
            ContainerRow(container, name, image, state, json.loads(detail))
            for container, name, image, state, detail in rows
        ]
        running = []
        for file in self._session.parent.glob(f"*/*{_SUFFIX}"):
            try:
                running.append(ContainerRow(**json.loads(file.read_text())))
            except (FileNotFoundError, ValueError):
                continue  # it ended just now, or is being written
        return kept + running

    def end_session(self, session: str) -> None:
        """The engine of a session was killed, and with it its containers."""
        with self._db.transaction() as db:
            db.execute(
                "UPDATE containers SET state='exited' WHERE session=? AND state='running'",
                (session,),
            )

    def _file(self, container: str) -> Path:
        return self._session / f"{container}{_SUFFIX}"
