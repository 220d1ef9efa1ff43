"""What one engine has of a store while it runs: a place to work in, and the layers it is using.

ROOT/session/ID.lock   held exclusively as long as the engine lives
ROOT/session/ID/       work in progress; removed when the engine is gone
ROOT/session/ID/held   diff IDs, one a line, that a build in progress needs
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..sandbox.launcher import cgroups, files
from ..sandbox.launcher.shim.record import groups_of
from . import deputy

__all__ = ["Session", "files_of_sessions", "remove_tree"]

_HELD = "held"


class Session:
    """A directory that outlives no process, by a lock that ends with it.

    Args:
        parent: where sessions are.

    Attributes:
        directory: this one's.
    """

    def __init__(self, parent: Path) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._handle = -1
        while self._handle < 0:
            self.directory = parent / uuid.uuid4().hex[:12]
            self._handle = self._locked()
        self.directory.mkdir()

    @property
    def _lock_file(self) -> Path:
        return self.directory.with_suffix(".lock")

    def _locked(self) -> int:
        """The handle of a new lock; -1 if another engine took it for one of a dead session."""
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
        handle = os.open(self._lock_file, flags, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if self._lock_file.exists():
            return handle
        os.close(handle)
        return -1

    def close(self) -> bool:
        """Remove what is left of it; whether it was open."""
        with self._lock:
            if self._handle < 0:
                return False
            remove_tree(self.directory)
            os.close(self._handle)
            self._handle = -1
            self._lock_file.unlink(missing_ok=True)
            return True

    def sweep(self) -> None:
        """Remove the sessions of engines that were killed."""
        for path in self.directory.parent.glob("*.lock"):
            if path == self._lock_file:
                continue
            try:
                handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for container in path.with_suffix("").glob("*/"):
                    cgroups.remove(groups_of(container))
                remove_tree(path.with_suffix(""))
                path.unlink(missing_ok=True)
            except BlockingIOError:
                continue
            finally:
                os.close(handle)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory to work in, removed afterwards, also when the process dies on the way."""
        path = self.directory / uuid.uuid4().hex[:12]
        path.mkdir()
        try:
            yield path
        finally:
            remove_tree(path)

    # --- layers that are in use, though no image has them ---

    @contextmanager
    def holding(self) -> Iterator[None]:
        """While this lasts, what `hold` names is held; until the last of several ends."""
        with self._lock:
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    (self.directory / _HELD).unlink(missing_ok=True)

    def hold(self, diff_ids: Iterable[str]) -> None:
        """Keep layers from being deleted, by any process; nothing where nobody is `holding`."""
        with self._lock:
            if self._holders:
                with (self.directory / _HELD).open("a") as file:
                    file.write("".join(f"{diff_id}\n" for diff_id in diff_ids))

    def held(self) -> set[str]:
        """The layers that any session holds."""
        found: set[str] = set()
        for path in files_of_sessions(self.directory.parent, _HELD):
            try:
                found.update(path.read_text().split())
            except FileNotFoundError:
                continue  # its builds ended just now
        return found


def files_of_sessions(parent: Path, pattern: str) -> list[Path]:
    """The files of that name in all sessions; one that ends meanwhile may have none any more."""
    found: list[Path] = []
    for directory in os.listdir(parent):
        with suppress(FileNotFoundError, NotADirectoryError):
            names = os.listdir(parent / directory)
            found += [parent / directory / name for name in names if fnmatchcase(name, pattern)]
    return found


def remove_tree(path: Path) -> None:
    """Delete a directory of ours, also where modes forbid looking into it."""
    unlocked: set[str] = set()

    def unlock(function: Any, failed: str, error: Any) -> None:  # noqa: ANN401 - shutil's signature
        if isinstance(error[1], FileNotFoundError):
            return  # another process deletes it as well
        if failed in unlocked or not isinstance(error[1], PermissionError):
            raise error[1]
        unlocked.add(failed)
        parent = Path(failed).parent
        parent.chmod(0o700)
        if Path(failed).is_dir() and not Path(failed).is_symlink():
            Path(failed).chmod(0o700)
            shutil.rmtree(failed, onerror=unlock)
        else:
            Path(failed).unlink(missing_ok=True)

    if path.exists():
        try:
            shutil.rmtree(path, onerror=unlock)
        except RecursionError:  # It is too deep for shutil; modes are not in the way of these.
            files.remove(os.fspath(path))
        except PermissionError:  # A sub-UID's, perhaps.
            if not deputy.is_possible():
                raise
            deputy.remove(path)
