"""The files of one layer, or of all layers up to it, as a tree that is looked at level by level."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..oci.tree import Node
from .layer_index import Change, ChangeKind, LayerIndex

__all__ = ["FileNode", "changed_files", "find", "level", "present_files"]

_KINDS = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFIFO: "pipe",
    0: "hard link",
}


@dataclass(slots=True)
class FileNode:
    """A file or directory.

    Attributes:
        name: the last part of its path; bytes that are not UTF-8 are surrogate-escaped.
        kind: `file`, `directory`, `symlink`, `hard link`, `device` or `pipe`.
        mode: permission bits.
        uid, gid: its owner.
        link: where a link leads.
        change: what the layer did to it; None where it only holds changes, or was there before.
        own: bytes of its content.
        size: bytes of the content of all that is below it, itself included.
        files: how many changed things are below it, itself included.
        children: by name.
        described: whether mode and owner are known: not of a directory that only holds changes.
    """

    name: str
    kind: str = "directory"
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str = ""
    change: ChangeKind | None = None
    own: int = 0
    size: int = 0
    files: int = 0
    children: dict[str, FileNode] = field(default_factory=dict)
    described: bool = False


def changed_files(index: LayerIndex, number: int) -> FileNode:
    """What layer `number` (from 1) adds, changes and removes; sizes are of those only."""
    root = FileNode("")
    for change in index.layers[number - 1].changes:
        node = root
        for part in change.path.split("/"):
            node = node.children.setdefault(part, FileNode(part))
        _describe(node, change)
        node.files = 1
    _sum(root)
    return root


def present_files(index: LayerIndex, number: int) -> FileNode:
    """All files that are there on top of layer `number`, with what it did to them."""
    changes = {
        change.path: change
        for change in index.layers[number - 1].changes
        if change.kind is not ChangeKind.REMOVED
    }
    root = FileNode("")
    counted: set[tuple[object, str]] = set()
    stack: list[tuple[str, Node, FileNode]] = [("", index.trees[number].root, root)]
    while stack:
        path, source, target = stack.pop()
        for name, child in (source.children or {}).items():
            where = f"{path}/{name}" if path else name
            entry = child.entry
            change = changes.get(where)
            again = not child.is_directory and (child.layer, child.place) in counted
            counted.add((child.layer, child.place))
            node = FileNode(
                name,
                "hard link" if again else _KINDS.get(entry.kind, "file"),
                stat.S_IMODE(entry.mode),
                entry.uid,
                entry.gid,
                entry.link,
                change.kind if change else None,
                0 if again else entry.size,
                files=1,
                described=True,
            )
            target.children[name] = node
            if child.children:
                stack.append((where, child, node))
    _sum(root)
    return root


def level(root: FileNode, path: str) -> Sequence[FileNode]:
    """What is in a directory, largest first, then by name; empty where there is none."""
    node = root
    for part in path.split("/") if path else ():
        found = node.children.get(part)
        if found is None:
            return []
        node = found
    return sorted(node.children.values(), key=lambda child: (-child.size, child.name))


def find(
    root: FileNode, text: str, kinds: Sequence[ChangeKind] = (), *, limit: int = 200
) -> tuple[list[tuple[str, FileNode]], int]:
    """The paths that hold a text, in any case, largest first.

    Args:
        root: of the tree.
        text: part of a path; "" for every path.
        kinds: only what the layer did one of these to; all where empty.
        limit: most that are given.

    Returns:
        Path and node of each; how many there are in all.
    """
    wanted = text.lower().lstrip("/")
    found = [
        (path, node)
        for path, node in _walk(root)
        if wanted in path.lower() and (node.change in kinds if kinds else node.files)
        if kinds or node.kind != "directory" or node.change
    ]
    found.sort(key=lambda each: (-each[1].own, each[0]))
    return found[:limit], len(found)


def _walk(root: FileNode) -> Iterator[tuple[str, FileNode]]:
    stack = [("", root)]
    while stack:
        path, node = stack.pop()
        for name, child in node.children.items():
            where = f"{path}/{name}" if path else name
            yield where, child
            if child.children:
                stack.append((where, child))


def _describe(node: FileNode, change: Change) -> None:
    entry = change.entry
    node.kind = _KINDS.get(entry.kind, "file")
    node.mode = stat.S_IMODE(entry.mode)
    node.uid, node.gid, node.link = entry.uid, entry.gid, entry.link
    node.change = change.kind
    node.own = change.size
    node.described = True


def _sum(root: FileNode) -> None:
    """Add up sizes and counts from the leaves to the root."""
    order = [root]
    for node in order:
        order.extend(node.children.values())
    for node in reversed(order):
        node.size = node.own + sum(child.size for child in node.children.values())
        node.files += sum(child.files for child in node.children.values())
