"""Owners and modes of changed files, where all files belong to one user.

What the kernel says of such files is true for their content alone. The layers below know the rest,
and what a container made anew is root's, as nearly everything in an image is.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping

from ....oci.tar import Entry
from ....oci.tree import Node

__all__ = ["as_layers_say"]


def as_layers_say(entry: Entry, before: Node | None, opened: Mapping[str, int]) -> Entry:
    """An entry with the owner and mode that it has for the image.

    Args:
        entry: a changed file as the file system has it.
        before: what the layers below have at its path.
        opened: modes as the container left them, of the files that had to be opened up since.
    """
    mode = entry.kind | stat.S_IMODE(opened.get(entry.path, entry.mode))
    if before is None or entry.kind not in (before.entry.kind, 0):
        return entry._replace(mode=mode, uid=0, gid=0)
    forced = 0o700 if before.is_directory else 0o600
    if entry.path not in opened and stat.S_IMODE(mode) == stat.S_IMODE(before.entry.mode) | forced:
        mode = entry.kind | stat.S_IMODE(before.entry.mode)
    return entry._replace(mode=mode, uid=before.entry.uid, gid=before.entry.gid)
