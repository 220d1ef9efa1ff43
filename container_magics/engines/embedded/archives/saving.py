"""Saving: an archive that every `docker load` reads, and that is an OCI image layout as well.

    blobs/sha256/…   configurations, manifests, and layers as uncompressed tars, by digest
    index.json, oci-layout      the OCI image layout (image-layout.md): Docker 25 and newer, skopeo
    manifest.json               configuration, names and layers of each image: older Dockers

Written front to back, for pipes; the same images give the same bytes.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from ....errors import StoreError
from ....oci.models import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    canonical_json,
    digest_of,
)
from ....oci.tar import END, Entry, header, padding
from ....reference import is_image_id, parse
from ..content import layer_tar, layer_tar_size
from ..names import find_image_id
from ..store import LayerRow, Store

__all__ = ["save"]

_DIGITS = 64


def save(store: Store, names: Sequence[str], target: BinaryIO) -> None:
    """Write images with all their layers as one archive.

    Args:
        store: holds them.
        names: image names; one without a tag stands for all tags of its repository, and an ID or
            its prefix for an image that then has no name in the archive.
        target: is written front to back.

    Raises:
        NotFoundError: a name means nothing; nothing was written.
        StoreError: a layer is missing, or was changed.
    """
    blobs: dict[str, _Blob] = {}
    listing: list[dict[str, Any]] = []
    descriptors: list[Descriptor] = []
    for image, full_names in _choose(store, names).items():
        config, diff_ids = _config(store, image)
        layers = [store.require_layer(diff_id) for diff_id in diff_ids]
        for layer in layers:
            if layer.diff_id not in blobs:
                blobs[layer.diff_id] = _layer_blob(store, layer)
        manifest = canonical_json(
            Manifest(
                Descriptor(OCI_CONFIG, image, len(config)),
                tuple(Descriptor(OCI_LAYER, d, blobs[d].size) for d in diff_ids),
            ).to_json()
        )
        for document in (config, manifest):
            blobs[digest_of(document)] = _Blob.of(document)
        descriptors += _descriptors(manifest, full_names)
        listing.append(
            {
                "Config": _path(image),
                "RepoTags": [parse(name).familiar for name in full_names] or None,
                "Layers": [_path(diff_id) for diff_id in diff_ids],
            }
        )
    files = {_path(digest): blob for digest, blob in blobs.items()}
    files["index.json"] = _Blob.of(canonical_json(Index(tuple(descriptors)).to_json()))
    files["manifest.json"] = _Blob.of(canonical_json(listing))
    files["oci-layout"] = _Blob.of(canonical_json({"imageLayoutVersion": "1.0.0"}))
    for chunk in _tar(files):
        target.write(chunk)


@dataclass(frozen=True, slots=True)
class _Blob:
    size: int
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes) -> _Blob:
        return cls(len(data), lambda: [data])


def _layer_blob(store: Store, layer: LayerRow) -> _Blob:
    return _Blob(layer_tar_size(store, layer), lambda: layer_tar(store, layer))


def _choose(store: Store, names: Sequence[str]) -> dict[str, list[str]]:
    """Which images, and under which full names, as `docker save` reads its arguments."""
    chosen: dict[str, list[str]] = {}
    for name in names:
        image, full_names = _meaning(store, name)
        for each, full in full_names or [(image, "")]:
            known = chosen.setdefault(each, [])
            if full and full not in known:
                known.append(full)
    return chosen


def _meaning(store: Store, name: str) -> tuple[str, list[tuple[str, str]]]:
    """An image without a name, or (image, full name) pairs."""
    if name.startswith("sha256:") or (is_image_id(name) and len(name) == _DIGITS):
        return find_image_id(store, name), []
    reference = parse(name)
    if reference.digest:
        return find_image_id(store, name), []
    if reference.tag:
        return "", [(find_image_id(store, name), reference.full)]
    all_tags = [full for full in store.all_names() if parse(full).name == reference.name]
    if not all_tags:
        return find_image_id(store, name), []
    return "", [(find_image_id(store, full), full) for full in all_tags]


def _config(store: Store, image: str) -> tuple[bytes, list[str]]:
    """An image's configuration as it came, and its diff IDs."""
    diff_ids = (store.image(image).config.get("rootfs") or {}).get("diff_ids") or []
    data = (store.root / _path(image)).read_bytes()
    if digest_of(data) != image:
        raise StoreError(
            f"the configuration of image {image} was changed in the store",
            hint="Remove it with `%docker rmi -f` and build or pull it again.",
        )
    return data, list(diff_ids)


def _descriptors(manifest: bytes, full_names: Sequence[str]) -> list[Descriptor]:
    """The descriptor for the index, once a name, annotated as Docker and containerd do."""
    plain = Descriptor(OCI_MANIFEST, digest_of(manifest), len(manifest))
    return [
        replace(
            plain,
            annotations={
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": parse(name).tag,
            },
        )
        for name in full_names
    ] or [plain]


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)


def _tar(files: Mapping[str, _Blob]) -> Iterator[bytes]:
    for directory in ("blobs", "blobs/sha256"):
        yield header(Entry(directory, stat.S_IFDIR | 0o755))
    for path in sorted(files):
        blob = files[path]
        yield header(Entry(path, stat.S_IFREG | 0o644, size=blob.size))
        yield from blob.chunks()
        yield bytes(padding(blob.size))
    yield END
