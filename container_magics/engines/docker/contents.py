"""What images and containers hold, of an engine whose API gives layers only by `docker save`.

    Contents ──► _ImageLayer ──► _Layers ──► layer_cache ──► layer_index   on disk, by diff ID
        │                           └──────► archives       one save for all layers without an index
        └──────► writable_layer ───────────► archives       a container's diff and export

A layer in an archive is known by its digest, which is its diff ID, and a file's content by the
one in the index. So the order and the form of the archive do not matter (`ID/layer.tar` up to
Docker 24, an OCI layout from 25 on), and what is damaged is found out.
"""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from ...errors import (
    ContainerMagicsError,
    CorruptArchiveError,
    EngineUnavailableError,
    NotFoundError,
    StoreError,
)
from ...oci.entries import Entry
from ...oci.members import Member, read_members
from ..contents import Contents, TransferSize
from ..images import Image
from .archives import copied, is_file, saved, spooled, title
from .layer_cache import LayerCache
from .layer_index import IndexedFile, LayerIndex, index_layer
from .writable_layer import WritableLayer

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["contents"]


def contents(engine: DockerEngine, name: str) -> Contents:
    """The layers of an image, or else of a container; see `Engine.contents`."""
    try:
        image = engine.image(name)
    except NotFoundError:
        return _of_container(engine, name)
    return Contents(image, _image_layers(engine, image))


def _of_container(engine: DockerEngine, name: str) -> Contents:
    try:
        with engine.calling() as api:
            data = api.inspect_container(name)
    except NotFoundError as error:
        raise NotFoundError(f"No such object: {name}") from error
    known = str(data["Name"]).removeprefix("/")
    try:
        image = engine.image(str(data["Image"]))
    except NotFoundError as error:
        raise NotFoundError(
            f"No such image: {data['Image']}, which the container {known} was made of"
        ) from error
    layers = _image_layers(engine, image)
    return Contents(image, [*layers, WritableLayer(engine, str(data["Id"]), layers)], known)


def _image_layers(engine: DockerEngine, image: Image) -> list[_ImageLayer]:
    layers = _Layers(engine, image)
    return [_ImageLayer(layers, layer.diff_id) for layer in image.layers]


class _ImageLayer:
    """A `LayerContents`; what is not indexed is, with the other layers, when first asked for."""

    def __init__(self, layers: _Layers, diff_id: str) -> None:
        self._layers = layers
        self._diff_id = diff_id

    @property
    def diff_id(self) -> str:
        return self._diff_id

    @property
    def size(self) -> int:
        return self._layers.index(self._diff_id).size

    def records(self) -> Sequence[tuple[Entry, str]]:
        return self._layers.index(self._diff_id).records

    def open(self, place: str) -> BinaryIO:
        return self._layers.open(self._diff_id, self._file(place))

    def digest(self, place: str) -> str:
        return self._file(place).digest.hex()

    def transfer_size(self) -> TransferSize:
        return TransferSize(self._layers.index(self._diff_id).compressed, measured=False)

    def _file(self, place: str) -> IndexedFile:
        file = self._layers.index(self._diff_id).files.get(place)
        if file is None:
            raise NotFoundError(f"no regular file /{place} in layer {self._diff_id}")
        return file


class _Layers:
    """All layers of an image, by diff ID."""

    def __init__(self, engine: DockerEngine, image: Image) -> None:
        self._engine = engine
        self._image = image
        self._cache = LayerCache()
        self._indexes: dict[str, LayerIndex] = {}
        self._lock = threading.Lock()

    def index(self, diff_id: str) -> LayerIndex:
        with self._lock:
            if diff_id not in self._indexes:
                self._load()
            return self._indexes[diff_id]

    def _load(self) -> None:
        missing = set()
        for layer in self._image.layers:
            index = self._cache.load(layer.diff_id)
            if index is None:
                missing.add(layer.diff_id)
            else:
                self._indexes[layer.diff_id] = index
        if missing:
            self._indexes.update(self._made(missing))

    def _made(self, missing: set[str]) -> dict[str, LayerIndex]:
        """Index layers from one archive of the image: all of them, or on failure none."""
        indexes: dict[str, LayerIndex] = {}
        skipped = {f"blobs/sha256/{diff_id.partition(':')[2]}" for diff_id in self._indexes}
        with self._cache.scratch() as scratch:
            directories = {}
            with saved(self._engine, self._image) as layers:
                for number, (path, read) in enumerate(layers):
                    if path in skipped:
                        continue
                    directory = scratch / str(number)
                    directory.mkdir()
                    diff_id, index = index_layer(read, directory)
                    if diff_id in missing:
                        indexes[diff_id], directories[diff_id] = index, directory
            if lost := missing - indexes.keys():
                raise CorruptArchiveError(
                    f"the engine's archive of {title(self._image)} does not hold the layer "
                    f"{min(lost)}, or not as its digest says"
                )
            self._cache.keep(directories)
        return indexes

    def open(self, diff_id: str, file: IndexedFile) -> BinaryIO:
        """A file's content: of a container, if no layer above has another file there, or saved."""
        if not file.size:
            return io.BytesIO()
        found = self._from_container(file) or self._from_archive(file)
        if found is None:
            raise StoreError(f"the engine no longer has /{file.path} as layer {diff_id} had it")
        return found

    def _from_archive(self, file: IndexedFile) -> BinaryIO | None:
        with saved(self._engine, self._image) as layers:
            for _, read in layers:
                for member in read_members(read):
                    if member.entry.path == file.path and (found := _same(member, file)):
                        return found
        return None

    def _from_container(self, file: IndexedFile) -> BinaryIO | None:
        container = f"container-magics-{secrets.token_hex(8)}"
        try:
            with self._engine.calling() as api:
                api.create_container(self._image.id, command=["-"], name=container)
            with copied(self._engine, container, file.path) as member:
                return _same(member, file)
        except (EngineUnavailableError, StoreError):
            raise
        except ContainerMagicsError:
            # No such path, or an image that gives no container: the archive has it in any case.
            return None
        finally:
            with suppress(NotFoundError), self._engine.calling() as api:
                api.remove_container(container, v=True, force=True)


def _same(member: Member, file: IndexedFile) -> BinaryIO | None:
    """The member's content, or None where it is not the file's."""
    if not is_file(member.entry) or member.entry.size != file.size:
        return None
    content, digest = spooled(member)
    if digest == file.digest:
        return content
    content.close()
    return None
