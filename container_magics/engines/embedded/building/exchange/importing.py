"""`--cache-from`: what other stores know of a build's steps.

A cache that cannot be read is told of, and the build goes on without it, as with BuildKit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from .....distribution import RegistryClient, RemoteImage
from .....errors import (
    ContainerMagicsError,
    CorruptArchiveError,
    InvalidReferenceError,
    PullError,
    RegistryError,
    UnsupportedError,
    UsageError,
)
from .....oci.digests import digest_of
from .....oci.models import Descriptor
from .....reference import parse
from ....build_request import CacheExchange
from ....events import Emit, Vertex, VertexWarning
from ...images.names import look_up
from ...images.receiving import unpack_layer
from ...storage.cache import CacheHit
from ...storage.store import Store
from ..outputs.attributes import Attributes
from ..state import INLINE_CACHE
from .document import MEDIA_TYPE, parse_steps, read_steps
from .layout import CacheLayout, NoSuchCacheError, layers_by_diff_id, read_layout

__all__ = ["CacheImports", "cache_imports"]

Obtain = Callable[[str, str], str | None]
"""(image name, vertex to report under) → the ID of that image in the store, or None."""


class _Known(Protocol):
    """One cache, read."""

    def look_up(self, key: str) -> CacheHit | None: ...
    def bring(self, hit: CacheHit, store: Store, check: Callable[[], None]) -> bool: ...


@dataclass(frozen=True, slots=True)
class _FromLayout:
    layout: CacheLayout

    def look_up(self, key: str) -> CacheHit | None:
        hit = self.layout.steps.get(key)
        return hit if hit is not None and hit.diff_id in self.layout.layers else None

    def bring(self, hit: CacheHit, store: Store, check: Callable[[], None]) -> bool:
        with store.scratch() as scratch:
            layer = self.layout.unpack(hit.diff_id, store, scratch / "layer", check)
            store.adopt_layer(layer.directory, layer.diff_id, layer.size)
        return True


@dataclass(frozen=True, slots=True)
class _FromImage:
    """What an image's configuration says of its own layers, which the store has."""

    steps: dict[str, CacheHit]

    def look_up(self, key: str) -> CacheHit | None:
        return self.steps.get(key)

    def bring(self, hit: CacheHit, store: Store, check: Callable[[], None]) -> bool:
        return store.layer(hit.diff_id) is not None


@dataclass(frozen=True, slots=True)
class _FromRegistry:
    """An artifact of a registry, whose layers are fetched when they are wanted."""

    client: RegistryClient
    remote: RemoteImage
    steps: Mapping[str, CacheHit]
    layers: Mapping[str, Descriptor]

    def look_up(self, key: str) -> CacheHit | None:
        hit = self.steps.get(key)
        return hit if hit is not None and hit.diff_id in self.layers else None

    def bring(self, hit: CacheHit, store: Store, check: Callable[[], None]) -> bool:
        descriptor = self.layers[hit.diff_id]
        what = f"layer {hit.diff_id} of the cache {self.remote.reference.familiar}"
        with (
            store.scratch() as scratch,
            self.client.open_blob(self.remote, descriptor) as blob,
        ):

            def read(count: int) -> bytes:
                check()
                return blob.read(count)

            layer = unpack_layer(read, scratch / "layer", store.holding, what, hit.diff_id)
            blob.finish()
            store.adopt_layer(layer.directory, layer.diff_id, layer.size)
        return True


@dataclass(frozen=True, slots=True)
class _Local:
    """`type=local`."""

    root: Path
    tag: str
    digest: str

    @property
    def title(self) -> str:
        return f"importing cache manifest from local:{self.root}"

    def read(
        self, _store: Store, _obtain: Obtain, _client: Callable[[], RegistryClient], _vertex: str
    ) -> _Known:
        try:
            return _FromLayout(read_layout(self.root, self.tag, self.digest))
        except NoSuchCacheError as error:
            raise NoSuchCacheError(
                f"local cache import at {self.root} not found due to err: {error}"
            ) from error
        except CorruptArchiveError as error:
            raise NoSuchCacheError(
                f"local cache import at {self.root} skipped due to err: {error.message}"
            ) from error


