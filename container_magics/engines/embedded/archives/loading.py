"""Loading: archives of `docker save` from 1.10 on, and OCI image layouts in a tar.

Nothing that an archive says is believed: documents are bounded and checked, layers must have the
diff IDs of their configuration, and what docker's form links to stays inside the archive.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ....errors import CorruptArchiveError, InvalidReferenceError, NotFoundError
from ....oci.digests import hasher_for
from ....oci.models import (
    CONFIG_TYPES,
    INDEX_TYPES,
    MAX_MANIFEST_SIZE,
    Descriptor,
    Index,
    Manifest,
    Platform,
    parse_manifest,
    select_platform,
)
from ....reference import parse
from ..images.receiving import MAX_CONFIG_SIZE, ImageConfig, UnpackedLayer, keep, unpack_layer
from ..storage.store import Store
from .spool import Spool

__all__ = ["Blobs", "LayoutImage", "layout_image", "layout_index", "load", "unpack_layers"]

_MAX_NESTING = 3
_CONTAINERD_NAME = "io.containerd.image.name"
_REF_NAME = "org.opencontainers.image.ref.name"


def load(store: Store, source: BinaryIO) -> list[str]:
    """Read the images of an archive, plain or compressed; all of them or, on failure, none.

    Returns:
        The names that were loaded, as Docker shows them, and the IDs of images without one.

    Raises:
        CorruptArchiveError: it is no such archive, damaged or unsafe.
        NotFoundError: an image in it is for other platforms than this machine's.
        StoreError: the disk is full.
    """
    with store.scratch() as scratch, Spool(source, scratch) as spool:
        images = list(_images(spool))
        unpacked = unpack_layers(store, spool, images, scratch)
        with store.transaction():
            ids = [keep(store, image.config, unpacked, image.names) for image in images]
    return [
        shown
        for image, image_id in zip(images, ids, strict=True)
        for shown in ([parse(name).familiar for name in image.names] or [image_id])
    ]


class Blobs(Protocol):
    """The files of an archive, or of a directory of the same form, by path."""

    def open(self, path: str) -> tuple[int, Callable[[int], bytes]]:
        """A file's size in bytes, and a reader of its content; one reader at a time."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """A file's content, of at most `limit` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class LayoutImage:
    """An image in an archive: names in full form, layers as paths, lowest first."""

    config: ImageConfig
    layers: tuple[str, ...]
    names: tuple[str, ...]


def unpack_layers(
    store: Store, blobs: Blobs, images: Sequence[LayoutImage], scratch: Path
) -> dict[str, UnpackedLayer]:
    """Unpack the layers of images that a store lacks, below `scratch`; by diff ID."""
    unpacked: dict[str, UnpackedLayer] = {}
    for image in images:
        for diff_id, path in zip(image.config.diff_ids, image.layers, strict=True):
            if diff_id not in unpacked and store.layer(diff_id) is None:
                _, read = blobs.open(path)
                directory = scratch / str(len(unpacked))
                what = f"layer {path!r} of the archive"
                unpacked[diff_id] = unpack_layer(read, directory, store.holding, what, diff_id)
    return unpacked


def _images(spool: Spool) -> Iterator[LayoutImage]:
    if "manifest.json" in spool:
        return _docker_images(spool)
    if "index.json" in spool:
        return _oci_images(spool)
    if "repositories" in spool:
        raise CorruptArchiveError(
            "an archive in the form of Docker before 1.10, which is no longer supported",
            hint="load it into an older Docker and save it again",
        )
    raise CorruptArchiveError(
        "not an image archive: neither manifest.json nor index.json is in it",
        hint="a file system as a plain tar is read by `%docker import`",
    )


def _image(
    config: bytes, layers: tuple[str, ...], names: tuple[str, ...], what: str
) -> LayoutImage:
    try:
        checked = ImageConfig.read(config)
    except CorruptArchiveError as error:
        raise CorruptArchiveError(f"{what}: {error.message}") from error
    if len(layers) != len(checked.diff_ids):
        raise CorruptArchiveError(
            f"{what} has {len(layers)} layers and its configuration {len(checked.diff_ids)}"
        )
    return LayoutImage(checked, layers, names)


# --- docker's form ------------------------------------------------------------------------------


def _docker_images(spool: Spool) -> Iterator[LayoutImage]:
    try:
        rows = json.loads(spool.read("manifest.json", MAX_MANIFEST_SIZE).decode())
    except (ValueError, RecursionError) as error:
        raise CorruptArchiveError(f"manifest.json is not JSON: {str(error)[:200]}") from error
    if isinstance(rows, dict) and "schemaVersion" in rows:
        raise CorruptArchiveError(
            "manifest.json is the manifest of one image: a directory as `skopeo copy … dir:` and "
            "`podman save --format docker-dir` write it is no archive",
            hint="save the image once more in the form docker-archive or oci-archive",
        )
    if not isinstance(rows, list):
        raise CorruptArchiveError("manifest.json is not a list of images")
    for number, row in enumerate(rows):
        what = f"image {number} of manifest.json"
        if not isinstance(row, dict) or not isinstance(row.get("Config"), str):
            raise CorruptArchiveError(f"{what} names no configuration")
        names = tuple(_full(name, what) for name in _texts(row, "RepoTags", what))
        layers = tuple(_texts(row, "Layers", what))
        yield _image(_docker_config(spool, row["Config"]), layers, names, what)


def _docker_config(spool: Spool, path: str) -> bytes:
    data = spool.read(path, MAX_CONFIG_SIZE)
    if path.startswith("blobs/"):
        _verify(data, path.removeprefix("blobs/").replace("/", ":", 1))
    return data


def _texts(row: dict[str, Any], name: str, what: str) -> list[str]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CorruptArchiveError(f"{what}: {name} is not a list of texts")
    return values


