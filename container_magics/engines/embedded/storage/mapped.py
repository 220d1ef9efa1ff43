"""Layers and trees with true owners for an ordinary user (rung `subuid`).

Where this process writes and reads changes (a layer that is being unpacked, what a container has
left), all files are the user's. Where containers see them (layers of the store, a working tree in
use), they belong to whom the image says: the deputy in a user namespace gives them away and takes
them back. What is taken back is noted, and that is what a layer's header stream says.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from ....oci.entries import Entry
from ....oci.split import read_entries
from ....oci.tree import SUPERSEDED, WHITEOUT, Node, Tree
from ..sandbox.launcher import mapping
from . import deputy
from .record import CAPABILITY

__all__ = ["as_taken", "facts_of", "give_back", "settle"]

_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)


def settle(directory: Path) -> None:
    """Give the files of a layer that was just unpacked or recorded to their owners.

    Args:
        directory: its `fs` and `split`.

    Raises:
        OSError: the deputy could not do it.
    """
    limits = _limits()
    facts: dict[str, deputy.Fact] = {}
    for entry, place in read_entries(directory / "split"):
        path = place or entry.path
        if path.startswith(SUPERSEDED) or path.rpartition("/")[2].startswith(WHITEOUT):
            continue
        fact = _fact(path, entry, limits)
        facts.pop(path, None)
        if fact is not None:
            facts[path] = fact
    if facts:
        deputy.give(directory / "fs", list(facts.values()))


def give_back(files: Path, taken: Mapping[str, deputy.Taken]) -> None:
    """Give what was taken to those who had it.

    Raises:
        OSError: the deputy could not do it.
    """
    facts = []
    for path, fact in taken.items():
        xattrs = {CAPABILITY: fact.capability} if fact.capability else {}
        facts.append(deputy.Fact(path, fact.uid, fact.gid, stat.S_IMODE(fact.mode), xattrs))
    deputy.give(files, facts)


def facts_of(tree: Tree) -> list[deputy.Fact]:
    """What has to be given away of a working tree that shows these layers."""
    limits = _limits()
    facts = [_fact("", tree.root.entry, limits)]
    facts += [_fact(path, node.entry, limits) for path, node in tree.walk()]
    return [fact for fact in facts if fact is not None]


def _fact(path: str, entry: Entry, limits: tuple[int, int]) -> deputy.Fact | None:
    """What a file of the user's lacks of its entry, if anything."""
    if entry.kind in _DEVICES:
        return None  # Not there: a user namespace can make none.
    mode = stat.S_IMODE(entry.mode)
    held = mode | {stat.S_IFDIR: 0o700, stat.S_IFLNK: 0}.get(entry.kind, 0o600)
    uid = entry.uid if entry.uid < limits[0] else 0
    gid = entry.gid if entry.gid < limits[1] else 0
    if (uid, gid, mode) == (0, 0, held) and not entry.xattrs:
        return None
    xattrs = {
        name: value
        for name, value in entry.xattrs.items()
        if not name.startswith(("trusted.", "user.overlay."))
    }
    return deputy.Fact(path, uid, gid, mode, xattrs)


def as_taken(entry: Entry, taken: Mapping[str, deputy.Taken], before: Node | None) -> Entry:
    """An entry with the owner, mode and capability that its file had before it was taken.

    Args:
        entry: as the file system has it now.
        taken: what `deputy.take` noted, by path.
        before: what the layers below have at its path. An owner of theirs that is beyond the
            user's range was root to the container, and stays.
    """
    fact = taken.get(entry.path)
    uid, gid = (fact.uid, fact.gid) if fact else (0, 0)
    if before is not None:
        uid = before.entry.uid if uid == 0 and before.entry.uid >= _limits()[0] else uid
        gid = before.entry.gid if gid == 0 and before.entry.gid >= _limits()[1] else gid
    if fact is None:
        return entry._replace(uid=uid, gid=gid, xattrs={})
    xattrs = {CAPABILITY: fact.capability} if fact.capability else {}
    mode = entry.kind | stat.S_IMODE(fact.mode)
    return entry._replace(mode=mode, uid=uid, gid=gid, xattrs=xattrs)


@cache
def _limits() -> tuple[int, int]:
    return mapping.count(mapping.SUBUID), mapping.count(mapping.SUBGID)
