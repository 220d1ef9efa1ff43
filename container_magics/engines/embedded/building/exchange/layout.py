"""A build cache in an OCI image layout: a manifest whose configuration is the document.

Each layer's descriptor says its diff ID in `containerd.io/uncompressed`, as BuildKit's do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .....errors import CorruptArchiveError
from .....oci.digests import check_digest, digest_of
from .....oci.models import MAX_MANIFEST_SIZE, Descriptor, Index, Manifest, parse_manifest
from ...archives.image_files import REF_NAME, Blob, blob_path
from ...images.receiving import UnpackedLayer, unpack_layer
from ...storage.cache import CacheHit
from ...storage.content import open_below
from ...storage.store import Store
from .document import MAX_DOCUMENT, MEDIA_TYPE, parse_steps

__all__ = ["DIFF_ID", "CacheLayout", "NoSuchCacheError", "layers_by_diff_id", "read_layout"]

DIFF_ID = "containerd.io/uncompressed"


class NoSuchCacheError(Exception):
    """A layout that is not there, or has no cache by the tag or digest."""


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """A cache that was read; its layers are read when they are wanted.

    Attributes:
        root: the layout's directory.
        steps: what each step gave.
        layers: descriptors by diff ID.
    """

    root: Path
    steps: Mapping[str, CacheHit]
    layers: Mapping[str, Descriptor]

    def blob(self, diff_id: str) -> Blob | None:
        """A layer as it lies there; None where it does not, or has another size."""
        descriptor = self.layers.get(diff_id)
        if descriptor is None:
            return None
        path = self.root / blob_path(descriptor.digest)
        if not path.is_file() or path.stat().st_size != descriptor.size:
            return None
        return Blob(descriptor.size, lambda: [path.read_bytes()])

    def unpack(
        self, diff_id: str, store: Store, directory: Path, check: Callable[[], None]
    ) -> UnpackedLayer:
        """Unpack a layer into a new directory.

        Raises:
            CorruptArchiveError: it is not what its digests say.
            OSError: the layout does not have it.
            StoreError: the disk is full.
        """
        descriptor = self.layers[diff_id]
        digest, left = hashlib.sha256(), descriptor.size
        with open_below(self.root, blob_path(descriptor.digest)) as file:

            def read(count: int) -> bytes:
                nonlocal left
                check()
                data = file.read(min(count, left + 1))
                left -= len(data)
                if left < 0:
                    raise CorruptArchiveError(f"blob {descriptor.digest} is larger than it should")
                digest.update(data)
                return data

            what = f"layer {diff_id} of the cache {self.root}"
            layer = unpack_layer(read, directory, store.holding, what, diff_id)
        if left or f"sha256:{digest.hexdigest()}" != descriptor.digest:
            raise CorruptArchiveError(f"{what}: blob {descriptor.digest} has other content")
        return layer


def read_layout(root: Path, tag: str, digest: str) -> CacheLayout:
    """Read a cache's documents.

    Args:
        root: the layout's directory.
        tag: which of its caches, unless a digest says.
        digest: of its manifest, or "".

    Raises:
        NoSuchCacheError: there is none; the text says why, in BuildKit's words.
        CorruptArchiveError: it is damaged, or another tool's.
    """
    try:
        with (root / "index.json").open("rb") as file:
            index = parse_manifest(file.read(MAX_MANIFEST_SIZE + 1))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        path = root / "index.json"
        raise NoSuchCacheError(f"could not read {path}: open {path}: {reason}") from error
    found = [
        each
        for each in (index.manifests if isinstance(index, Index) else ())
        if (each.digest == digest if digest else each.annotations.get(REF_NAME) == tag)
    ]
    if not found:
        raise NoSuchCacheError(f"no manifest {digest}" if digest else f"no digest for tag {tag}")
    manifest = parse_manifest(_blob(root, found[0], MAX_MANIFEST_SIZE), found[0].media_type)
    if not isinstance(manifest, Manifest) or manifest.config.media_type != MEDIA_TYPE:
        raise CorruptArchiveError(
            "it was not written by this engine: the keys of another one, such as BuildKit, "
            "mean nothing here"
        )
    steps = parse_steps(_blob(root, manifest.config, MAX_DOCUMENT))
    return CacheLayout(root, steps, layers_by_diff_id(manifest))


def layers_by_diff_id(manifest: Manifest) -> dict[str, Descriptor]:
    """The layers of a cache.

    Raises:
        CorruptArchiveError: one does not say its diff ID.
    """
    return {check_digest(each.annotations.get(DIFF_ID)): each for each in manifest.layers}


def _blob(root: Path, descriptor: Descriptor, limit: int) -> bytes:
    if descriptor.size > limit:
        raise CorruptArchiveError(f"blob {descriptor.digest} has more than {limit} bytes")
    try:
        with open_below(root, blob_path(descriptor.digest)) as file:
            data = file.read(descriptor.size + 1)
    except OSError as error:
        raise CorruptArchiveError(f"blob {descriptor.digest} cannot be read: {error}") from error
    if digest_of(data) != descriptor.digest:
        raise CorruptArchiveError(f"blob {descriptor.digest} has other content than its name says")
    return data
