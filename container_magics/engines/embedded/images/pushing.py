"""Pushing from the store, as dockerd does: the layers, the configuration, the manifest, the tag.

A manifest is Docker's own (schema 2), its layers are gzip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....distribution import RegistryClient
from ....errors import NotFoundError, UsageError
from ....oci.models import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    Descriptor,
    Manifest,
    canonical_json,
    digest_of,
)
from ....reference import Reference, parse
from ...crew import Crew, retrying
from ...events import Cancellation, Message, PullProgress
from ..archives.image_files import stored_config
from ..storage.distribution import Sighting
from ..storage.store import Store
from .departing import Departure, Report, short

__all__ = ["push"]


def push(
    store: Store,
    client: RegistryClient,
    name: str,
    report: Report,
    cancel: Cancellation,
    *,
    all_tags: bool = False,
) -> None:
    """Put images into the registry that their name says.

    Args:
        store: has them.
        client: to send with.
        name: as typed; without a tag it is `latest`, or all tags with `all_tags`.
        report: gets each layer's progress and Docker's closing lines, from several threads.
        cancel: ends the push within moments; no tag is set then.
        all_tags: push every tag of the repository.

    Raises:
        UsageError: the name has a digest, or a tag beside `all_tags`.
        NotFoundError: no image has that name; nothing was sent.
        PushError: the registry refuses, or cannot be reached.
        StoreError: a layer is missing, or was changed.
        ContainerMagicsError: the push was cancelled.
    """
    references = _chosen(store, name, all_tags=all_tags)
    report(Message(f"The push refers to repository [{references[0].name}]"))
    for reference in references:
        _push_tag(store, client, reference, report, cancel)


def _chosen(store: Store, name: str, *, all_tags: bool) -> list[Reference]:
    """What is pushed, in Docker's words where that is nothing."""
    typed = parse(name)
    if typed.digest:
        raise UsageError("cannot push a digest reference")
    if typed.tag and all_tags:
        raise UsageError("tag can't be used with --all-tags/-a")
    there = [
        reference for full in store.images.names() if (reference := parse(full)).name == typed.name
    ]
    if not there:
        raise NotFoundError(
            f"An image does not exist locally with the tag: {typed.familiar_name}",
            hint="`docker tag IMAGE NAME` gives an image the name of the place it is pushed to.",
        )
    if all_tags:
        return there
    wanted = typed.with_default_tag()
    if wanted not in there:
        raise NotFoundError(
            f"tag does not exist: {wanted.familiar}",
            hint="There is: " + ", ".join(reference.familiar for reference in there),
        )
    return [wanted]


def _push_tag(
    store: Store,
    client: RegistryClient,
    reference: Reference,
    report: Report,
    cancel: Cancellation,
) -> None:
    image = store.images.named(reference.full)
    if image is None:
        raise NotFoundError(f"tag does not exist: {reference.familiar}")
    config, diff_ids = stored_config(store, image)
    crew = Crew(f"push of {reference.familiar}", cancel)
    departure = Departure(store, client.pusher(reference, crew.check), reference, report, crew)
    try:
        manifest = _Image(departure, config, diff_ids).push()
    finally:
        crew.dismiss()
        for warning in client.warnings():
            report(Message(f"WARNING: {warning}"))
    digest = digest_of(manifest)
    if store.images.named(f"{reference.name}@{digest}") != image:
        store.images.add_digest(reference.name, digest, image)
    report(Message(f"{reference.tag}: digest: {digest} size: {len(manifest)}"))


@dataclass(frozen=True, slots=True)
class _Image:
    """One image on its way out."""

    departure: Departure
    config: bytes
    diff_ids: Sequence[str]

    def push(self) -> bytes:
        """Push it; its manifest."""
        report, crew = self.departure.report, self.departure.crew
        order = list(dict.fromkeys(reversed(self.diff_ids)))  # As docker lists them.
        for diff_id in order:
            report(PullProgress(short(diff_id), "Preparing"))
        if (manifest := crew.run([self._known])[0]) is not None:
            for diff_id in order:
                report(PullProgress(short(diff_id), "Layer already exists"))
            return manifest
        manifest = self._manifest(self.departure.push(order))
        crew.run([lambda: self._close(manifest)])
        return manifest

    def _known(self) -> bytes | None:
        """The manifest, where the tag means it already; one request finds that out."""
        there = self.departure.known(self.diff_ids)
        if there.keys() != set(self.diff_ids):
            return None
        manifest = self._manifest(there)
        pusher, tag = self.departure.pusher, self.departure.reference.tag
        return manifest if pusher.digest_of(tag, DOCKER_MANIFEST) == digest_of(manifest) else None

    def _manifest(self, there: Mapping[str, Sighting]) -> bytes:
        blobs = [there[diff_id] for diff_id in self.diff_ids]
        manifest = Manifest(
            Descriptor(DOCKER_CONFIG, digest_of(self.config), len(self.config)),
            tuple(Descriptor(DOCKER_LAYER_GZIP, blob.digest, blob.size) for blob in blobs),
            DOCKER_MANIFEST,
        )
        return canonical_json(manifest.to_json())

    def _close(self, manifest: bytes) -> None:
        pusher, report = self.departure.pusher, self.departure.report
        with pusher.telling(lambda seconds: report(Message(retrying(seconds)))):
            pusher.push_document(self.config)
            pusher.put_manifest(manifest, DOCKER_MANIFEST, self.departure.reference.tag)
