"""What ADD does beyond COPY: archives are unpacked, URLs are fetched."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...errors import BuildError, CorruptArchiveError
from ...oci.compression import decompressed, is_tar
from ...oci.tar import BLOCK, Member, read_members
from ...oci.tree import Tree
from ..base import Cancellation
from .copying import Found
from .layout import Owner, Piece, layout, layout_archive
from .record import Content, entry_of

__all__ = ["add_pieces", "fetch"]

_CHUNK = 1 << 20
_TIMEOUT = 30
_UNNAMED = "__unnamed__"


def add_pieces(
    tree: Tree, found: Sequence[Found], destination: str, workdir: str, owner: Owner
) -> Iterator[Piece]:
    """Lay out the sources of an ADD; a local tar, plain or compressed, becomes its content."""
    for item in found:
        if item.open is not None and not item.fetched and _is_archive(item.open):
            yield from layout_archive(tree, _members(item.open), destination, workdir, owner)
        else:
            yield from layout(tree, [item], destination, workdir, owner)


def _is_archive(content: Content) -> bool:
    """Whether a file begins as a tar archive does, once it is decompressed."""
    with content() as file:
        try:
            return is_tar(decompressed(file.read)(BLOCK))
        except CorruptArchiveError:
            return False


def _members(content: Content) -> Iterator[Member]:
    with content() as file:
        try:
            yield from read_members(decompressed(file.read))
        except CorruptArchiveError as error:
            raise BuildError(f"Error processing tar file: {error}") from error


def fetch(url: str, directory: Path, cancel: Cancellation) -> Found:
    """Download a URL for ADD: mode 0600, the server's Last-Modified as its time.

    A URL whose path has no name gives `__unnamed__`, as in BuildKit.

    Raises:
        BuildError: the server can't be reached or answers with an error.
    """
    import hashlib

    import requests

    name = posixpath.basename(unquote(urlsplit(url).path).rstrip("/"))
    if name in ("", ".", ".."):
        name = _UNNAMED
    target = directory / str(len(os.listdir(directory)))
    digest = hashlib.sha256()
    try:
        with (
            requests.get(url, stream=True, timeout=_TIMEOUT) as response,
            target.open("wb") as file,
        ):
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                if cancel.cancelled:
                    raise BuildError("the build was cancelled")
                digest.update(chunk)
                file.write(chunk)
            modified = response.headers.get("Last-Modified")
    except requests.RequestException as error:
        raise BuildError(f"ADD {url}: {error}") from error
    mtime = 0
    if modified:
        try:
            mtime = int(parsedate_to_datetime(modified).timestamp())
        except ValueError:
            mtime = 0
    entry = entry_of(name, target.stat(), os.fspath(target))._replace(
        mode=stat.S_IFREG | 0o600, uid=0, gid=0, mtime=mtime
    )
    return Found(name, entry, lambda: target.open("rb"), digest.hexdigest, fetched=True)
