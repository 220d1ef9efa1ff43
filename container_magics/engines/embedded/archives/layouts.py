"""OCI image layouts as directories: what `--build-context NAME=oci-layout://PATH` names.

A layout's links are not followed out of it, and its content is checked as an archive's is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import BuildError, CorruptArchiveError
from ....oci.entries import clean_path
from ....oci.models import Descriptor, Index, Platform
from ..storage.store import LayerRow, Store
from .loading import layout_image, layout_index, unpack_layers

__all__ = ["load_layout"]

_PLACE = re.compile(r"(?P<path>[^@:]*(?::/[^@:]*)*)(?::(?P<tag>[^@]*))?(?:@(?P<digest>.*))?")
_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"


def load_layout(
    store: Store, place: str, platform: Platform
) -> tuple[Mapping[str, Any], tuple[LayerRow, ...]]:
    """The configuration and the layers of an image in a layout, which a build then holds.

    Args:
        store: takes the layers.
        place: `PATH[:TAG][@DIGEST]`; without either the tag `latest`, or the only image.
        platform: what to choose where it has several.

    Raises:
        BuildError: no layout there, or no such image in it.
        CorruptArchiveError: it is damaged.
        StoreError: the disk is full.
    """
    match = _PLACE.fullmatch(place)
    if match is None or not match["path"]:
        raise BuildError(f"oci-layout reference {place!r} could not be resolved")
    root = Path(match["path"]).absolute()
    if not (root / "oci-layout").is_file():
        raise BuildError(
            f"invalid store at {root}: not an OCI image layout",
            hint="`docker save` of Docker 25 or skopeo copy … oci:PATH writes one.",
        )
    with store.scratch() as scratch, _Directory(root) as blobs:
        found = _choose(layout_index(blobs), match["tag"] or "latest", match["digest"] or "")
        image = layout_image(blobs, found, (), platform) if found.manifests else None
        if image is None:
            raise BuildError(
                f"oci-layout reference {place!r} could not be resolved: not found",
                hint="Name a tag or a digest of its index.json: oci-layout://PATH:TAG.",
            )
        unpacked = unpack_layers(store, blobs, [image], scratch)
        for layer in unpacked.values():
            store.adopt_layer(layer.directory, layer.diff_id, layer.size)
    return image.config.document, store.take(image.config.diff_ids)


def _choose(index: Index, tag: str, digest: str) -> Index:
    """What a digest, or a tag, or else being the only one, stands for."""
    if digest:
        return Index(tuple(d for d in index.manifests if d.digest == digest))
    tagged = tuple(d for d in index.manifests if _is_tagged(d, tag))
    if tagged or len(index.manifests) > 1:
        return Index(tagged)
    return index


def _is_tagged(descriptor: Descriptor, tag: str) -> bool:
    names = [descriptor.annotations.get(key, "") for key in (_REF_NAME, _CONTAINERD_NAME)]
    return any(name == tag or name.endswith(f":{tag}") for name in names)


class _Directory:
    """The files of a layout; one is open at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._file: BinaryIO | None = None

    def __enter__(self) -> _Directory:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()

    def open(self, path: str) -> tuple[int, Callable[[int], bytes]]:
        """See `Blobs`."""
        self._close()
        full = (self._root / clean_path(path)).resolve()
        if full.is_relative_to(self._root):
            with suppress(FileNotFoundError, IsADirectoryError):
                self._file = full.open("rb")
                return full.stat().st_size, self._file.read
        raise CorruptArchiveError(f"the layout {self._root} has no file {path[:200]!r}")

    def read(self, path: str, limit: int) -> bytes:
        """See `Blobs`."""
        size, read = self.open(path)
        if size > limit:
            raise CorruptArchiveError(f"{path!r} in the layout has {size} bytes, more than {limit}")
        return read(limit)