def _full(name: str, what: str) -> str:
    try:
        reference = parse(name)
    except InvalidReferenceError as error:
        raise CorruptArchiveError(f"{what}: {error.message}") from error
    if reference.digest:
        raise CorruptArchiveError(f"{what}: the name {name[:200]!r} has a digest")
    return reference.full


# --- OCI image layout ---------------------------------------------------------------------------


def _oci_images(spool: Spool) -> Iterator[LayoutImage]:
    found = False
    for descriptors, names in _grouped(layout_index(spool)):
        try:
            image = layout_image(spool, Index(descriptors), names, Platform.host())
        except NotFoundError as error:
            raise NotFoundError(
                f"{names[0] if names else 'an image of the archive'}: {error.message}",
                hint="build or save it for this platform too, or take one out of the archive: "
                "skopeo copy --override-arch ARCHITECTURE oci-archive:FILE docker-archive:OTHER",
            ) from error
        if image is not None:
            found = True
            yield image
    if not found:
        raise CorruptArchiveError("the archive's index.json has no image in it, only artifacts")


def layout_index(blobs: Blobs) -> Index:
    """The index of an OCI image layout, without the attestations that BuildKit puts into it.

    Raises:
        CorruptArchiveError: it is no layout, or one of an unknown version.
    """
    _check_layout(blobs)
    index = parse_manifest(blobs.read("index.json", MAX_MANIFEST_SIZE))
    if not isinstance(index, Index):
        raise CorruptArchiveError("index.json is not an image index")
    return _without_attestations(index)


def layout_image(
    blobs: Blobs, index: Index, names: tuple[str, ...], platform: Platform
) -> LayoutImage | None:
    """One image of a layout, for one platform; None for what is no image, such as a signature.

    Args:
        blobs: the layout.
        index: what is one image for several platforms.
        names: that it shall bear.
        platform: what to choose; where there is one manifest alone, that is taken.

    Raises:
        CorruptArchiveError: a document is missing, damaged or makes no sense.
        NotFoundError: of several none is for this platform.
    """
    manifest = _manifest(blobs, index, platform)
    if manifest is None:
        return None
    return _image(
        _blob(blobs, manifest.config, MAX_CONFIG_SIZE),
        tuple(_blob_path(layer) for layer in manifest.layers),
        names,
        f"image {names[0] if names else manifest.config.digest}",
    )


def _check_layout(blobs: Blobs) -> None:
    try:
        layout = json.loads(blobs.read("oci-layout", 4096).decode())
        version = layout["imageLayoutVersion"]
    except (ValueError, LookupError, TypeError) as error:
        raise CorruptArchiveError("oci-layout says no imageLayoutVersion") from error
    if version != "1.0.0":
        raise CorruptArchiveError(f"unsupported OCI image layout version {str(version)[:40]!r}")


def _without_attestations(index: Index) -> Index:
    kept = (d for d in index.manifests if d.platform is None or not d.platform.is_unknown)
    return replace(index, manifests=tuple(kept))


def _grouped(index: Index) -> Iterator[tuple[tuple[Descriptor, ...], tuple[str, ...]]]:
    """Descriptors that are one image for several platforms, with its names, in order."""
    together: dict[tuple[str, str], list[Descriptor]] = {}
    for descriptor in index.manifests:
        name = _name(descriptor)
        tag = "" if name else descriptor.annotations.get(_REF_NAME, "")
        bare = replace(descriptor, annotations={})
        together.setdefault((name, tag), []).append(bare)
    groups: dict[tuple[Descriptor, ...], list[str]] = {}
    for (name, _), descriptors in together.items():
        if name:
            groups.setdefault(tuple(descriptors), []).append(name)
        elif len({descriptor.platform for descriptor in descriptors}) > 1:
            groups.setdefault(tuple(descriptors), [])
        else:
            for descriptor in descriptors:
                groups.setdefault((descriptor,), [])
    return ((group, tuple(names)) for group, names in groups.items())


def _name(descriptor: Descriptor) -> str:
    """The full name an index gives an image, or ""; a mere tag is no name."""
    name = descriptor.annotations.get(_CONTAINERD_NAME, "")
    reference_name = descriptor.annotations.get(_REF_NAME, "")
    if not name and ("/" in reference_name or ":" in reference_name):
        name = reference_name
    return _full(name, "index.json") if name else ""


def _manifest(spool: Blobs, index: Index, host: Platform) -> Manifest | None:
    found: Manifest | Index = index
    for _ in range(_MAX_NESTING):
        if not isinstance(found, Index):
            break
        found = _without_attestations(found)
        if not found.manifests:
            return None
        descriptor = found.manifests[0] if len(found.manifests) == 1 else None
        if descriptor is None or descriptor.media_type in INDEX_TYPES:
            descriptor = select_platform(found, host)
        found = parse_manifest(_blob(spool, descriptor, MAX_MANIFEST_SIZE), descriptor.media_type)
    if isinstance(found, Index):
        raise CorruptArchiveError("image index nested too deeply")
    return found if found.config.media_type in CONFIG_TYPES else None


def _blob_path(descriptor: Descriptor) -> str:
    return "blobs/" + descriptor.digest.replace(":", "/", 1)


def _blob(spool: Blobs, descriptor: Descriptor, limit: int) -> bytes:
    data = spool.read(_blob_path(descriptor), limit)
    _verify(data, descriptor.digest)
    return data


def _verify(data: bytes, digest: str) -> None:
    hasher = hasher_for(digest)
    hasher.update(data)
    if hasher.hexdigest() != digest.partition(":")[2]:
        raise CorruptArchiveError(
            f"blob {digest} of the archive has other content than its name says"
        )
