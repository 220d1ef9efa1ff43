"""The entries of one layer in the making, each directory on the way before what is in it."""

from __future__ import annotations

import stat
import time
from collections.abc import Hashable, Iterator

from .....errors import BuildError
from .....oci.entries import Entry
from .....oci.links import resolve_links
from .....oci.tree import Tree
from ...storage.record import Content
from .ownership import Owner

__all__ = ["LayerPlan", "Piece"]

Piece = tuple[Entry, Content | None]
"""What a layer gets: an entry, and the content of a regular file."""


class LayerPlan:
    """What COPY, ADD and WORKDIR have put into a layer so far.

    Directories that are made, or get something new put into them, take the time of the build, as
    they do when files are really copied.

    Args:
        tree: what is below the layer.
        owner: of directories that have to be made.
    """

    def __init__(self, tree: Tree, owner: Owner) -> None:
        self.now = int(time.time())
        self._tree = tree
        self._owner = owner
        self._seen: dict[str, int] = {}
        self._links: dict[str, str] = {}
        self._inodes: dict[Hashable, str] = {}

    def has(self, path: str) -> bool:
        """Whether this layer has put something other than a directory there."""
        return self._seen.get(path, stat.S_IFDIR) != stat.S_IFDIR

    def resolve(self, path: str) -> str:
        """The real path of a directory: symlinks followed inside the tree and this layer.

        Raises:
            TreeLoopError: too many of them.
        """
        return resolve_links(path, self._link_at)

    def _link_at(self, path: str) -> str | None:
        if path in self._seen:
            return self._links.get(path) if self._seen[path] == stat.S_IFLNK else None
        node = self._tree.lookup(path)
        return node.entry.link if node is not None and node.is_symlink else None

    def forget_links(self) -> None:
        """Begin with another source: hard links are kept within one only."""
        self._inodes.clear()

    def parents(self, path: str, *, merged: bool = False) -> Iterator[Piece]:
        """Every directory above a path that this layer does not have yet.

        Those of the lower layers are repeated (a layer's directory hides the lower one's mode and
        owner), new ones are made 0755.

        Args:
            path: of what is put there.
            merged: it is a directory that is there already, so the one above does not change.
        """
        if path.rpartition("/")[0] in self._seen:
            return
        parts = path.split("/")
        for count in range(1, len(parts)):
            directory = "/".join(parts[:count])
            if directory in self._seen:
                if self._seen[directory] != stat.S_IFDIR:
                    return
                continue
            node = self._tree.lookup(directory)
            self._seen[directory] = stat.S_IFDIR
            if node is not None and node.is_directory:
                same = (merged or count < len(parts) - 1) and parts[count] in (node.children or {})
                mtime = node.entry.mtime if same else self.now
                yield node.entry._replace(path=directory, mtime=mtime), None
            elif node is not None:
                raise BuildError(f"cannot copy to non-directory: /{directory}")
            else:
                made = Entry(directory, stat.S_IFDIR | 0o755, mtime=self.now)
                yield Owner(self._owner.uid, self._owner.gid).apply(made), None

    def directory(self, path: str, entry: Entry, *, keep: bool = False) -> Iterator[Piece]:
        """A directory with what is copied into it; one that is there already gives way.

        Args:
            path: where.
            entry: what it is to be.
            keep: one that is there already stays as it is, but for its time.
        """
        if not path:
            return
        yield from self.parents(path, merged=True)
        there = self._tree.lookup(path)
        if there is not None and not there.is_directory:
            raise BuildError(f"cannot copy to non-directory: /{path}")
        if there is not None and keep:
            entry = there.entry._replace(mtime=self.now)
        if self._seen.get(path) != stat.S_IFDIR or not keep:
            self._seen[path] = stat.S_IFDIR
            yield entry._replace(path=path), None

    def passage(self, path: str, entry: Entry) -> Iterator[Piece]:
        """A directory on the way to what is copied; one that is there keeps all but its mode."""
        if self._seen.get(path) == stat.S_IFDIR:
            return
        there = self._tree.lookup(path)
        if there is not None and there.is_directory:
            entry = there.entry._replace(mode=entry.mode)
        yield from self.directory(path, entry._replace(mtime=self.now))

    def put(
        self,
        path: str,
        entry: Entry,
        content: Content | None,
        inode: Hashable = None,
        *,
        replace: bool = False,
    ) -> Iterator[Piece]:
        """Anything else at a path, after its parents; a second name of an inode is a hard link.

        Args:
            path: where.
            entry: what.
            content: of a regular file.
            inode: what its other names have in common with it.
            replace: a directory that is there already gives way.

        Raises:
            BuildError: a directory is there already.
        """
        if not path:
            return
        yield from self.parents(path)
        there = self._tree.lookup(path)
        if not replace and there is not None and there.is_directory:
            raise BuildError(f"cannot copy a file over the directory /{path}")
        self._seen[path] = entry.kind
        if entry.kind == stat.S_IFLNK:
            self._links[path] = entry.link
            entry = entry._replace(mode=stat.S_IFLNK | 0o777)
        first = self._inodes.setdefault(inode, path) if inode is not None else path
        if first != path:
            mode = stat.S_IMODE(entry.mode)
            yield entry._replace(path=path, mode=mode, size=0, link=first), None
        else:
            yield entry._replace(path=path), content
