"""The merged file system of a stack of layers, as data: no mount, no privilege, no disk access.

Layers are applied as the OCI image-spec says ("Applying Changesets", "Whiteouts"). A tree is
immutable; applying a layer shares every directory that the layer does not touch. Paths are
resolved inside the tree, so a symlink of an image never reaches a file of the host.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator

from .entries import Entry
from .links import MAX_LINKS, TreeLoopError

__all__ = ["OPAQUE", "SUPERSEDED", "WHITEOUT", "Node", "Tree", "TreeLoopError"]

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
SUPERSEDED = "../extra/"


class Node:
    """An object in a tree.

    Attributes:
        entry: its metadata; `entry.path` is where its layer put it; never a hard link's.
        layer: the layer (any value the caller applied it with) that its content lies in.
        place: path of its content in that layer.
        children: a directory's, by name; None for anything else.
    """

    __slots__ = ("children", "entry", "layer", "place")

    def __init__(
        self, entry: Entry, layer: object, place: str, children: dict[str, Node] | None
    ) -> None:
        self.entry = entry
        self.layer = layer
        self.place = place
        self.children = children

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory (and not a symlink to one)."""
        return self.children is not None

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symlink."""
        return self.entry.kind == stat.S_IFLNK


class Tree:
    """An immutable file system tree. `Tree()` is the empty one, that `FROM scratch` starts at."""

    __slots__ = ("root",)

    def __init__(self, root: Node | None = None) -> None:
        self.root = root or Node(Entry("", stat.S_IFDIR | 0o755), None, "", {})

    def apply(self, layer: object, records: Iterable[tuple[Entry, str]]) -> Tree:
        """This tree with a layer on top.

        Args:
            layer: what the new nodes' `layer` shall be.
            records: entries in archive order, each with the place of its content, "" for its own
                path, or one below `SUPERSEDED` for a member that a later one overwrote.
        """
        return Tree(_Application(self.root, layer).run(records))

    def lookup(self, path: str) -> Node | None:
        """The object at exactly this path; symlinks are not followed anywhere."""
        node: Node | None = self.root
        for part in path.split("/") if path else ():
            if node is None or node.children is None:
                return None
            node = node.children.get(part)
        return node

    def resolve(self, path: str, *, follow: bool = True) -> tuple[str, Node | None]:
        """Follow symlinks inside the tree, `..` at the root staying there.

        Returns:
            The real path (no leading slash), and the object there or None. Components behind
            the first one that is missing are kept as written.

        Raises:
            TreeLoopError: too many symlinks.
        """
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        nodes: list[Node | None] = [self.root]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if done:
                    done.pop()
                    nodes.pop()
                continue
            here = nodes[-1]
            node = here.children.get(part) if here is not None and here.children else None
            if node is not None and node.is_symlink and (todo or follow):
                links += 1
                if links > MAX_LINKS:
                    raise TreeLoopError(f"too many levels of symbolic links in /{path.lstrip('/')}")
                if node.entry.link.startswith("/"):
                    done.clear()
                    del nodes[1:]
                todo += [p for p in reversed(node.entry.link.split("/")) if p not in ("", ".")]
                continue
            done.append(part)
            nodes.append(node)
        return "/".join(done), nodes[-1]

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Everything below a directory, in tar order: a directory, then its content."""
        top = self.lookup(path)
        if top is None or top.children is None:
            return
        stack = [(path, name, child) for name, child in sorted(top.children.items(), reverse=True)]
        while stack:
            directory, name, node = stack.pop()
            where = f"{directory}/{name}" if directory else name
            yield where, node
            if node.children:
                stack += [
                    (where, child, node.children[child])
                    for child in sorted(node.children, reverse=True)
                ]


class _Application:
    """One layer being applied; nodes made on the way may be changed, older ones are copied."""

    def __init__(self, root: Node, layer: object) -> None:
        self._layer = layer
        self._fresh: set[int] = set()
        self._keep: list[Node] = []
        self._root = self._own(root)

    def run(self, records: Iterable[tuple[Entry, str]]) -> Node:
        last_path, last = "", self._root
        for entry, place in records:
            superseded = place.startswith(SUPERSEDED)
            path = entry.path if superseded else place or entry.path
            directory, _, name = path.rpartition("/")
            if not path:
                self._root.entry = entry
                continue
            if superseded and self._is_displaced(directory):
                continue
            if directory != last_path:
                last_path, last = directory, self._directory(directory)
            children = last.children
            if children is None:
                continue
            if name == OPAQUE:
                self._hide(children)
            elif name.startswith(WHITEOUT):
                hidden = children.get(name[len(WHITEOUT) :])
                if hidden is not None and id(hidden) not in self._fresh:
                    del children[name[len(WHITEOUT) :]]
                elif hidden is not None:
                    self._hide(hidden.children)
            else:
                self._put(children, name, entry, place)
        return self._root

    def _hide(self, children: dict[str, Node] | None) -> None:
        """Take away what lower layers have put into a directory."""
        for name, child in list((children or {}).items()):
            if children is not None and id(child) not in self._fresh:
                del children[name]
            else:
                self._hide(child.children)

    def _is_displaced(self, directory: str) -> bool:
        """Whether a symlink of this layer led a member's content elsewhere."""
        node: Node | None = self._root
        for part in directory.split("/"):
            node = node.children.get(part) if node is not None and node.children else None
            if node is not None and node.is_symlink and id(node) in self._fresh:
                return True
        return False

    def _put(self, children: dict[str, Node], name: str, entry: Entry, place: str) -> None:
        if entry.kind == 0:
            target = self._linked(entry.link)
            if target is not None:
                if target.entry.kind == stat.S_IFREG and id(target) in self._fresh:
                    # The header of a link is applied to the file it links, as by every unpacker.
                    target.entry = target.entry._replace(
                        mode=stat.S_IFREG | stat.S_IMODE(entry.mode),
                        uid=entry.uid,
                        gid=entry.gid,
                        mtime=entry.mtime,
                        xattrs=entry.xattrs or target.entry.xattrs,
                    )
                children[name] = self._new(target.entry, target.place, None, target.layer)
            return
        below: dict[str, Node] | None = None
        if entry.kind == stat.S_IFDIR:
            old = children.get(name)
            below = (
                old.children
                if old is not None and id(old) in self._fresh and old.children is not None
                else dict(old.children or {})
                if old is not None
                else {}
            )
        children[name] = self._new(entry, place or entry.path, below, self._layer)

    def _new(
        self, entry: Entry, place: str, children: dict[str, Node] | None, layer: object
    ) -> Node:
        node = Node(entry, layer, place, children)
        self._fresh.add(id(node))
        self._keep.append(node)
        return node

    def _own(self, node: Node) -> Node:
        if id(node) in self._fresh:
            return node
        return self._new(node.entry, node.place, dict(node.children or {}), node.layer)

    def _directory(self, path: str) -> Node:
        node = self._root
        done = ""
        for part in path.split("/") if path else ():
            done = f"{done}/{part}" if done else part
            children = node.children
            if children is None:
                children = node.children = {}
            child = children.get(part)
            if child is None or child.children is None:
                child = self._new(Entry(done, stat.S_IFDIR | 0o755), done, {}, self._layer)
            else:
                child = self._own(child)
            children[part] = child
            node = child
        return node

    def _linked(self, path: str) -> Node | None:
        try:
            return Tree(self._root).resolve(path, follow=False)[1]
        except TreeLoopError:
            return None
