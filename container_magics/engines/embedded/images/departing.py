"""Layers on their way from the store into a repository, side by side.

    for each layer   known to be there? ──► mounted from another repository? ──► uploaded

What is there already is known by the digests under which layers were pulled or pushed before. What
is not is compressed while it leaves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ....distribution import Pusher, StoredBlob, Upload
from ....errors import PushError
from ....oci.compressor import compressed
from ....reference import Reference, parse
from ...crew import Crew, retrying
from ...events import Message, PullProgress
from ..storage.content import layer_tar
from ..storage.distribution import Sighting
from ..storage.store import LayerRow, Store

__all__ = ["Departure", "Report", "short"]

_AT_ONCE = 3
_MAX_MOUNTS = 4
_MAX_CHECKS = 3
_REPORT_SECONDS = 0.1

Report = Callable[[PullProgress | Message], None]


@dataclass
class Departure:
    """Layers that are pushed to one repository.

    Attributes:
        store: has them.
        pusher: to the repository.
        reference: the name that is pushed.
        report: gets each layer's progress, from several threads.
        crew: does it.
    """

    store: Store
    pusher: Pusher
    reference: Reference
    report: Report
    crew: Crew
    _sent: dict[str, Sighting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def known(self, diff_ids: Sequence[str]) -> dict[str, Sighting]:
        """Which layers were seen in the repository, by diff ID; they may be gone by now."""
        return {
            diff_id: each
            for diff_id in diff_ids
            for each in self.store.distribution.seen(diff_id)
            if each.repository == self.reference.name
        }

    def push(self, diff_ids: Sequence[str]) -> dict[str, Sighting]:
        """Push layers, in that order; how the repository has them, by diff ID.

        Raises:
            PushError: the registry refuses, or cannot be reached.
            StoreError: a layer is missing, or was changed.
            ContainerMagicsError: the push was cancelled.
        """
        for diff_id in diff_ids[_AT_ONCE:]:
            self.report(PullProgress(short(diff_id), "Waiting"))
        with self.store.building():  # Nobody deletes the layers meanwhile.
            todo = iter(self.store.take(diff_ids))
            self.crew.run([lambda: self._work(todo)] * min(_AT_ONCE, len(diff_ids)))
        return self._sent

    def _work(self, todo: Iterator[LayerRow]) -> None:
        while True:
            with self._lock:
                layer = next(todo, None)
            if layer is None:
                return
            self.crew.check()
            with self.pusher.telling(partial(self._tell, layer)):
                self._push_layer(layer)

    def _tell(self, layer: LayerRow, seconds: float) -> None:
        self.report(PullProgress(short(layer.diff_id), retrying(seconds)))

    def _push_layer(self, layer: LayerRow) -> None:
        seen = self.store.distribution.seen(layer.diff_id)
        found, status, begun = self._there(layer, seen), "Layer already exists", None
        if found is None:
            found, status, begun = self._mounted(seen)
        if found is None:
            blob = self.pusher.push(lambda: self._content(layer), begun)
            found, status = self._sighting(blob), "Pushed"
        with self._lock:
            self._sent[layer.diff_id] = found
        if found not in seen:
            self.store.distribution.remember({layer.diff_id: found})
        self.report(PullProgress(short(layer.diff_id), status))

    def _there(self, layer: LayerRow, seen: Sequence[Sighting]) -> Sighting | None:
        """The layer as the repository has it, under a digest that it was seen with."""
        here = self.reference.name
        blobs = dict.fromkeys(
            StoredBlob(each.digest, each.size)
            for each in sorted(seen, key=lambda each: each.repository != here)
        )
        for blob in list(blobs)[:_MAX_CHECKS]:
            if self.pusher.size_of(blob.digest) == blob.size:
                return self._sighting(blob)
        if any(each.repository == here for each in seen):
            self.store.distribution.forget(layer.diff_id, here)
        return None

    def _mounted(self, seen: Sequence[Sighting]) -> tuple[Sighting | None, str, Upload | None]:
        """The layer after another repository of the registry gave it; else an upload, perhaps."""
        begun: Upload | None = None
        for each in _nearest(self.reference, seen)[:_MAX_MOUNTS]:
            source = parse(each.repository)
            if begun is not None:
                self.pusher.cancel(begun)
            try:
                begun = self.pusher.mount(each.digest, source.repository)
            except PushError:
                begun = None  # It may not be read from: the upload will say what else is wrong.
                continue
            if begun is None:
                blob = StoredBlob(each.digest, each.size)
                return self._sighting(blob), f"Mounted from {source.repository}", None
        return None, "", begun

    def _sighting(self, blob: StoredBlob) -> Sighting:
        return Sighting(self.reference.name, blob.digest, blob.size)

    def _content(self, layer: LayerRow) -> Iterator[bytes]:
        """The layer as it is sent."""
        return compressed(self._reported(layer), "gzip")

    def _reported(self, layer: LayerRow) -> Iterator[bytes]:
        """The layer's tar, while how much of it was read is told, and the push goes on."""
        current = 0
        reported = 0.0
        for chunk in layer_tar(self.store, layer):
            self.crew.check()
            yield chunk
            current += len(chunk)
            now = time.monotonic()
            if now - reported >= _REPORT_SECONDS:
                reported = now
                report = PullProgress(short(layer.diff_id), "Pushing", current, layer.size)
                self.report(report)


def _nearest(target: Reference, seen: Sequence[Sighting]) -> list[Sighting]:
    """What other repositories of the same registry have, those first that are named most alike."""

    def alike(each: Sighting) -> int:
        pairs = zip(parse(each.repository).name.split("/"), target.name.split("/"), strict=False)
        return next((n for n, (one, other) in enumerate(pairs) if one != other), 0)

    others = [
        each
        for each in seen
        if each.repository != target.name and parse(each.repository).registry == target.registry
    ]
    return sorted(others, key=alike, reverse=True)


def short(diff_id: str) -> str:
    """How a layer is called in progress: the first 12 digits of its diff ID."""
    return diff_id.partition(":")[2][:12]
