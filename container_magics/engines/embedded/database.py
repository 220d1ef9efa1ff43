"""The store's SQLite file: its tables, and transactions that nest."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Database"]

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
"""
_VERSION = 1
_BUSY_SECONDS = 60.0


class Database:
    """One connection, shared by a process's threads.

    The journal is a rollback journal: homes are often on NFS, where SQLite's WAL fails.

    Raises:
        sqlite3.Error: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(
                f"its format is {version}, of another container-magics; this one writes {_VERSION}"
            )
        self._connection.executescript(
            f"PRAGMA synchronous=NORMAL; {_SCHEMA} PRAGMA user_version={_VERSION};"
        )

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; one inside another joins it."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def all(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query gives."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()
