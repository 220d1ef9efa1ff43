"""Saving: an archive that every `docker load` reads, and that is an OCI image layout as well.

Its files are those of `image_files`, layers as uncompressed tars. Docker 25 and newer and skopeo
read the layout. Written front to back, for pipes; the same images give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from ....reference import is_image_id, parse
from ..images.names import find_image_id
from ..storage.store import Store
from .image_files import ImageFiles, LayerBlob, plain_layer, stored_config, tar_of

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
    files = ImageFiles()
    blobs: dict[str, LayerBlob] = {}
    for image, full_names in _choose(store, names).items():
        config, diff_ids = stored_config(store, image)
        for diff_id in diff_ids:
            if diff_id not in blobs:
                blobs[diff_id] = plain_layer(store, store.require_layer(diff_id))
        files.add(config, [blobs[diff_id] for diff_id in diff_ids], full_names)
    for chunk in tar_of(files.docker()):
        target.write(chunk)


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
    all_tags = [full for full in store.images.names() if parse(full).name == reference.name]
    if not all_tags:
        return find_image_id(store, name), []
    return "", [(find_image_id(store, full), full) for full in all_tags]
