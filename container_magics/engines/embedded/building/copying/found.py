"""What COPY and ADD name: sources in the context, a stage or an image, as `Found`.

context, stage, image, here-document, URL ──► Found ──layout──► (Entry, content) ──► layer
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import stat
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from .....dockerfile import has_wildcard, matches_go_pattern
from .....errors import SourceNotFoundError
from .....oci.entries import Entry
from .....oci.tree import Node, Tree
from ...storage.content import open_content
from ...storage.digests import FileDigests
from ...storage.record import Content
from ...storage.store import Store
from ..context import BuildContext

__all__ = [
    "Found",
    "content_key",
    "find_in_context",
    "find_in_tree",
    "literal",
]


@dataclass(frozen=True, slots=True)
class Found:
    """A source of a COPY.

    Attributes:
        name: what it is called in a destination directory.
        entry: its metadata; the path means nothing.
        open: its content, for a regular file.
        digest: SHA-256 of its content, hex, for a regular file.
        below: for a directory, everything in it: path relative to it, and the same again.
        inode: the same for all names of a file with several (hard links); None for any other.
        fetched: it came from a URL, so ADD does not unpack it.
        passed: a directory that is only on the way to what is copied.
    """

    name: str
    entry: Entry
    open: Content | None = None
    digest: Callable[[], str] | None = None
    below: Callable[[], Iterator[tuple[str, Found]]] | None = None
    inode: Hashable = None
    fetched: bool = False
    passed: bool = False


def find_in_context(
    context: BuildContext, digests: FileDigests, sources: Iterable[str]
) -> list[Found]:
    """The sources of a COPY from the build context.

    Args:
        context: the build context.
        digests: of files seen before.
        sources: as written, expanded.

    Raises:
        SourceNotFoundError: one that is not there.
    """

    def found(name: str, real: str, entry: Entry) -> Found:
        full = context.full(real)
        if entry.kind == stat.S_IFDIR:
            return Found(name, entry, below=lambda: inside(real))
        if entry.kind == stat.S_IFREG:
            status = os.lstat(full)
            inode = (status.st_dev, status.st_ino) if status.st_nlink > 1 else None
            return Found(
                name, entry, lambda: open(full, "rb"), lambda: digests.of_file(full), inode=inode
            )
        return Found(name, entry)

    def inside(directory: str) -> Iterator[tuple[str, Found]]:
        listed = list(context.walk(directory))
        filled = {posixpath.dirname(relative) for relative, _ in listed}
        now = int(time.time())
        for relative, entry in listed:
            # A context is sent to Docker, where directories get files put into them; the times
            # of an archive are set when all is unpacked.
            sent = context.owners is None and relative in filled
            new = entry._replace(mtime=now) if sent else entry
            yield relative, found(posixpath.basename(relative), entry.path, new)

    results = []
    for source in sources:
        for path in context.match(source):
            real = context.resolve(path)
            if real is None:
                raise SourceNotFoundError(f'failed to compute cache key: "/{path}" not found')
            results.append(found(posixpath.basename(path), real, context.entry(real)))
    return results


def find_in_tree(
    store: Store, digests: FileDigests, tree: Tree, sources: Iterable[str], origin: str
) -> list[Found]:
    """The sources of a COPY from another stage or image.

    Args:
        store: holds their content.
        digests: of files seen before.
        tree: its file system.
        sources: as written, expanded; always seen from `/`.
        origin: what to call it in errors.

    Raises:
        SourceNotFoundError: one that is not there.
    """
    results = []
    for source in sources:
        paths = list(_glob(tree, source)) if has_wildcard(source) else [source]
        found = [(path, tree.resolve(path)[1]) for path in paths]
        if any(node is None for _, node in found):
            raise SourceNotFoundError(
                f'failed to compute cache key: "/{source.strip("/")}" not found',
                hint=f"Looked in {origin}.",
            )
        for path, node in found:
            if node is not None:
                results.append(
                    _from_node(store, digests, posixpath.basename(path.rstrip("/")), node)
                )
    return results


def _from_node(store: Store, digests: FileDigests, name: str, node: Node) -> Found:
    if node.children is not None:
        return Found(name, node.entry, below=lambda: _below_node(store, digests, node))
    if node.entry.kind == stat.S_IFREG:
        return Found(
            name,
            node.entry,
            lambda: open_content(store, node),
            lambda: digests.of_node(node),
            inode=(node.layer, node.place),
        )
    return Found(name, node.entry)


def _below_node(store: Store, digests: FileDigests, node: Node) -> Iterator[tuple[str, Found]]:
    for path, child in Tree(node).walk():
        yield path, _from_node(store, digests, posixpath.basename(path), child)


def _glob(tree: Tree, pattern: str) -> Iterator[str]:
    """What a pattern matches; symlinks are followed before the first wildcard only."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    plain = next(level for level, part in enumerate(parts) if has_wildcard(part))

    def below(directory: str, node: Node, level: int) -> Iterator[str]:
        for name, child in sorted((node.children or {}).items()):
            path = f"{directory}/{name}" if directory else name
            if not matches_go_pattern(parts[level], name):
                continue
            if level + 1 == len(parts):
                yield path
            else:
                yield from below(path, child, level + 1)

    top = "/".join(parts[:plain])
    node = tree.resolve(top)[1]
    if node is not None:
        yield from below(top, node, plain)


def literal(name: str, data: bytes) -> Found:
    """A file whose content is at hand, a here-document: root's, mode 0644, made now."""
    entry = Entry(name, stat.S_IFREG | 0o644, size=len(data), mtime=int(time.time()))
    return Found(name, entry, lambda: io.BytesIO(data), lambda: hashlib.sha256(data).hexdigest())


def content_key(found: Iterable[Found]) -> tuple[str, dict[str, str]]:
    """What of the sources decides whether a COPY is cached.

    Names, types, modes, owners, attributes, link targets and content count, times do not.

    Returns:
        A digest of it all, and a digest a file by path, to tell later what changed.
    """
    files: dict[str, str] = {}

    def note(path: str, item: Found) -> None:
        entry = item.entry
        facts = [
            f"{entry.mode:o} {entry.uid}:{entry.gid} {entry.major},{entry.minor}",
            entry.link,
            *(f"{key}={value.hex()}" for key, value in sorted(entry.xattrs.items())),
            item.digest() if item.digest is not None else "",
            *(["passed"] if item.passed else []),
        ]
        text = "\0".join(facts).encode("utf-8", "surrogateescape")
        files[path] = hashlib.sha256(text).hexdigest()

    for item in found:
        note(item.name, item)
        if item.below is not None:
            for relative, inner in item.below():
                note(f"{item.name}/{relative}", inner)
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{files[path]}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest(), files
