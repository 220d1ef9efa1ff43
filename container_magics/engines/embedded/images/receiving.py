"""Images that arrive from elsewhere: checked, unpacked aside, and put into the store as one.

    pull, load, import ──► ImageConfig ──► unpack_layer, for what the store lacks ──► keep

Nothing of an image is in the store before all of it is: layers wait in scratch directories, and
`keep` notes layers, image and names in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import CorruptArchiveError, StoreError
from ....oci.compression import decompressed
from ....oci.digests import check_digest
from ..storage.holding import Holding
from ..storage.store import Store
from ..storage.unpack import unpack

__all__ = ["MAX_CONFIG_SIZE", "MAX_LAYERS", "ImageConfig", "UnpackedLayer", "keep", "unpack_layer"]

MAX_CONFIG_SIZE = 8 << 20
"""Bytes of the largest image configuration that is read."""

MAX_LAYERS = 125
"""Layers of the deepest image that is taken, as in Docker."""


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)


_IMAGE: Mapping[str, Callable[[object], bool]] = {
    "os": _is(str),
    "architecture": _is(str),
    "variant": _is(str),
    "created": _is(str),
    "author": _is(str),
    "config": _is(dict),
    "rootfs": _is(dict),
    "history": _objects,
}
_CONFIG: Mapping[str, Callable[[object], bool]] = {
    "User": _is(str),
    "WorkingDir": _is(str),
    "StopSignal": _is(str),
    "Env": _texts,
    "Cmd": _texts,
    "Entrypoint": _texts,
    "Shell": _texts,
    "OnBuild": _texts,
    "Labels": _text_map,
    "ExposedPorts": _is(dict),
    "Volumes": _is(dict),
    "Healthcheck": _is(dict),
}
_HISTORY: Mapping[str, Callable[[object], bool]] = {
    "created": _is(str),
    "created_by": _is(str),
    "author": _is(str),
    "comment": _is(str),
    "empty_layer": _is(bool),
}


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """An image configuration whose properties have the types that the OCI image-spec says.

    Attributes:
        data: its bytes, whose digest is the image's ID.
        document: what they hold.
        diff_ids: of its layers, lowest first.
    """

    data: bytes
    document: Mapping[str, Any]
    diff_ids: tuple[str, ...]

    @classmethod
    def read(cls, data: bytes) -> ImageConfig:
        """Check and take a configuration that nobody has vouched for.

        Raises:
            CorruptArchiveError: it breaks the specification, or is for another system than Linux.
        """
        if len(data) > MAX_CONFIG_SIZE:
            raise CorruptArchiveError(f"image configuration larger than {MAX_CONFIG_SIZE} bytes")
        try:
            document = json.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise CorruptArchiveError(
                f"image configuration is not JSON: {str(error)[:200]}"
            ) from error
        if not isinstance(document, dict):
            raise CorruptArchiveError("image configuration is not a JSON object")
        _check(document, _IMAGE, "")
        _check(document.get("config") or {}, _CONFIG, "config.")
        for number, row in enumerate(document.get("history") or ()):
            _check(row, _HISTORY, f"history[{number}].")
        if (system := document.get("os") or "linux") != "linux":
            raise CorruptArchiveError(
                f'image operating system "{system[:40]}" cannot be used on this platform: '
                "operating system is not supported"
            )
        diff_ids = (document.get("rootfs") or {}).get("diff_ids") or []
        if not isinstance(diff_ids, list):
            raise CorruptArchiveError("image configuration: rootfs.diff_ids is not a list")
        if len(diff_ids) > MAX_LAYERS:
            raise CorruptArchiveError(
                f"max depth exceeded: an image of {len(diff_ids)} layers, where {MAX_LAYERS} can be"
            )
        return cls(data, document, tuple(check_digest(diff_id) for diff_id in diff_ids))


def _check(
    value: Mapping[str, Any], types: Mapping[str, Callable[[object], bool]], where: str
) -> None:
    for name, fits in types.items():
        if value.get(name) is not None and not fits(value[name]):
            raise CorruptArchiveError(
                f"image configuration: {where}{name} is of the wrong type: "
                f"{repr(value[name])[:100]}"
            )


@dataclass(frozen=True, slots=True)
class UnpackedLayer:
    """A layer in a directory that is not part of the store yet; size is bytes of content."""

    directory: Path
    diff_id: str
    size: int


def unpack_layer(
    read: Callable[[int], bytes], directory: Path, holding: Holding, what: str, diff_id: str = ""
) -> UnpackedLayer:
    """Unpack a layer, plain or compressed, into a new directory.

    Args:
        read: gives the layer as stored or sent.
        directory: the one to make.
        holding: how files hold what the layer says.
        what: names the layer in errors.
        diff_id: what its uncompressed digest must be, or "" where nothing is known of it.

    Raises:
        CorruptArchiveError: it is damaged, unsafe, or another layer than the one expected.
        StoreError: the disk is full, or its file system cannot hold the layer.
    """
    try:
        directory.mkdir()
        found, size = unpack(decompressed(read), directory, holding)
    except CorruptArchiveError as error:
        raise CorruptArchiveError(f"{what}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise StoreError(
            f"{what} cannot be unpacked into {directory.parent}: {error.strerror or error}",
            hint="Free some space, or set CONTAINER_MAGICS_ROOT to a directory that has more.",
        ) from error
    if diff_id and found != diff_id:
        raise CorruptArchiveError(
            f"{what}: layer verification failed for diff ID {diff_id}: its content has {found}"
        )
    return UnpackedLayer(directory, found, size)


def keep(
    store: Store,
    config: ImageConfig,
    unpacked: Mapping[str, UnpackedLayer],
    names: Sequence[str] = (),
    digests: Sequence[tuple[str, str]] = (),
) -> str:
    """Put an image and its layers into the store; all of it or, on failure, nothing.

    Args:
        store: takes the directories of `unpacked`.
        config: the image's.
        unpacked: by diff ID, the layers that the store lacked.
        names: full names it shall bear.
        digests: (repository, manifest digest) it is known by.

    Returns:
        The image's ID.

    Raises:
        StoreError: a layer that was there is gone by now.
    """
    with store.transaction():
        size = 0
        for diff_id in config.diff_ids:
            layer = unpacked.get(diff_id)
            row = store.layer(diff_id)
            if row is None and layer is not None:
                row = store.adopt_layer(layer.directory, diff_id, layer.size)
            if row is None:
                raise StoreError(
                    f"layer {diff_id} was removed from the store while its image arrived",
                    hint="Try again.",
                )
            size += row.size
        image = store.images.add(config.data, size, names)
        for repository, digest in digests:
            store.images.add_digest(repository, digest, image)
    return image
