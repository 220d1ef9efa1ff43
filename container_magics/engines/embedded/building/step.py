"""A step that makes a layer: its vertex, its place in the build cache, its layer."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator

from ....dockerfile import Stage
from ...events import Vertex, VertexLog, VertexWarning
from ..storage.cache import CacheHit
from ..storage.record import ChunkReader, archive
from ..storage.store import LayerRow, Store
from ..storage.unpack import unpack
from .builder import Build
from .copying.layer_plan import Piece
from .state import BuildState, now

__all__ = ["Step", "digest"]


def digest(*parts: str) -> str:
    """A cache key or vertex digest of texts."""
    text = "\0".join(parts).encode("utf-8", "surrogateescape")
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


class Step:
    """One step being worked on.

    Attributes:
        work: the build.
        stage: the stage it is in.
        vertex: as it was sent when it started.
        cached, layer_size: for the vertex at its end.
    """

    def __init__(self, work: Build, stage: Stage, vertex: Vertex) -> None:
        self.work = work
        self.stage = stage
        self.vertex = vertex
        self.cached = False
        self.layer_size: int | None = None

    @property
    def store(self) -> Store:
        """The engine's store."""
        return self.work.tools.store

    @property
    def escape(self) -> str:
        """The Dockerfile's escape character."""
        return self.work.dockerfile.escape

    def log(self, stream: int, data: bytes) -> None:
        """Pass on output of the step."""
        self.work.emit(VertexLog(self.vertex.digest, stream, data))

    def is_cached(self, key: str) -> bool:
        """Whether the build cache has the step's layer (and may be asked)."""
        key = self._dated(key)
        known = self.store.cache.look_up(key) is not None or self.work.imports.has(key)
        return known and not self.no_cache

    @property
    def no_cache(self) -> bool:
        """Whether the build cache may not be asked in this stage."""
        request = self.work.request
        stages = [name.lower() for name in request.no_cache_filter]
        return request.no_cache or bool(self.stage.name and self.stage.name in stages)

    def _dated(self, key: str) -> str:
        """A cache key with SOURCE_DATE_EPOCH in it, where there is one."""
        epoch = self.work.epoch
        return key if epoch is None else digest("epoch", str(epoch.seconds), key)

    def layer(
        self,
        key: str,
        state: BuildState,
        created_by: str,
        make: Callable[[], LayerRow],
        *,
        computed: bool = False,
    ) -> BuildState:
        """The state with the step's layer on top: from the cache, or made and remembered.

        Args:
            key: everything that decides what the layer will be.
            state: the state before.
            created_by: the row of history.
            make: makes the layer.
            computed: the layer depends on the key alone, but for the times of its directories. One
                that is made again without the cache, and has come out the same, gives way to the
                one that is known: so that what other builds have on top of it stays known as well.
        """
        cache, epoch = self.store.cache, self.work.epoch
        key = self._dated(key)
        hit = cache.look_up(key) or self._imported(key)
        if hit is not None and not self.no_cache:
            self.cached = True
            (layer,) = self.store.take([hit.diff_id])
        else:
            layer = make()
            self.work.check()
            known = self.store.take([hit.diff_id])[0] if hit is not None and computed else None
            if hit is not None and known is not None and self._same(known, layer):
                layer = known
            else:
                hit = CacheHit(layer.diff_id, now() if epoch is None else epoch.text)
                cache.remember(key, hit)
        self.work.gave[key] = hit
        self.layer_size = layer.size
        return state.with_layer(layer, hit.created, created_by)

    def _imported(self, key: str) -> CacheHit | None:
        """What another store's cache has for a key; this one knows it then."""
        if self.no_cache:
            return None
        work, vertex = self.work, self.vertex.digest
        hit = work.imports.look_up(
            key, self.store, work.check, lambda text: work.emit(VertexWarning(vertex, text))
        )
        if hit is not None:
            self.store.cache.remember(key, hit)
        return hit

    def _same(self, one: LayerRow, other: LayerRow) -> bool:
        """Whether two layers of one key differ in nothing but the times of directories."""
        first, second = (
            [
                (entry._replace(mtime=0) if entry.kind == stat.S_IFDIR else entry, place)
                for entry, place in self.store.entries(layer)
            ]
            for layer in (one, other)
        )
        return first == second

    def write(self, pieces: Iterable[Piece]) -> LayerRow:
        """A layer of entries and their content."""
        epoch = self.work.epoch
        if epoch is not None:
            pieces = ((epoch.clamp(entry), content) for entry, content in pieces)
        with self.store.scratch() as directory:
            chunks = ChunkReader(self._while_wanted(archive(pieces)))
            diff_id, size = unpack(chunks.read, directory, self.store.holding)
            return self.store.adopt_layer(directory, diff_id, size)

    def _while_wanted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.work.check()
            yield chunk
