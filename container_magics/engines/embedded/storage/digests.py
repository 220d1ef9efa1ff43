"""SHA-256 of file contents, remembered as long as nothing says that a file has changed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import BinaryIO

from ....oci.tree import Node
from .content import open_content
from .store import LayerRow, Store

__all__ = ["FileDigests"]

_REMEMBER_FROM = 1 << 16
_DISTRUST_NS = 2_000_000_000
_CHUNK = 1 << 20


class FileDigests:
    """Digests (hex) of files on the host and in layers.

    A host file's is remembered by device, inode, size, mtime and ctime, but not if it changed
    within the last two seconds: a second write could leave the same times. Large ones are kept in
    the store, for the next kernel.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[str, tuple[str, str]] = {}
        self._nodes: dict[tuple[str, str], str] = {}
        self._check: Callable[[], None] = lambda: None

    def during(self, check: Callable[[], None]) -> FileDigests:
        """The same digests, read until `check` raises: when the work they are for was cancelled."""
        bound = FileDigests(self._store)
        bound._files, bound._nodes, bound._check = self._files, self._nodes, check
        return bound

    def of_file(self, path: str) -> str:
        """The digest of a host file.

        Raises:
            OSError: it cannot be read.
        """
        status = os.stat(path)
        stamp = ":".join(
            str(part)
            for part in (
                status.st_dev,
                status.st_ino,
                status.st_size,
                status.st_mtime_ns,
                status.st_ctime_ns,
            )
        )
        large = status.st_size >= _REMEMBER_FROM
        known = self._files.get(path)
        if known is None and large:
            known = self._store.cache.file_digests([path]).get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        with open(path, "rb") as file:
            digest = _sha256(file, self._check)
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _DISTRUST_NS:
            self._files[path] = (stamp, digest)
            if large:
                self._store.cache.remember_file_digests([(path, stamp, digest)])
        return digest

    def of_node(self, node: Node) -> str:
        """The digest of a regular file in a merged tree; a layer's content never changes."""
        assert isinstance(node.layer, LayerRow)  # noqa: S101 - the store's trees have no other
        key = (node.layer.diff_id, node.place)
        digest = self._nodes.get(key)
        if digest is None:
            with open_content(self._store, node) as file:
                digest = self._nodes[key] = _sha256(file, self._check)
        return digest


def _sha256(file: BinaryIO, check: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    while data := file.read(_CHUNK):
        check()
        digest.update(data)
    return digest.hexdigest()
