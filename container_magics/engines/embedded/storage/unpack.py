"""A layer's tar, unpacked into a snapshot directory with its header stream beside it.

    tar ──► directory/fs      the files, with overlayfs' whiteouts
            directory/split   headers and padding (oci.split)
            directory/extra   content that a later member of the same tar overwrote

Everything is written below a directory that nobody else writes to, and only through directories
made here, so no symlink of an archive is ever followed on the host.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from ....errors import CorruptArchiveError
from ....oci.entries import Entry
from ....oci.members import Member, read_members
from ....oci.split import SplitWriter
from ....oci.tree import OPAQUE, SUPERSEDED, WHITEOUT
from ..sandbox.launcher.owners.ledger import ATTRIBUTE, Record, encode
from .holding import Holding
from .record import CAPABILITY

__all__ = ["record_of", "set_metadata", "unpack"]

_CHUNK = 1 << 20
_MAX_LINKS = 40


def unpack(read: Callable[[int], bytes], directory: Path, holding: Holding) -> tuple[str, int]:
    """Unpack an uncompressed layer into an existing, empty directory.

    Returns:
        The diff ID (`sha256:…` of the tar) and the bytes of file content.

    Raises:
        CorruptArchiveError: the archive is damaged or unsafe.
        OSError: the disk is full, or the file system can't hold the layer.
    """
    digest = hashlib.sha256()

    def hashing(count: int) -> bytes:
        data = read(count)
        digest.update(data)
        return data

    target = _Target(directory, holding)
    with SplitWriter(directory / "split") as split:
        for ordinal, member in enumerate(read_members(hashing)):
            split.add(member.raw)
            if member.entry.mode != -1:
                target.put(ordinal, member)
        target.finish()
        split.displaced.update(target.displaced)
    return f"sha256:{digest.hexdigest()}", target.size


class _Target:
    def __init__(self, directory: Path, holding: Holding) -> None:
        self.size = 0
        self.displaced: dict[int, str] = {}
        self._directory = directory
        self._root = os.fspath(directory / "fs")
        self._holding = holding
        self._made: dict[str, tuple[int, int, str]] = {"": (stat.S_IFDIR, -1, "")}
        self._directories: dict[str, Entry] = {}
        self._hidden: set[str] = set()
        self._mkdir("")

    def put(self, ordinal: int, member: Member) -> None:
        entry = member.entry
        if not entry.path:
            if entry.kind != stat.S_IFDIR:
                raise CorruptArchiveError("the layer's root is no directory")
            self._directories[""] = entry
            return
        parent, _, name = entry.path.rpartition("/")
        if any(part.startswith(WHITEOUT) for part in parent.split("/")):
            raise CorruptArchiveError(f"{entry.path!r} lies below a whiteout")
        real_parent = self._parent(parent)
        path = f"{real_parent}/{name}" if real_parent else name
        if path != entry.path:
            self.displaced[ordinal] = path
        full = f"{self._root}/{path}"
        if name.startswith(WHITEOUT):
            self._hide(real_parent, name, entry)
            return
        self._clear(path, full, entry)
        self._make(path, full, entry, member)
        self._made[path] = (entry.kind, ordinal, entry.link)

    def _hide(self, parent: str, name: str, entry: Entry) -> None:
        """Put overlayfs' mark for a whiteout or an opaque directory."""
        if entry.size:
            raise CorruptArchiveError(f"a whiteout with content: {entry.path!r}")
        if name == OPAQUE:
            self._holding.mark_opaque(f"{self._root}/{parent}")
            return
        hidden = name[len(WHITEOUT) :]
        if hidden in ("", ".", "..") or hidden.startswith(WHITEOUT):
            raise CorruptArchiveError(f"a whiteout of an unsafe name: {entry.path!r}")
        path = f"{parent}/{hidden}" if parent else hidden
        made = self._made.get(path)
        if made is None and path not in self._hidden:
            self._hidden.add(path)
            self._holding.mark_whiteout(f"{self._root}/{path}")
        elif made is not None and made[0] == stat.S_IFDIR:
            self._holding.mark_opaque(f"{self._root}/{path}")

    def _mkdir(self, path: str) -> None:
        full = f"{self._root}/{path}" if path else self._root
        self._unhide(path)
        os.mkdir(full)
        os.chmod(full, 0o755)  # noqa: S103 - as an image's directories are, whatever the umask
        if path in self._hidden:
            self._holding.mark_opaque(full)

    def _unhide(self, path: str) -> None:
        """Remove a whiteout's mark where the layer has something of its own."""
        if path in self._hidden and os.path.lexists(f"{self._root}/{path}"):
            os.unlink(f"{self._root}/{path}")

    def _parent(self, path: str) -> str:
        """The directory at a path, made if missing, symlinks of this layer followed inside it."""
        if path in self._directories or not path:
            return path
        todo = path.split("/")[::-1]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del done[-1:]
                continue
            here = "/".join([*done, part])
            made = self._made.get(here)
            if made is not None and made[0] == stat.S_IFLNK:
                links += 1
                if links > _MAX_LINKS:
                    raise CorruptArchiveError(f"too many symbolic links on the way to {path!r}")
                if made[2].startswith("/"):
                    done.clear()
                todo += made[2].split("/")[::-1]
                continue
            if made is not None and made[0] != stat.S_IFDIR:
                raise CorruptArchiveError(f"{path!r} lies below {here!r}, which is no directory")
            if made is None:
                self._mkdir(here)
                self._made[here] = (stat.S_IFDIR, -1, "")
            done.append(part)
        return "/".join(done)

    def _clear(self, path: str, full: str, entry: Entry) -> None:
        """Make room for an entry whose path this layer has used already."""
        made = self._made.get(path)
        if made is None:
            self._unhide(path)
            return
        kind, ordinal, _ = made
        if kind == stat.S_IFDIR:
            if entry.kind == stat.S_IFDIR:
                return
            if os.listdir(full):
                raise CorruptArchiveError(f"{path!r} is a directory with content and then is not")
            os.rmdir(full)
            self._directories.pop(path, None)
            del self._made[path]
            return
        aside = self._directory / "extra" / str(ordinal)
        if kind == stat.S_IFREG:
            aside.parent.mkdir(exist_ok=True)
            shutil.copyfile(full, aside, follow_symlinks=False)
        self.displaced[ordinal] = f"{SUPERSEDED}{ordinal}"
        if os.path.lexists(full):
            os.unlink(full)
        self._hidden.add(path)
        del self._made[path]

    def _make(self, path: str, full: str, entry: Entry, member: Member) -> None:
        kind = entry.kind
        if kind == stat.S_IFDIR:
            if path not in self._made:
                self._mkdir(path)
            self._directories[path] = entry
            return
        if kind == 0:
            self._link(full, entry)
            return
        if kind == stat.S_IFREG:
            self.size += entry.size
            with open(full, "xb") as file:
                while data := member.read(_CHUNK):
                    file.write(data)
        elif kind == stat.S_IFLNK:
            os.symlink(entry.link, full)
        elif kind == stat.S_IFIFO:
            os.mkfifo(full)
        elif self._holding.true_owners:
            os.mknod(full, entry.mode, os.makedev(entry.major, entry.minor))
        elif self._holding.keeps_records:
            os.mknod(full)  # An empty file in a device's place.
        else:
            return  # a device node, which only root can make: the header stream has it
        set_metadata(full, entry, self._holding)

    def _link(self, full: str, entry: Entry) -> None:
        parent, _, name = entry.link.rpartition("/")
        real = self._parent(parent)
        path = f"{real}/{name}" if real else name
        made = self._made.get(path)
        source = f"{self._root}/{path}"
        if made is None or made[0] == stat.S_IFDIR or source == full:
            raise CorruptArchiveError(
                f"hard link {entry.path!r} to {entry.link!r}, which the layer doesn't have"
            )
        if os.path.lexists(source):
            os.link(source, full, follow_symlinks=False)
            if made[0] == stat.S_IFREG:
                set_metadata(full, entry, self._holding)

    def finish(self) -> None:
        """Set directories' metadata last: writing into them changes their times and needs modes."""
        for path, entry in sorted(self._directories.items(), reverse=True):
            set_metadata(f"{self._root}/{path}" if path else self._root, entry, self._holding)


