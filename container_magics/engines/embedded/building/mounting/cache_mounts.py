"""The directories of `RUN --mount=type=cache`, which outlive builds and are in no layer.

    ROOT/cache-mounts/KEY/N        one copy of a cache's directory; several where `sharing` asks
    ROOT/cache-mounts/KEY/N.lock   held by whoever uses the copy, exclusively unless it is shared
    ROOT/cache-mounts/KEY/gate     held while a copy is chosen, made or removed

Locks are flock(2)s: they work between processes, and end with them.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...storage.session import remove_tree

__all__ = ["CacheMounts"]

_PARENT = "cache-mounts"
_TRY_AGAIN_SECONDS = 0.05


class CacheMounts:
    """The cache mounts of a store.

    Args:
        root: the store's directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root / _PARENT

    @contextmanager
    def take(
        self, key: str, sharing: str, make: Callable[[Path], None], check: Callable[[], None]
    ) -> Iterator[Path]:
        """Use a cache's directory.

        Args:
            key: of the cache, hexadecimal.
            sharing: `shared` with whoever shares it too; `private`: one that nobody else uses, a
                new one if need be; `locked`: wait until nobody else uses it.
            make: makes the directory where it does not exist.
            check: called while waiting; raises to give up.
        """
        directory = self._root / key
        directory.mkdir(parents=True, exist_ok=True)
        while (taken := _take(directory, sharing, make)) is None:
            check()
            threading.Event().wait(_TRY_AGAIN_SECONDS)
        handle, path = taken
        try:
            yield path
        finally:
            os.close(handle)

    def prune(self, key: str = "*") -> int:
        """Remove the directories of a cache, or of all, that are not in use; the bytes freed."""
        freed = 0
        for directory in self._root.glob(key):
            with _gate(directory):
                for lock in directory.glob("*.lock"):
                    handle = _lock(lock, fcntl.LOCK_EX)
                    if handle >= 0:
                        freed += _size(lock.with_suffix(""))
                        remove_tree(lock.with_suffix(""))
                        os.close(handle)
        return freed


@contextmanager
def _gate(directory: Path) -> Iterator[None]:
    handle = os.open(directory / "gate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _lock(path: Path, kind: int) -> int:
    """The handle of a lock, -1 if somebody else has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return -1
    return handle


def _take(directory: Path, sharing: str, make: Callable[[Path], None]) -> tuple[int, Path] | None:
    """The lock and path of a copy; None if it has to be waited for."""
    kind = fcntl.LOCK_SH if sharing == "shared" else fcntl.LOCK_EX
    with _gate(directory):
        there = len(list(directory.glob("*.lock")))
        for number in range(there if sharing == "locked" and there else there + 1):
            handle = _lock(directory / f"{number}.lock", kind)
            if handle < 0:
                continue
            path = directory / str(number)
            try:
                if not path.exists():
                    partial = directory / f"{number}.partial"
                    remove_tree(partial)
                    make(partial)
                    partial.rename(path)
            except BaseException:
                os.close(handle)
                raise
            return handle, path
    return None


def _size(directory: Path) -> int:
    return sum(
        os.lstat(os.path.join(where, name)).st_size
        for where, _, names in os.walk(directory)
        for name in names
    )
