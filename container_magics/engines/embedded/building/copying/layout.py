"""Where COPY and ADD put what they found: the entries of a layer.

A layer is computed, not made by copying into a mounted file system: sources become entries, the
destination is resolved in the merged tree (so a symlink in an image leads nowhere else), owners
are numbers in headers. It is therefore the same on every rung. Semantics are BuildKit's.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterable, Iterator
from functools import partial

from .....errors import BuildError, CorruptArchiveError
from .....oci.entries import Entry
from .....oci.members import Member
from .....oci.tree import Node, Tree
from .found import Found
from .layer_plan import LayerPlan, Piece
from .ownership import Owner

__all__ = ["layout", "layout_archive", "layout_directory"]

_LEFT_OUT = (stat.S_IFIFO, stat.S_IFSOCK)


def _destination(tree: Tree, destination: str, workdir: str) -> tuple[str, Node | None]:
    return tree.resolve(posixpath.join(workdir, destination))


def names_directory(destination: str) -> bool:
    """Whether a destination is written as a directory."""
    return destination.endswith("/") or posixpath.basename(destination) in (".", "..")


def layout(
    tree: Tree, found: list[Found], destination: str, workdir: str, owner: Owner
) -> Iterator[Piece]:
    """Lay sources out at a destination, as COPY does.

    Raises:
        BuildError: a directory would have to replace a file, or a file a directory.
    """
    real, node = _destination(tree, destination, workdir)
    into = names_directory(destination) or (node is not None and node.is_directory)
    made = LayerPlan(tree, owner)
    for item in found:
        made.forget_links()
        if item.below is not None:
            yield from _lay_out_directory(made, item, real, owner)
            continue
        path = f"{real}/{item.name}".lstrip("/") if into or not real else real
        if item.entry.kind in _LEFT_OUT:
            yield from _directory_of(tree, made, path, owner)
        else:
            yield from made.put(path, owner.apply(item.entry), item.open, item.inode)


def _directory_of(tree: Tree, made: LayerPlan, path: str, owner: Owner) -> Iterator[Piece]:
    """The directory that something would be put into, if it is not there."""
    parent = posixpath.dirname(path)
    if parent and tree.lookup(parent) is None:
        entry = Entry(parent, stat.S_IFDIR | 0o755, mtime=made.now)
        yield from made.directory(parent, Owner(owner.uid, owner.gid).apply(entry), keep=True)


def _lay_out_directory(made: LayerPlan, item: Found, real: str, owner: Owner) -> Iterator[Piece]:
    """The content of a directory; Docker copies that, and not the directory itself."""
    top = Owner(owner.uid, owner.gid).apply(Entry(real, stat.S_IFDIR | 0o755, mtime=made.now))
    yield from made.directory(real, top, keep=True)
    for relative, inner in item.below() if item.below is not None else ():
        path = f"{real}/{relative}" if real else relative
        entry = owner.apply(inner.entry)
        if inner.passed:
            yield from made.passage(path, entry)
        elif inner.below is not None:
            yield from made.directory(path, entry)
        elif inner.entry.kind not in _LEFT_OUT:
            yield from made.put(path, entry, inner.open, inner.inode)


class _MemberContent:
    """The content of an archive's member as something to open; the archive stays open."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def read(self, size: int, /) -> bytes:
        try:
            return self._member.read(size)
        except CorruptArchiveError as error:
            raise BuildError(f"Error processing tar file: {error}") from error

    def __enter__(self) -> _MemberContent:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def layout_archive(
    tree: Tree, members: Iterable[Member], destination: str, workdir: str, owner: Owner
) -> Iterator[Piece]:
    """Unpack an archive at a destination, as ADD does.

    Owners, modes and times are the archive's, also of directories that were there; `owner` is for
    directories that have to be made on the way. What is in the way of a member is replaced.

    Raises:
        BuildError: a hard link to nothing in the archive, or an archive that ends too early.
    """
    real, _ = _destination(tree, destination, workdir)
    made = LayerPlan(tree, owner)
    for member in members:
        entry = member.entry
        if entry.mode == -1:
            return
        if not entry.path:
            continue
        path = _inside(made, real, entry.path)
        entry = entry._replace(mtime=max(0, entry.mtime))
        if entry.kind == stat.S_IFDIR:
            yield from made.put(path, entry, None, replace=True)
            continue
        if entry.kind == 0:
            entry = entry._replace(link=_inside(made, real, entry.link))
            if not made.has(entry.link):
                raise BuildError(
                    f"Error processing tar file: {member.entry.path} is a hard link to "
                    f"{member.entry.link}, which the archive doesn't have before it"
                )
        yield from made.put(path, entry, partial(_MemberContent, member), replace=True)


def _inside(made: LayerPlan, real: str, path: str) -> str:
    """Where a member's path leads below a destination; its last part is not followed."""
    parent, _, name = path.rpartition("/")
    directory = made.resolve(f"{real}/{parent}")
    return f"{directory}/{name}" if directory else name


def layout_directory(tree: Tree, path: str, owner: Owner) -> list[Piece]:
    """What WORKDIR makes: the directories of a path that are not there, with their parents."""
    real, node = tree.resolve(path)
    if node is not None:
        if not node.is_directory:
            raise BuildError(f"cannot mkdir {path}: it is not a directory")
        return []
    made = LayerPlan(tree, owner)
    entry = owner.apply(Entry(real, stat.S_IFDIR | 0o755, mtime=made.now))
    return list(made.directory(real, entry))