def set_metadata(full: str, entry: Entry, holding: Holding) -> None:
    """Give a file what its entry says, as far as this kind of tree holds it."""
    link = entry.kind == stat.S_IFLNK
    if holding.true_owners:
        status = os.lstat(full)
        if (status.st_uid, status.st_gid) != (entry.uid, entry.gid):
            # Not where it changes nothing: chown takes a file's capabilities away.
            os.chown(full, entry.uid, entry.gid, follow_symlinks=False)
        for key, value in entry.xattrs.items():
            if not key.startswith(("trusted.overlay.", "user.overlay.")):
                _set_xattr(full, key, value)
    if not link:
        mode = entry.mode & 0o7777
        if not holding.true_owners:
            mode |= 0o700 if entry.kind == stat.S_IFDIR else 0o600
        os.chmod(full, mode)
    if holding.keeps_records and entry.kind not in (stat.S_IFLNK, stat.S_IFIFO):
        _set_record(full, entry)
    os.utime(full, (entry.mtime, entry.mtime), follow_symlinks=False)


def record_of(entry: Entry) -> Record | None:
    """What a container's listener has to know of an entry's file, if anything."""
    mode = entry.mode & 0o7777
    forced = 0o700 if entry.kind == stat.S_IFDIR else 0o600
    record = Record(
        entry.uid,
        entry.gid,
        entry.kind if entry.kind in (stat.S_IFCHR, stat.S_IFBLK) else 0,
        major=entry.major,
        minor=entry.minor,
        permissions=mode if forced & ~mode else None,
        capability=entry.xattrs.get(CAPABILITY, b""),
    )
    return None if record == Record() else record


def _set_record(full: str, entry: Entry) -> None:
    """Put the record where the listener looks for it; header streams have it anyway."""
    record = record_of(entry)
    if record is not None:
        _set_xattr(full, ATTRIBUTE, encode(record))
    elif ATTRIBUTE in _xattrs(full):
        os.removexattr(full, ATTRIBUTE, follow_symlinks=False)


def _xattrs(full: str) -> list[str]:
    try:
        return os.listxattr(full, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return []


def _set_xattr(full: str, key: str, value: bytes) -> None:
    """Set an attribute; what this file system does not know is left out, as Docker does."""
    try:
        os.setxattr(full, key, value, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
