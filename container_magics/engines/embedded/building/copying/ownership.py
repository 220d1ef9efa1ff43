"""Whose copied files are, and with which mode: what `--chown` and `--chmod` mean in an image."""

from __future__ import annotations

import stat
from dataclasses import dataclass

from .....errors import BuildError
from .....oci.entries import Entry
from .....oci.tree import Tree
from ...sandbox.launcher import accounts
from ...storage.content import open_content
from ...storage.store import Store
from .modes import Mode, parse_mode

__all__ = ["Owner", "owner_of"]

_MAX_ACCOUNTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Owner:
    """What `--chown` and `--chmod` say; None keeps what the source has."""

    uid: int | None = None
    gid: int | None = None
    mode: Mode | None = None

    def apply(self, entry: Entry) -> Entry:
        """The entry with it."""
        if self.uid is not None and self.gid is not None:
            entry = entry._replace(uid=self.uid, gid=self.gid)
        if self.mode is not None and entry.kind != stat.S_IFLNK:
            entry = entry._replace(mode=self.mode(entry.mode))
        return entry


def owner_of(store: Store, tree: Tree | None, chown: str, chmod: str) -> Owner:
    """What `--chown=user[:group]` and `--chmod=mode` mean in an image.

    Args:
        store: holds the image's files.
        tree: the image, or None where it may not be looked at, as with `--link`.
        chown: as written, expanded; "" for none.
        chmod: likewise.

    Raises:
        BuildError: a name that the image's passwd or group does not have, or no mode.
    """
    mode = parse_mode(chmod) if chmod else None
    if not chown:
        return Owner(mode=mode)
    user, _, group = chown.partition(":")
    if user.isdigit() and (not group or group.isdigit()):
        return Owner(int(user), int(group or user), mode)
    if tree is None:
        raise BuildError(
            f"invalid user index: -1 (--chown={chown} with --link)",
            hint="--link does not look into the image: give numbers, as --chown=1000:1000.",
        )
    texts = []
    for path in ("etc/passwd", "etc/group"):
        node = tree.resolve(path)[1]
        if node is None or node.entry.kind != stat.S_IFREG or node.entry.size > _MAX_ACCOUNTS:
            texts.append("")
            continue
        with open_content(store, node) as file:
            texts.append(file.read().decode("utf-8", "replace"))
    try:
        account = accounts.resolve(chown, *texts)
    except accounts.UnknownAccountError as error:
        raise BuildError(str(error)) from None
    return Owner(account.uid, account.gid, mode)
