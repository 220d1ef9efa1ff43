"""One file system as a plain tar: what `docker import` reads and `docker export` writes."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import CorruptArchiveError, UsageError
from ....oci.entries import Entry
from ....oci.models import Platform, canonical_json, digest_of
from ....oci.tree import Node, Tree
from ....reference import parse
from ..images.receiving import ImageConfig, keep, unpack_layer
from ..storage.content import open_below, open_content
from ..storage.store import Store

__all__ = ["import_image", "merged"]

Opener = Callable[[], BinaryIO] | None
Apply = Callable[[Mapping[str, Any], Sequence[str]], Mapping[str, Any]]


def import_image(
    store: Store,
    source: BinaryIO,
    name: str,
    *,
    changes: Sequence[str],
    message: str,
    apply: Apply,
) -> str:
    """Make a one-layer image of a tar of a file system, plain or compressed.

    Args:
        store: where the image goes.
        source: the tar; it becomes the layer as it is.
        name: the image's name as typed, or "" for none.
        changes: instructions such as `CMD ["sh"]`.
        message: the comment of its history, or "" for `Imported from -`.
        apply: gives an empty `config` object with the changes made to it.

    Returns:
        The image's ID.

    Raises:
        UsageError: the name has a digest.
        CorruptArchiveError: the source is empty, no tar, damaged or unsafe.
        StoreError: the disk is full.
    """
    reference = parse(name) if name else None
    if reference is not None and reference.digest:
        raise UsageError(f"cannot import digest reference {name!r}")
    config = apply({}, changes)
    with store.scratch() as scratch:
        layer = unpack_layer(source.read, scratch / "layer", store.holding, "the imported archive")
        if layer.diff_id == digest_of(b""):
            raise CorruptArchiveError("the imported archive is empty: nothing came in")
        created = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
        comment = message or "Imported from -"
        document = {
            **Platform.host().to_json(),
            "created": created,
            "comment": comment,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created": created, "comment": comment}],
        }
        checked = ImageConfig.read(canonical_json(document))
        names = [reference.full] if reference is not None else []
        return keep(store, checked, {layer.diff_id: layer}, names)


def merged(store: Store, tree: Tree, files: Path | None = None) -> Iterator[tuple[Entry, Opener]]:
    """The entries of a merged tree in tar order, each with what opens its content.

    Further names of a file are hard links to its first.

    Args:
        store: holds its layers.
        tree: the tree.
        files: where the content of nodes lies whose layer is this path.
    """
    first_names: dict[tuple[object, str], str] = {}
    for path, node in tree.walk():
        entry = node.entry
        if not node.is_directory:
            first = first_names.setdefault((node.layer, node.place), path)
            if first != path:
                mode = stat.S_IMODE(entry.mode)
                yield entry._replace(path=path, mode=mode, size=0, link=first), None
                continue
        if node.is_symlink:
            entry = entry._replace(mode=stat.S_IFLNK | 0o777)  # as file systems have it
        yield entry._replace(path=path), _opener(store, files, node) if entry.size else None


def _opener(store: Store, files: Path | None, node: Node) -> Opener:
    if files is not None and node.layer == files:
        return lambda: open_below(files, node.place)
    return lambda: open_content(store, node)
