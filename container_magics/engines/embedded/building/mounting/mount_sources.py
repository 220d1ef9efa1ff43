"""Where a mount of RUN takes its files from: the context, a stage or an image.

context ──as it is, where nothing would differ──────────────────► bind of the directory itself
context ──► layer of the store, by its content ─┐
stage, image ───────────────────────────────────┴─► workspace ──► bind of a path in it

A workspace's changes are dropped, so what a step writes to a mount goes nowhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .....dockerfile import RunMount
from .....errors import SourceNotFoundError
from .....oci.entries import Entry
from ...storage.cache import CacheHit
from ...storage.store import LayerRow
from ..context import BuildContext
from ..copying.found import Found, content_key, find_in_context, find_in_tree
from ..copying.layer_plan import Piece
from ..state import now
from ..step import Step, digest

__all__ = ["PLACE", "MountSource", "find_source"]

PLACE = "mount"
"""Where a layer, or whatever else is made of `pieces`, has what is mounted."""

_TOP_MODE = 0o755
_TOP = Entry("", stat.S_IFDIR | _TOP_MODE)


@dataclass(frozen=True, slots=True)
class MountSource:
    """What a mount shows.

    Attributes:
        key: what of it decides whether a step comes from the cache.
        found: itself.
        path: its real path in the layers or the context below; no leading slash.
        layers: what has it, or None.
        context: what has it, or None.
    """

    key: str
    found: Found
    path: str = ""
    layers: tuple[LayerRow, ...] | None = None
    context: BuildContext | None = None

    def in_layers(self, step: Step) -> tuple[tuple[LayerRow, ...], str]:
        """Layers that have it, and its path in them; what the context has becomes a layer."""
        if self.layers is not None:
            return self.layers, self.path
        key = digest("mounted", self.key)
        hit = step.store.cache.look_up(key)
        if hit is not None:
            return step.store.take([hit.diff_id]), PLACE
        layer = step.write(self.pieces())
        step.store.cache.remember(key, CacheHit(layer.diff_id, now()))
        return (layer,), PLACE

    def pieces(self) -> Iterator[Piece]:
        """Everything in it, below `PLACE`."""
        yield self.found.entry._replace(path=PLACE), self.found.open
        for relative, inner in self.found.below() if self.found.below is not None else ():
            yield inner.entry._replace(path=f"{PLACE}/{relative}"), inner.open

    def as_it_is(self) -> str | None:
        """The context's own path, where a container would see there what Docker shows it.

        That is: nothing is ignored, everything belongs to us, who are root in the container, and
        the top is open to all, whose mode Docker doesn't send.
        """
        if self.context is None or self.context.ignore or self.context.owners is not None:
            return None
        top = self.context.full(self.path)
        if not self.path and stat.S_IMODE(os.lstat(top).st_mode) != _TOP_MODE:
            return None
        own = (os.geteuid(), os.getegid())
        for path in _below(top):
            status = os.lstat(path)
            if (status.st_uid, status.st_gid) != own or stat.S_ISSOCK(status.st_mode):
                return None
        return top


def _below(top: str) -> Iterator[str]:
    yield top
    for directory, names, files in os.walk(top):
        for name in (*names, *files):
            yield f"{directory}/{name}"


def find_source(step: Step, mount: RunMount) -> MountSource:
    """Find what a bind or a cache mount begins with.

    Raises:
        SourceNotFoundError: it is not there.
        PullError: the image that it names cannot be had.
    """
    work = step.work
    digests = work.tools.digests.during(work.check)
    source = mount.source or "/"
    index = work.graph.find(mount.origin, index=step.stage.index) if mount.origin else None
    context = None
    if index is None:
        context = work.contexts.folder(mount.origin) if mount.origin else work.context
    nowhere = mount.origin == "scratch" or (context is not None and context.root is None)
    if nowhere and not source.strip("/"):
        return MountSource("", Found("", _TOP, below=lambda: iter(())))
    if mount.origin == "scratch":
        raise SourceNotFoundError(f'failed to compute cache key: "/{source}" not found')
    if context is not None:
        matches = find_in_context(context, digests, [source])
        if len(matches) != 1:
            raise SourceNotFoundError(f'failed to compute cache key: "/{source}" not found')
        (found,) = matches
        path = found.entry.path
        if not path:
            found = replace(found, entry=_TOP)
        return MountSource(content_key([found])[0], found, path, context=context)
    if index is not None:
        layers = work.stage(index).layers
        origin = f"stage {mount.origin}"
    else:
        layers = work.base(mount.origin, step.vertex.digest).state.layers
        origin = f"image {mount.origin}"
    tree = step.store.tree(layers)
    path, _ = tree.resolve(source)
    matches = find_in_tree(step.store, digests, tree, [source], origin)
    key = content_key(matches)[0] if path else " ".join(layer.diff_id for layer in layers)
    return MountSource(key, matches[0], path, layers)
