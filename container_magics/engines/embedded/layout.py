"""Where COPY and ADD put what they found: the entries of a layer.

A layer is computed, not made by copying into a mounted file system: sources become entries, the
destination is resolved in the merged tree (so a symlink in an image leads nowhere else), owners
are numbers in headers. It is therefore the same on every rung. Semantics are BuildKit's.
"""

from __future__ import annotations

import posixpath
import stat
import time
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from ...errors import BuildError, CorruptArchiveError
from ...oci.tar import Entry, Member
from ...oci.tree import MAX_LINKS, Node, Tree
from .content import open_content
from .copying import Found
from .record import Content
from .sandbox.launcher import accounts
from .store import Store

__all__ = ["Owner", "Piece", "layout", "layout_archive", "layout_directory", "owner_of"]

Piece = tuple[Entry, Content | None]


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
        self._links: dict[str, str] = {}
        self._inodes: dict[Hashable, str] = {}

    def has(self, path: str) -> bool:
        """Whether this layer has put something other than a directory there."""
        return self._seen.get(path, stat.S_IFDIR) != stat.S_IFDIR

    def resolve(self, path: str) -> str:
        """The real path of a directory: symlinks followed inside the tree and this layer."""
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                del done[-1:]
                continue
            target = self._link_at("/".join([*done, part]))
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > MAX_LINKS:
                raise BuildError(f"too many levels of symbolic links in /{path}")
            if target.startswith("/"):
                done.clear()
            todo += [p for p in reversed(target.split("/")) if p not in ("", ".")]
        return "/".join(done)

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
        elif item.entry.kind != stat.S_IFIFO:
            path = f"{real}/{item.name}".lstrip("/") if into or not real else real
            yield from made.put(path, owner.apply(item.entry), item.open, item.inode)


def _lay_out_directory(made: _Layout, item: Found, real: str, owner: Owner) -> Iterator[Piece]:
    """The content of a directory; Docker copies that, and not the directory itself."""
    top = Owner(owner.uid, owner.gid).apply(Entry(real, stat.S_IFDIR | 0o755, mtime=made.now))
    yield from made.directory(real, top, keep=True)
    for relative, inner in item.below() if item.below is not None else ():
        path = f"{real}/{relative}" if real else relative
        entry = owner.apply(inner.entry)
        if inner.below is not None:
            yield from made.directory(path, entry)
        elif inner.entry.kind != stat.S_IFIFO:
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
    made = _Layout(tree, owner)
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


def _inside(made: _Layout, real: str, path: str) -> str:
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
    made = _Layout(tree, owner)
    entry = owner.apply(Entry(real, stat.S_IFDIR | 0o755, mtime=made.now))
    return list(made.directory(real, entry))


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
