"""What ADD does beyond COPY: archives are unpacked, URLs and git repositories are fetched."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .....dockerfile import Add
from .....errors import BuildError, CorruptArchiveError, DockerfileError, UsageError
from .....oci.compression import decompressed, is_tar
from .....oci.members import Member, read_members
from .....oci.tar import BLOCK
from .....oci.tree import Tree
from ....events import Cancellation
from ....sources import git
from ....sources.http import Known, download, file_name
from ...storage.cache import BuildCache
from ...storage.digests import FileDigests
from ...storage.record import Content, entry_of
from ..context import BuildContext
from .found import Found, find_in_context
from .layer_plan import Piece
from .layout import layout, layout_archive
from .ownership import Owner

__all__ = ["Remote", "add_pieces", "git_source", "http_source"]

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Remote:
    """A source of an ADD that is elsewhere.

    Attributes:
        key: what decides whether the ADD is cached.
        fetch: gets it, if it has to be.
    """

    key: str
    fetch: Callable[[], Found]


def add_pieces(
    tree: Tree,
    found: Sequence[Found],
    destination: str,
    workdir: str,
    owner: Owner,
    *,
    unpack: bool | None,
) -> Iterator[Piece]:
    """Lay out the sources of an ADD; a tar, plain or compressed, becomes its content.

    Args:
        tree: what is below.
        found: the sources.
        destination: as written, expanded.
        workdir: what it is relative to.
        owner: what `--chown` and `--chmod` say.
        unpack: whether archives are unpacked; None for all but those from a URL.
    """
    for item in found:
        wanted = not item.fetched if unpack is None else unpack
        if wanted and item.open is not None and _is_archive(item.open):
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


def http_source(
    url: str, checksum: str, target: Path, cache: BuildCache, cancel: Cancellation
) -> Remote:
    """A file over HTTP: mode 0600, the server's Last-Modified as its time.

    The server is asked for it now, unless a checksum says already what it is.

    Args:
        url: where it is.
        checksum: what `--checksum` says, or "".
        target: where to download it to.
        cache: remembers its ETag.
        cancel: ends a download.

    Raises:
        BuildError: the server can't be reached or answers with an error.
        DockerfileError: a malformed checksum.
    """
    digest, mtime = "", None
    if checksum:
        digest = _sha256_of(checksum)
    else:
        known = cache.file_digests([url]).get(url)
        got = download(url, target, cancel, known=Known(*known) if known else None)
        digest, mtime = got.digest, got.mtime if got.changed else None
        if got.etag:
            cache.remember_file_digests([(url, got.etag, digest)])

    def fetch() -> Found:
        time = mtime
        if time is None:
            got = download(url, target, cancel)
            if got.digest != digest:
                raise BuildError(f"digest mismatch sha256:{got.digest}: sha256:{digest}")
            time = got.mtime
        name = file_name(url)
        entry = entry_of(name, target.stat(), os.fspath(target))._replace(
            mode=stat.S_IFREG | 0o600, uid=0, gid=0, mtime=time
        )
        return Found(name, entry, lambda: target.open("rb"), lambda: digest, fetched=True)

    return Remote(f"{file_name(url)} {digest}", fetch)


def _sha256_of(checksum: str) -> str:
    match = _SHA256.fullmatch(checksum)
    if match is not None:
        return match[1]
    algorithm, colon, value = checksum.partition(":")
    problem = "invalid checksum digest format"
    if colon and algorithm != "sha256":
        problem = "unsupported digest algorithm"
    elif re.fullmatch("[0-9a-f]+", value):
        problem = "invalid checksum digest length"
    raise DockerfileError(
        f"{problem}: {checksum}", hint="Write --checksum=sha256: and the 64 digits of the digest."
    )


def git_source(
    text: str,
    instruction: Add,
    checksum: str,
    directory: Path,
    digests: FileDigests,
    cancel: Cancellation,
) -> Remote:
    """A git repository: its remote is asked for the commit, which is checked out if needed.

    Args:
        text: the URL.
        instruction: has `--keep-git-dir`.
        checksum: what `--checksum` says, or "".
        directory: where to check it out.
        digests: of files seen before.
        cancel: ends it.

    Raises:
        BuildError: see `git.resolve`.
        DockerfileError: what the URL says is wrong, or not what the flags say.
    """
    try:
        url = git.parse(text)
    except UsageError as error:
        raise DockerfileError(error.message) from None
    keep = instruction.keep_git_dir
    if keep is not None and url.keep_git_dir is not None and keep != url.keep_git_dir:
        raise DockerfileError("inconsistent keep-git-dir configuration")
    if checksum and url.checksum and checksum != url.checksum:
        raise DockerfileError(f'checksum mismatch "{checksum}" != "{url.checksum}"')
    url = replace(url, checksum=checksum or url.checksum)
    kept = bool(keep or url.keep_git_dir)
    revision = git.resolve(url, cancel)

    def fetch() -> Found:
        directory.mkdir()
        git.checkout(url, directory, cancel, keep_git_dir=kept, revision=revision)
        (found,) = find_in_context(BuildContext(directory, Path(os.devnull)), digests, ["."])
        return found

    what = (revision.commit, revision.ref if kept else "", url.subdir, str(url.submodules))
    return Remote("\0".join(what), fetch)
