"""Pulling into the store: layers side by side, each checked and unpacked while it arrives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ....distribution import RegistryClient, RemoteImage
from ....errors import CorruptArchiveError, PullError, RegistryError
from ....oci.models import (
    FOREIGN_LAYER_TYPES,
    GZIP_LAYER_TYPES,
    PLAIN_LAYER_TYPES,
    ZSTD_LAYER_TYPES,
    Descriptor,
    Platform,
)
from ....reference import Reference
from ...crew import Crew, retrying
from ...events import Cancellation, Message, PullProgress
from ..storage.distribution import Sighting
from ..storage.store import PULLED_SIZE, Store
from .receiving import ImageConfig, UnpackedLayer, keep, unpack_layer

__all__ = ["pull"]

_AT_ONCE = 3
_REPORT_SECONDS = 0.1
_READ = 1 << 16  # bytes: what a slow line brings between two looks at `cancel`
_LAYER_TYPES = PLAIN_LAYER_TYPES | GZIP_LAYER_TYPES | ZSTD_LAYER_TYPES

Report = Callable[[PullProgress | Message], None]


def pull(
    store: Store,
    client: RegistryClient,
    reference: Reference,
    report: Report,
    cancel: Cancellation,
    *,
    platform: Platform | None = None,
) -> str:
    """Fetch an image from its registry, and name it once it is complete.

    Args:
        store: where it goes; what it has of the image is not fetched again.
        client: to ask with.
        reference: the name; a digest in it counts, and then no tag is set.
        report: gets each layer's progress and Docker's closing lines, from several threads.
        cancel: ends the pull within moments, with nothing kept.
        platform: to choose from an index; this machine's by default. Where one is given, the
            image gets no name, since that stands for this machine's.

    Returns:
        The image's ID.

    Raises:
        PullError: the registry cannot be reached, or does not have it.
        RegistryError: what it sends is not what it promised.
        CorruptArchiveError: the image breaks its specification.
        StoreError: the store is full, or broke.
        ContainerMagicsError: the pull was cancelled.
    """
    reference = reference.with_default_tag()
    wanted = platform or Platform.host()
    crew = Crew(f"pull of {reference.familiar}", cancel)

    def resolve() -> RemoteImage:
        with client.telling(lambda seconds: report(Message(retrying(seconds)))):
            return client.resolve(reference, wanted)

    with store.scratch() as scratch:
        try:
            remote = crew.run([resolve])[0]
            report(
                Message(f"{reference.digest or reference.tag}: Pulling from {reference.repository}")
            )
            if remote.provenance:
                report(Message(remote.provenance))
            config, layers = _contents(remote)
            _warn(config, wanted, report)
            unpacked = _Arrival(store, client, remote, scratch, report, crew).fetch(layers)
        finally:
            crew.dismiss()
            for warning in client.warnings():
                report(Message(f"WARNING: {warning}"))
        digest = remote.digest if platform else remote.index_digest or remote.digest
        names = [] if reference.digest or platform else [reference.full]
        before = store.images.named(reference.full)
        with store.transaction():
            image = keep(store, config, unpacked, names, [(reference.name, digest)])
            store.distribution.remember(_sightings(reference, layers))
    report(Message(f"Digest: {digest}"))
    state = "Image is up to date" if before == image else "Downloaded newer image"
    report(Message(f"Status: {state} for {reference.familiar}"))
    return image


def _sightings(reference: Reference, layers: Sequence[_Layer]) -> dict[str, Sighting]:
    """Where the layers were seen: those that a push would send in the same form."""
    return {
        layer.diff_id: Sighting(reference.name, layer.descriptor.digest, layer.descriptor.size)
        for layer in layers
        if layer.descriptor.media_type in GZIP_LAYER_TYPES - FOREIGN_LAYER_TYPES
    }


def _warn(config: ImageConfig, wanted: Platform, report: Report) -> None:
    """Say so where the only image there is was made for another machine."""
    actual = Platform.from_json({"os": "linux", **config.document})
    if actual.architecture and actual.rank_on(wanted) is None:
        report(
            Message(
                f"WARNING: The requested image's platform ({actual}) does not match the "
                f"platform that was asked for ({wanted})"
            )
        )


@dataclass(frozen=True, slots=True)
class _Layer:
    descriptor: Descriptor
    diff_id: str

    @property
    def short(self) -> str:
        return self.descriptor.digest.partition(":")[2][:12]


def _contents(remote: RemoteImage) -> tuple[ImageConfig, list[_Layer]]:
    name = remote.reference.familiar
    try:
        config = ImageConfig.read(remote.config_bytes)
    except CorruptArchiveError as error:
        raise CorruptArchiveError(f"{name}: {error.message}", hint=error.hint) from error
    descriptors = remote.manifest.layers
    if len(descriptors) != len(config.diff_ids):
        raise CorruptArchiveError(
            f"{name}: its manifest has {len(descriptors)} layers and its configuration "
            f"{len(config.diff_ids)}"
        )
    for descriptor in descriptors:
        if descriptor.media_type not in _LAYER_TYPES:
            raise CorruptArchiveError(
                f"{name}: layer {descriptor.digest} is of the unsupported type "
                f"{descriptor.media_type[:100]!r}"
            )
    return config, [_Layer(*pair) for pair in zip(descriptors, config.diff_ids, strict=True)]


@dataclass
class _Arrival:
    """The layers of one image on their way in."""

    store: Store
    client: RegistryClient
    remote: RemoteImage
    scratch: Path
    report: Report
    crew: Crew
    unpacked: dict[str, UnpackedLayer] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, layers: Sequence[_Layer]) -> dict[str, UnpackedLayer]:
        """Fetch and unpack what the store lacks; by diff ID."""
        wanted: dict[str, _Layer] = {}
        for layer in layers:
            if layer.diff_id in wanted or self.store.layer(layer.diff_id) is not None:
                self.report(PullProgress(layer.short, "Already exists"))
            else:
                wanted[layer.diff_id] = layer
                self.report(PullProgress(layer.short, "Pulling fs layer"))
        for layer in list(wanted.values())[_AT_ONCE:]:
            self.report(PullProgress(layer.short, "Waiting"))
        todo = iter(wanted.values())
        self.crew.run([lambda: self._work(todo)] * min(_AT_ONCE, len(wanted)))
        return self.unpacked

    def _work(self, todo: Iterator[_Layer]) -> None:
        while True:
            with self.lock:
                layer = next(todo, None)
            if layer is None:
                return
            self.crew.check()
            self._fetch(layer)

    def _fetch(self, layer: _Layer) -> None:
        what = f"layer {layer.descriptor.digest} of {self.remote.reference.familiar}"
        directory = self.scratch / layer.diff_id.partition(":")[2]
        with self.store.scratch() as work, self.client.telling(partial(self._tell, layer)):
            done = self._unpack(layer, work / "layer", what)
            with self.store.writing(what):
                (done.directory / PULLED_SIZE).write_text(str(layer.descriptor.size))
            self.crew.hand_over(done.directory, directory)
        with self.lock:
            self.unpacked[layer.diff_id] = UnpackedLayer(directory, done.diff_id, done.size)
        self.report(PullProgress(layer.short, "Pull complete"))

    def _tell(self, layer: _Layer, seconds: float) -> None:
        self.report(PullProgress(layer.short, retrying(seconds)))

    def _unpack(self, layer: _Layer, directory: Path, what: str) -> UnpackedLayer:
        try:
            with self.client.open_blob(self.remote, layer.descriptor) as blob:
                read = self._watched(layer, blob.read)
                done = unpack_layer(read, directory, self.store.holding, what, layer.diff_id)
                self.report(PullProgress(layer.short, "Verifying Checksum"))
        except PullError as error:
            if layer.descriptor.media_type in FOREIGN_LAYER_TYPES:
                raise PullError(
                    f"{what} is foreign: {self.remote.host} does not serve its content",
                    answers=error.answers,
                    hint="such layers are not distributed with their image, and not fetched here",
                ) from error
            raise
        except CorruptArchiveError as error:
            raise RegistryError(
                error.message, hint=error.hint or "pull it again, or ask the image's maintainers"
            ) from error
        return done

    def _watched(self, layer: _Layer, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """A reader that reports what came, and stops when the pull does."""
        current = 0
        reported = time.monotonic() - _REPORT_SECONDS
        total = layer.descriptor.size

        def watched(count: int) -> bytes:
            nonlocal current, reported
            self.crew.check()
            data = read(min(count, _READ))
            current += len(data)
            now = time.monotonic()
            if data and (now - reported >= _REPORT_SECONDS or current == total):
                reported = now
                self.report(PullProgress(layer.short, "Downloading", current, total))
            return data

        return watched
