"""The files by which images leave a store: an OCI image layout, and Docker's `manifest.json`.

    blobs/sha256/…              configurations, manifests and layers, by digest
    index.json, oci-layout      the OCI image layout (image-layout.md)
    manifest.json               configuration, names and layers of each image: older Dockers

All of them are known, with their sizes, before the first is written; so they can be written front
to back, to a pipe.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ....errors import StoreError
from ....oci.entries import Entry
from ....oci.models import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    canonical_json,
    digest_of,
)
from ....oci.tar import END, header, padding
from ....reference import parse
from ..storage.content import layer_tar, layer_tar_size
from ..storage.store import LayerRow, Store

__all__ = [
    "REF_NAME",
    "Blob",
    "ImageFiles",
    "LayerBlob",
    "blob_path",
    "plain_layer",
    "stored_config",
    "tar_of",
]

_CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
_DOCKER_TYPES = {OCI_LAYER: DOCKER_LAYER, OCI_LAYER_GZIP: DOCKER_LAYER_GZIP}


@dataclass(frozen=True, slots=True)
class Blob:
    """Content of a file: its size in bytes, and its chunks, as often as they are wanted."""

    size: int
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes) -> Blob:
        """Bytes that are at hand."""
        return cls(len(data), lambda: [data])


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """A layer as it is stored: what a manifest says of it, and its content."""

    descriptor: Descriptor
    blob: Blob

    def for_docker(self) -> LayerBlob:
        """With Docker's media type; zstd has none."""
        kind = self.descriptor.media_type
        twin = replace(self.descriptor, media_type=_DOCKER_TYPES.get(kind, kind))
        return replace(self, descriptor=twin)


def plain_layer(store: Store, layer: LayerRow) -> LayerBlob:
    """A layer as its uncompressed tar, whose digest is the diff ID."""
    size = layer_tar_size(store, layer)
    return LayerBlob(
        Descriptor(OCI_LAYER, layer.diff_id, size), Blob(size, lambda: layer_tar(store, layer))
    )


def stored_config(store: Store, image: str) -> tuple[bytes, list[str]]:
    """An image's configuration as it came, and its diff IDs.

    Raises:
        NotFoundError: there is no such image.
        StoreError: it was changed in the store.
    """
    diff_ids = (store.images.row(image).config.get("rootfs") or {}).get("diff_ids") or []
    data = (store.root / blob_path(image)).read_bytes()
    if digest_of(data) != image:
        raise StoreError(
            f"the configuration of image {image} was changed in the store",
            hint="Remove it with `%docker rmi -f` and build or pull it again.",
        )
    return data, list(diff_ids)


class ImageFiles:
    """The files of images, by path, while one after the other is added.

    Attributes:
        descriptors: of the manifests, once a name.
    """

    def __init__(self) -> None:
        self.descriptors: list[Descriptor] = []
        self._blobs: dict[str, Blob] = {}
        self._listing: list[dict[str, object]] = []

    def add(
        self,
        config: bytes,
        layers: Sequence[LayerBlob],
        names: Sequence[str],
        *,
        docker_types: bool = False,
    ) -> None:
        """Add an image.

        Args:
            config: its configuration.
            layers: lowest first.
            names: in full form.
            docker_types: media types are Docker's, and not the OCI's.
        """
        config_type, manifest_type = OCI_CONFIG, OCI_MANIFEST
        if docker_types:
            config_type, manifest_type = DOCKER_CONFIG, DOCKER_MANIFEST
            layers = [layer.for_docker() for layer in layers]
        manifest = self._manifest(config, config_type, layers, manifest_type)
        self.descriptors += _descriptors(manifest, names)
        self._listing.append(
            {
                "Config": blob_path(digest_of(config)),
                "RepoTags": [parse(name).familiar for name in names] or None,
                "Layers": [blob_path(layer.descriptor.digest) for layer in layers],
            }
        )

    def add_artifact(
        self, config: bytes, config_type: str, layers: Sequence[LayerBlob], tag: str
    ) -> None:
        """Add what is no image, in the same form (manifest.md, "Artifact Usage").

        Args:
            config: its configuration.
            config_type: the media type, which says what it is.
            layers: in any order.
            tag: what the index calls it.
        """
        manifest = self._manifest(config, config_type, layers, OCI_MANIFEST)
        self.descriptors.append(replace(manifest, annotations={REF_NAME: tag}))

    def _manifest(
        self, config: bytes, config_type: str, layers: Sequence[LayerBlob], manifest_type: str
    ) -> Descriptor:
        document = canonical_json(
            Manifest(
                Descriptor(config_type, digest_of(config), len(config)),
                tuple(layer.descriptor for layer in layers),
                manifest_type,
            ).to_json()
        )
        for layer in layers:
            self._blobs[layer.descriptor.digest] = layer.blob
        for data in (config, document):
            self._blobs[digest_of(data)] = Blob.of(data)
        return Descriptor(manifest_type, digest_of(document), len(document))

    def layout(self, others: Sequence[Descriptor] = ()) -> dict[str, Blob]:
        """An OCI image layout; `others` are manifests that its index names as well."""
        files = {blob_path(digest): blob for digest, blob in self._blobs.items()}
        index = Index((*others, *self.descriptors))
        files["index.json"] = Blob.of(canonical_json(index.to_json()))
        files["oci-layout"] = Blob.of(canonical_json({"imageLayoutVersion": "1.0.0"}))
        return files

    def docker(self) -> dict[str, Blob]:
        """The same, with what older Dockers read."""
        return {**self.layout(), "manifest.json": Blob.of(canonical_json(self._listing))}


def _descriptors(plain: Descriptor, names: Sequence[str]) -> list[Descriptor]:
    """The descriptor for the index, once a name, annotated as Docker and containerd do."""
    return [
        replace(plain, annotations={_CONTAINERD_NAME: name, REF_NAME: parse(name).tag})
        for name in names
    ] or [plain]


def blob_path(digest: str) -> str:
    """Where a layout has the blob of a digest."""
    return "blobs/" + digest.replace(":", "/", 1)


def tar_of(files: Mapping[str, Blob]) -> Iterator[bytes]:
    """Files as a tar, in chunks; the same files give the same bytes."""
    for directory in ("blobs", "blobs/sha256"):
        yield header(Entry(directory, stat.S_IFDIR | 0o755))
    for path in sorted(files):
        blob = files[path]
        yield header(Entry(path, stat.S_IFREG | 0o644, size=blob.size))
        yield from blob.chunks()
        yield bytes(padding(blob.size))
    yield END
