"""What the store knows of containers.

One that is kept has a row in the database, and a directory in ROOT/containers. One that runs in the
foreground with `--rm` has both in its engine's session directory instead: it costs no commit, and
is gone when its engine is. How a container is doing is in its directory, where its shim writes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..sandbox.launcher.shim.main import LOCK
from ..sandbox.launcher.shim.record import NAME, NEW, is_alive, is_elsewhere, read_whole
from .database import Database
from .session import files_of_sessions

__all__ = ["SHIM_KILLED", "ContainerRecords", "ContainerRow"]

SHIM_KILLED = "its shim was killed"
"""The error of a container that ended so."""

_SUFFIX = ".container"
_KILLED = 137


@dataclass(frozen=True, slots=True)
class ContainerRow:
    """A container.

    Attributes:
        image: ID of its image.
        detail: what inspect shows that does not change by itself.
        directory: where its files are.
        transient: whether it goes when its engine does.
    """

    id: str
    name: str
    image: str
    detail: Mapping[str, Any]
    directory: Path
    transient: bool = False

    def state(self) -> Mapping[str, Any]:
        """How it is doing, as the `State` of inspect; what died with its shim was killed."""
        try:
            state = json.loads(read_whole(f"{self.directory}/{NAME}").decode())
        except (FileNotFoundError, ValueError):
            return NEW
        if state["Running"] and not self._has_shim(state["Shim"]):
            gone = {"Status": "exited", "Running": False, "Paused": False, "Restarting": False}
            state |= {**gone, "Pid": 0, "ExitCode": _KILLED, "Error": SHIM_KILLED}
        return dict(state)

    def _has_shim(self, shim: Mapping[str, Any]) -> bool:
        """Whether its shim is there, which holds a lock that another machine sees too."""
        if not is_elsewhere(shim):
            return is_alive(shim)
        try:
            lock = os.open(self.directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    @property
    def running(self) -> bool:
        """Whether it has processes, or will have some again by itself."""
        return bool(self.state()["Running"])


class ContainerRecords:
    """Records of one store.

    Args:
        root: the store's directory.
        database: the store's.
        session: the directory of this engine's session.
    """

    def __init__(self, root: Path, database: Database, session: Path) -> None:
        self._parent = root / "containers"
        self._db = database
        self._session = session

    def directory(self, container: str, *, transient: bool) -> Path:
        """Where the files of a new container shall be."""
        return self._session / container[:32] if transient else self._parent / container[:32]

    def add(self, row: ContainerRow) -> bool:
        """Note a container; False if its name is taken."""
        if any(other.name == row.name for other in self.all()):
            return False
        if row.transient:
            fields = {"id": row.id, "name": row.name, "image": row.image, "detail": row.detail}
            file = self._file(row)
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(fields))
            partial.replace(file)
            return True
        try:
            with self._db.transaction() as db:
                db.execute(
                    "INSERT INTO containers VALUES (?, ?, ?, '', '', ?)",
                    (row.id, row.name, row.image, json.dumps(row.detail)),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def change(self, row: ContainerRow, *, name: str, detail: Mapping[str, Any]) -> bool:
        """Give a kept container another name, and other details; False if the name is taken."""
        try:
            with self._db.transaction() as db:
                db.execute(
                    "UPDATE containers SET name=?, detail=? WHERE id=?",
                    (name, json.dumps(detail), row.id),
                )
        except sqlite3.IntegrityError:
            return False
        return True

    def drop(self, row: ContainerRow) -> None:
        """Forget a container; its directory is the caller's."""
        if row.transient:
            self._file(row).unlink(missing_ok=True)
            return
        with self._db.transaction() as db:
            db.execute("DELETE FROM containers WHERE id=?", (row.id,))

    def all(self) -> list[ContainerRow]:
        """Every container, of every engine on this store."""
        rows = self._db.all("SELECT id, name, image, detail FROM containers")
        kept = [
            ContainerRow(container, name, image, json.loads(detail), self._parent / container[:32])
            for container, name, image, detail in rows
        ]
        running = []
        for file in files_of_sessions(self._session.parent, f"*{_SUFFIX}"):
            try:
                fields = json.loads(file.read_text())
            except FileNotFoundError:
                continue  # it ended just now
            directory = file.parent / os.fspath(fields["id"])[:32]
            running.append(ContainerRow(**fields, directory=directory, transient=True))
        return kept + running

    def _file(self, row: ContainerRow) -> Path:
        return row.directory.with_suffix(_SUFFIX)
