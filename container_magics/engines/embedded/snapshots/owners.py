"""Owners and modes of changed files, where all files belong to one user.

What the kernel says of such files is true for their content alone. The rest a container's listener
has recorded (`launcher.owners`), else the layers below know it; and what root makes anew is root's.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from ....oci.entries import Entry
from ....oci.tree import Node
from ..sandbox.launcher.owners.ledger import ATTRIBUTE, Record, decode
from ..storage.record import CAPABILITY
from ..storage.unpack import record_of

__all__ = ["Owners", "as_layers_say"]

_ORIGIN = "user.overlay.origin"


class Owners:
    """What was recorded of the files below a directory.

    Args:
        files: the directory.
        records: the file that the container's listener has written, if there was one.
    """

    def __init__(self, files: Path, records: Path) -> None:
        self._files = os.fspath(files)
        self._records = records
        self._others: dict[str, str] | None = None

    @property
    def are_complete(self) -> bool:
        """Whether a listener recorded all: a new file without a record is root's then."""
        return self._records.exists()

    def of(self, path: str) -> Record | None:
        """The record of a file, by its path below the directory."""
        try:
            value = os.getxattr(f"{self._files}/{path}", ATTRIBUTE, follow_symlinks=False)
        except OSError:
            value = bytes.fromhex(self._in_no_attribute().get(path, ""))
        return decode(value)

    def _in_no_attribute(self) -> Mapping[str, str]:
        if self._others is None:
            self._others = {}
            if self.are_complete:
                # Empty until the listener ends.
                self._others = json.loads(self._records.read_text() or "{}")
        return self._others

    def has_what_it_needs(self, path: str, entry: Entry) -> bool:
        """Whether a file that was made of an entry still has the record that it needs."""
        needed = record_of(entry) if entry.kind != stat.S_IFLNK else None
        return needed is None or not self._keeps_attributes or self.of(path) is not None

    @cached_property
    def _keeps_attributes(self) -> bool:
        try:
            os.setxattr(self._records.parent, ATTRIBUTE, b"")
        except OSError:
            return False
        return True

    def is_copy(self, path: str, before: Node) -> bool:
        """Whether overlayfs has made a file of the one below it, to be changed."""
        full = f"{self._files}/{path}"
        status = os.lstat(full)
        if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
            try:
                os.getxattr(full, _ORIGIN, follow_symlinks=False)
            except OSError:
                return False
            return True
        return not before.is_symlink or os.readlink(full) == before.entry.link


def as_layers_say(
    entry: Entry,
    before: Node | None,
    opened: Mapping[str, int],
    owners: Owners,
    is_same: Callable[[str, Node], bool],
) -> Entry:
    """An entry with the owner and mode that it has for the image.

    Args:
        entry: a changed file as the file system has it.
        before: what the layers below have at its path.
        opened: modes as the container left them, of the files that had to be opened up since.
        owners: what is recorded.
        is_same: whether the file at a path is the one below it, changed, and not another.
    """
    record = owners.of(entry.path)
    if before is not None and owners.are_complete and not is_same(entry.path, before):
        before = None
    mode = entry.kind | stat.S_IMODE(opened.get(entry.path, entry.mode))
    uid = gid = 0
    if before is not None and entry.kind in (before.entry.kind, 0):
        uid, gid = before.entry.uid, before.entry.gid
        forced = 0o700 if before.is_directory else 0o600
        now = stat.S_IMODE(mode)
        if entry.path not in opened and now == stat.S_IMODE(before.entry.mode) | forced:
            mode = entry.kind | stat.S_IMODE(before.entry.mode)
    if record is None:
        return entry._replace(mode=mode, uid=uid, gid=gid)
    xattrs = dict(entry.xattrs)
    if record.capability and entry.kind == stat.S_IFREG and mode & 0o111:
        xattrs[CAPABILITY] = record.capability
    return entry._replace(
        mode=record.mode(mode) if entry.kind else mode,
        uid=record.uid,
        gid=record.gid,
        size=0 if record.kind else entry.size,
        major=record.major,
        minor=record.minor,
        xattrs=xattrs,
    )