@dataclass(frozen=True, slots=True)
class _Image:
    """`type=registry`: a cache under a name, or an image with its cache in its configuration."""

    name: str

    @property
    def title(self) -> str:
        return f"importing cache manifest from {self.name}"

    def read(
        self, store: Store, obtain: Obtain, client: Callable[[], RegistryClient], vertex: str
    ) -> _Known:
        try:
            if look_up(store, self.name) is None and (found := self._artifact(client())):
                return found
            image = obtain(self.name, vertex)
        except ContainerMagicsError as error:
            raise NoSuchCacheError(f"{self.name}: {error.message}") from error
        document = store.images.row(image).config.get(INLINE_CACHE) if image else None
        if document is None:
            raise NoSuchCacheError(f"{self.name}: no inline cache of this engine in it")
        try:
            return _FromImage(read_steps(document))
        except CorruptArchiveError as error:
            raise NoSuchCacheError(f"{self.name}: {error.message}") from error

    def _artifact(self, client: RegistryClient) -> _Known | None:
        try:
            remote = client.artifact(parse(self.name), MEDIA_TYPE)
        except PullError:
            return None  # An image of that name may be had from a mirror.
        if remote is None:
            return None
        layers = layers_by_diff_id(remote.manifest)
        return _FromRegistry(client, remote, parse_steps(remote.config_bytes), layers)


@dataclass
class CacheImports:
    """The caches that a build may look into, in the order given."""

    sources: Sequence[_Local | _Image]
    _known: list[_Known] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(
        self, store: Store, obtain: Obtain, client: Callable[[], RegistryClient], emit: Emit
    ) -> None:
        """Read all of them but for their layers; each is a step, and a warning where it fails."""
        for source in self.sources:
            vertex = Vertex(digest_of(source.title.encode()), source.title, started=time.time())
            emit(vertex)
            error = ""
            try:
                self._known.append(source.read(store, obtain, client, vertex.digest))
            except NoSuchCacheError as failure:
                error = str(failure)
                emit(VertexWarning(vertex.digest, error))
            emit(replace(vertex, completed=time.time(), error=error))

    def has(self, key: str) -> bool:
        """Whether one of them knows a step."""
        return any(known.look_up(key) is not None for known in self._known)

    def look_up(
        self, key: str, store: Store, check: Callable[[], None], warn: Callable[[str], None]
    ) -> CacheHit | None:
        """What a step gave elsewhere; its layer is in the store then, for a build in progress.

        Args:
            key: the step's.
            store: takes the layer.
            check: raises when the build was cancelled.
            warn: told when a layer cannot be had.
        """
        for known in self._known:
            hit = known.look_up(key)
            if hit is None:
                continue
            if store.layer(hit.diff_id) is not None:
                return hit
            try:
                with self._lock:
                    if known.bring(hit, store, check):
                        return hit
            except (CorruptArchiveError, RegistryError, OSError) as error:
                warn(f"a layer of the imported cache cannot be used: {error}")
        return None


def cache_imports(asked: Sequence[CacheExchange]) -> CacheImports:
    """The caches that `--cache-from` names.

    Raises:
        UsageError: an attribute is missing or makes no sense.
        UnsupportedError: another type than `local` and `registry`.
    """
    return CacheImports([_source(each) for each in asked])


def _source(asked: CacheExchange) -> _Local | _Image:
    attributes = Attributes(f"--cache-from type={asked.type}", asked.attributes)
    source: _Local | _Image
    if asked.type == "local":
        place = attributes.text("src")
        if not place:
            raise UsageError("local cache importer requires src", hint="type=local,src=DIRECTORY")
        source = _Local(
            Path(place).absolute(), attributes.text("tag", "latest"), attributes.text("digest")
        )
    elif asked.type == "registry":
        name = attributes.text("ref")
        if not name:
            raise UsageError("registry cache importer requires ref", hint="type=registry,ref=NAME")
        source = _Image(_checked(name))
    else:
        raise UnsupportedError(
            f"--cache-from type={asked.type} is not available on the embedded engine",
            hint="type=local,src=DIRECTORY and type=registry,ref=NAME are.",
        )
    attributes.finish()
    return source


def _checked(name: str) -> str:
    """A name as it is shown.

    Raises:
        UsageError: it is none.
    """
    try:
        return parse(name).with_default_tag().familiar
    except InvalidReferenceError as error:
        raise UsageError(f"invalid cache-from reference {name}: {error.message}") from error
