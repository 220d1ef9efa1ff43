"""The store's SQLite file: its tables, and transactions that nest."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....errors import StoreError

__all__ = ["FREE_SPACE", "Database"]

FREE_SPACE = "Free some space where it is, or set CONTAINER_MAGICS_ROOT to a directory with more."
"""What to do about a full disk."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS layers (
    number INTEGER PRIMARY KEY AUTOINCREMENT, diff_id TEXT NOT NULL, kind TEXT NOT NULL,
    size INTEGER NOT NULL, UNIQUE (diff_id, kind));
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY, stored REAL NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, image TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS digests (name TEXT NOT NULL, digest TEXT NOT NULL, image TEXT NOT NULL,
    PRIMARY KEY (name, digest));
CREATE TABLE IF NOT EXISTS cache (
    key TEXT PRIMARY KEY, diff_id TEXT NOT NULL, created TEXT NOT NULL, used REAL NOT NULL);
CREATE TABLE IF NOT EXISTS containers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, image TEXT NOT NULL, session TEXT NOT NULL,
    state TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS copied (step TEXT PRIMARY KEY, files TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS file_digests (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS distribution (
    diff_id TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    seen REAL NOT NULL, PRIMARY KEY (diff_id, repository));
"""
_VERSION = 3
_FORGOTTEN = {1: "DELETE FROM containers", 2: ""}
"""By version: what of an older store cannot be read any more."""
_BUSY_SECONDS = 60.0
_FULL = ("database or disk is full", "disk I/O error")
_OTHER_HINT = "Set CONTAINER_MAGICS_ROOT to another directory, one that you can write to."


class Database:
    """One connection, shared by a process's threads.

    The journal is a rollback journal: homes are often on NFS, where SQLite's WAL fails.

    Attributes:
        older: the version of a store that was brought up to this one just now, else 0.

    Raises:
        StoreError: the file cannot be used, now or in any method: it is damaged, or the disk full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._depth = 0
        self.older = 0
        with self._telling():
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA synchronous=NORMAL")
        if self._version() == _VERSION:
            return
        with self.transaction() as db:
            version = self._version()  # Another process may have been faster.
            if version == _VERSION:
                return
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            if version:
                db.execute(_FORGOTTEN[version])
            db.execute(f"PRAGMA user_version={_VERSION}")
        self.older = version

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, *_FORGOTTEN, _VERSION):
            raise sqlite3.DatabaseError(
                f"its format is {version}, of another container-magics; this one writes {_VERSION}"
            )
        return int(version)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell what SQLite says for people; that a row is there already is the caller's matter."""
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise StoreError(
                f"the image store {self._path.parent} cannot be used: {self._path.name}: {error}",
                hint=FREE_SPACE if str(error) in _FULL else _OTHER_HINT,
            ) from error

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; one inside another joins it."""
        with self._lock, self._telling():
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                try:
                    yield self._connection
                finally:
                    self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself, or leaves a COMMIT undone.
                if self._depth == 0 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        with self._lock, self._telling():
            return self._connection.execute(query, values).fetchall()
