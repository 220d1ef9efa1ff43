"""COPY and ADD: from what they name to the entries of a layer.

A layer is computed, not made by copying into a mounted file system: sources become entries, the
destination is resolved in the merged tree (so a symlink in an image leads nowhere else), owners
are numbers in headers. It is therefore the same on every rung. Semantics are BuildKit's.

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
from functools import partial

from ...errors import BuildError, SourceNotFoundError
from ...oci.tar import Entry, Member
from ...oci.tree import Node, Tree
from .content import open_content
from .context import BuildContext
from .digests import FileDigests
from .record import Content
from .sandbox.launcher import accounts
from .store import Store

__all__ = [
    "Content",
    "Found",
    "Owner",
    "content_key",
    "find_in_context",
    "find_in_tree",
    "layout",
    "layout_archive",
    "layout_directory",
    "literal",
    "owner_of",
]

Piece = tuple[Entry, Content | None]


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
    """

    name: str
    entry: Entry
    open: Content | None = None
    digest: Callable[[], str] | None = None
    below: Callable[[], Iterator[tuple[str, Found]]] | None = None
    inode: Hashable = None
    fetched: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """What `--chown` and `--chmod` say; None keeps what the source has."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None

    def apply(self, entry: Entry) -> Entry:
        """The entry with it."""
        if self.uid is not None and self.gid is not None:
            entry = entry._replace(uid=self.uid, gid=self.gid)
        if self.mode is not None and entry.kind != stat.S_IFLNK:
            entry = entry._replace(mode=entry.kind | self.mode)
        return entry


# --- sources ------------------------------------------------------------------------------------


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
        for relative, entry in context.walk(directory):
            yield relative, found(posixpath.basename(relative), entry.path, entry)

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
    from ...dockerfile import has_wildcard

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
        return Found(name, node.entry, below=lambda: _inside(store, digests, node))
    if node.entry.kind == stat.S_IFREG:
        return Found(
            name,
            node.entry,
            lambda: open_content(store, node),
            lambda: digests.of_node(node),
            inode=(node.layer, node.place),
        )
    return Found(name, node.entry)


def _inside(store: Store, digests: FileDigests, node: Node) -> Iterator[tuple[str, Found]]:
    for path, child in Tree(node).walk():
        yield path, _from_node(store, digests, posixpath.basename(path), child)


def _glob(tree: Tree, pattern: str) -> Iterator[str]:
    from ...dockerfile import matches_go_pattern

    parts = [part for part in pattern.split("/") if part not in ("", ".")]

    def below(directory: str, level: int) -> Iterator[str]:
        node = tree.resolve(directory)[1]
        for name in sorted(node.children or ()) if node else ():
            path = f"{directory}/{name}" if directory else name
            if matches_go_pattern(parts[level], name):
                if level + 1 == len(parts):
                    yield path
                else:
                    yield from below(path, level + 1)

    return below("", 0)


def literal(name: str, data: bytes, *, mode: int = 0o644, mtime: int = 0) -> Found:
    """A file whose content is at hand: a here-document."""
    entry = Entry(name, stat.S_IFREG | mode, size=len(data), mtime=mtime)
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


# --- destinations -------------------------------------------------------------------------------


class _Layout:
    """The entries of one layer in the making, each directory on the way before what is in it.

    Directories that are made, or get something new put into them, take the time of the build, as
    they do when files are really copied.
    """

    def __init__(self, tree: Tree, owner: Owner) -> None:
        self.now = int(time.time())
        self._tree = tree
        self._owner = owner
        self._seen: dict[str, int] = {}
        self._inodes: dict[Hashable, str] = {}

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

    def directory(self, path: str, entry: Entry, *, filled: bool) -> Iterator[Piece]:
        """A directory with what is copied into it; one that is there already stays as it is.

        Args:
            path: where.
            entry: what it is to be if it is new.
            filled: whether something will be put into it.
        """
        if not path:
            return
        yield from self.parents(path, merged=True)
        there = self._tree.lookup(path)
        if there is not None and there.is_directory:
            entry = there.entry
        elif there is not None:
            raise BuildError(f"cannot copy to non-directory: /{path}")
        if self._seen.get(path) != stat.S_IFDIR:
            self._seen[path] = stat.S_IFDIR
            yield entry._replace(path=path, mtime=self.now if filled else entry.mtime), None

    def put(
        self, path: str, entry: Entry, content: Content | None, inode: Hashable = None
    ) -> Iterator[Piece]:
        """Anything else at a path, after its parents; a second name of an inode is a hard link."""
        if not path:
            return
        yield from self.parents(path)
        there = self._tree.lookup(path)
        if there is not None and there.is_directory and entry.kind != stat.S_IFDIR:
            raise BuildError(f"cannot copy a file over the directory /{path}")
        self._seen[path] = entry.kind
        first = self._inodes.setdefault(inode, path) if inode is not None else path
        if first != path:
            mode = stat.S_IMODE(entry.mode)
            yield entry._replace(path=path, mode=mode, size=0, link=first), None
        else:
            yield entry._replace(path=path), content


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
    made = _Layout(tree, owner)
    for item in found:
        made.forget_links()
        if item.below is not None:
            yield from _lay_out_directory(made, item, real, owner)
        else:
            path = f"{real}/{item.name}".lstrip("/") if into or not real else real
            yield from made.put(path, owner.apply(item.entry), item.open, item.inode)


def _lay_out_directory(made: _Layout, item: Found, real: str, owner: Owner) -> Iterator[Piece]:
    """The content of a directory; Docker copies that, and not the directory itself."""
    inside = list(item.below()) if item.below is not None else []
    filled = {posixpath.dirname(relative) for relative, _ in inside}
    top = Owner(owner.uid, owner.gid).apply(Entry(real, stat.S_IFDIR | 0o755))
    yield from made.directory(real, top, filled=True)
    for relative, inner in inside:
        path = f"{real}/{relative}" if real else relative
        entry = owner.apply(inner.entry)
        if inner.below is not None:
            yield from made.directory(path, entry, filled=relative in filled)
        elif inner.entry.kind != stat.S_IFIFO:
            yield from made.put(path, entry, inner.open, inner.inode)


class _MemberContent:
    """The content of an archive's member as something to open; the archive stays open."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def read(self, size: int, /) -> bytes:
        return self._member.read(size)

    def __enter__(self) -> _MemberContent:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def layout_archive(
    tree: Tree, members: Iterable[Member], destination: str, workdir: str, owner: Owner
) -> Iterator[Piece]:
    """Unpack an archive at a destination, as ADD does.

    Owners, modes and times are the archive's, also of directories that were there; `owner` is for
    directories that have to be made on the way.
    """
    real, _ = _destination(tree, destination, workdir)
    made = _Layout(tree, owner)
    for member in members:
        entry = member.entry
        if entry.mode == -1:
            return
        if not entry.path:
            continue
        parent, _, name = entry.path.rpartition("/")
        inside, _ = tree.resolve(f"{real}/{parent}")
        path = f"{inside}/{name}" if inside else name
        if entry.kind == 0:
            target_parent, _, target_name = entry.link.rpartition("/")
            target, _ = tree.resolve(f"{real}/{target_parent}")
            entry = entry._replace(link=f"{target}/{target_name}" if target else target_name)
        yield from made.put(
            path,
            entry,
            partial(_MemberContent, member),
        )


