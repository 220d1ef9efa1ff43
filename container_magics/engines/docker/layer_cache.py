"""The indexes of layers that this machine keeps, by diff ID: `<cache>/layers/<hex>/`.

`<cache>` is CONTAINER_MAGICS_CACHE, else the user's cache directory (platformdirs). A layer never
changes, so an index is valid for ever; one that is damaged counts as none.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import CorruptArchiveError, StoreError
from ...oci.digests import check_digest
from .layer_index import LayerIndex, read_index

__all__ = ["LayerCache"]

_MAX_LAYERS = 500
_ABANDONED_SECONDS = 24 * 3600


class LayerCache:
    """The indexes that are kept on this machine: at most 500, those used last.

    Several processes may use it at once. Every method raises `StoreError` where the file system
    refuses.
    """

    def __init__(self) -> None:
        import platformdirs

        named = os.environ.get("CONTAINER_MAGICS_CACHE")
        self._root = Path(named or platformdirs.user_cache_dir("container-magics")) / "layers"

    def load(self, diff_id: str) -> LayerIndex | None:
        """The index of a layer; None if there is none, or it was damaged and is deleted now."""
        directory = self._directory(diff_id)
        with self._storing():
            try:
                os.utime(directory)
            except (FileNotFoundError, NotADirectoryError):
                return None
            try:
                return read_index(directory)
            except CorruptArchiveError:
                self._delete([directory])
                return None

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory to write indexes in, deleted at the end with what was not kept."""
        with self._storing():
            self._root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._root, prefix=".") as name:
                yield Path(name)

    def keep(self, made: Mapping[str, Path]) -> None:
        """Move finished indexes from the scratch directory to their diff IDs; evict the oldest."""
        with self._storing():
            for diff_id, directory in made.items():
                try:
                    directory.rename(self._directory(diff_id))
                except OSError:
                    # Another process had the same to do.
                    if not self._directory(diff_id).is_dir():
                        raise
            self._evict()

    def _evict(self) -> None:
        used: list[tuple[float, Path]] = []
        abandoned: list[Path] = []
        for path in self._root.iterdir():
            with suppress(FileNotFoundError):
                when = path.stat().st_mtime
                if not path.name.startswith("."):
                    used.append((when, path))
                elif when < time.time() - _ABANDONED_SECONDS:
                    abandoned.append(path)
        used.sort(reverse=True)
        self._delete([*abandoned, *(path for _, path in used[_MAX_LAYERS:])])

    def _delete(self, paths: Sequence[Path]) -> None:
        """Delete directories, each of them at once for whoever reads beside us."""
        if not paths:
            return
        with self.scratch() as scratch:
            for number, path in enumerate(paths):
                with suppress(FileNotFoundError):
                    path.rename(scratch / str(number))

    def _directory(self, diff_id: str) -> Path:
        return self._root / check_digest(diff_id).partition(":")[2]

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"what layers hold cannot be kept in {self._root}: {error}",
                hint="CONTAINER_MAGICS_CACHE names another place.",
            ) from error