def layout_directory(tree: Tree, path: str, owner: Owner) -> list[Piece]:
    """What WORKDIR makes: the directories of a path that are not there, with their parents."""
    real, node = tree.resolve(path)
    if node is not None:
        if not node.is_directory:
            raise BuildError(f"cannot mkdir {path}: it is not a directory")
        return []
    made = _Layout(tree, owner)
    entry = owner.apply(Entry(real, stat.S_IFDIR | 0o755, mtime=made.now))
    return list(made.directory(real, entry, filled=False))


def owner_of(store: Store, tree: Tree, chown: str, chmod: str) -> Owner:
    """What `--chown=user[:group]` and `--chmod=octal` mean in an image.

    Raises:
        BuildError: a name that the image's passwd or group does not have, or no octal number.
    """
    mode = None
    if chmod:
        try:
            mode = int(chmod, 8)
        except ValueError:
            mode = -1
        if not 0 <= mode <= 0o7777:
            raise BuildError(
                f"invalid chmod parameter: '{chmod}'. "
                "it should be octal string and between 0 and 07777"
            )
    if not chown:
        return Owner(mode=mode)
    user, _, group = chown.partition(":")
    if user.isdigit() and (not group or group.isdigit()):
        return Owner(int(user), int(group or user), mode)
    texts = []
    for path in ("etc/passwd", "etc/group"):
        node = tree.resolve(path)[1]
        if node is None or node.entry.kind != stat.S_IFREG or node.entry.size > 1 << 20:
            texts.append("")
            continue
        with open_content(store, node) as file:
            texts.append(file.read().decode("utf-8", "replace"))
    try:
        account = accounts.resolve(chown, *texts)
    except accounts.UnknownAccountError as error:
        raise BuildError(str(error)) from None
    return Owner(account.uid, account.gid, mode)
