"""The client of registries: pulls by name and descriptor, pushes, lists and deletes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import (
    CorruptArchiveError,
    ExhaustedError,
    NotFoundError,
    PullError,
    RegistryError,
    UnreachableError,
)
from ..oci.digests import check_digest, hasher_for
from ..oci.models import (
    CONFIG_TYPES,
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_MANIFEST_SIZE,
    Descriptor,
    Index,
    Manifest,
    Platform,
    digest_of,
    parse_manifest,
    select_platform,
)
from ..reference import Reference
from . import listing
from .auth import TokenCache
from .blobs import BlobPlace, BlobReader
from .credentials import Credential, CredentialStore
from .endpoint import Endpoint, host_of
from .failures import TransportError, refused
from .mirrors import Source, joined, sources_of
from .purpose import deleting, pulling
from .pushing import Pusher
from .remote import RemoteImage, RemoteManifest
from .transport import FOR_NOW, Transport

if TYPE_CHECKING:
    import requests

__all__ = ["MAX_CONFIG_SIZE", "RegistryClient"]

MAX_CONFIG_SIZE = 8 * 1024 * 1024
"""Bytes of the largest image configuration that is read."""

_ACCEPT = ", ".join(sorted(INDEX_TYPES) + sorted(MANIFEST_TYPES))
_DELETED = (200, 202, 204)
_MAX_NESTING = 3
_SILENT_SECONDS = 300.0
"""For which a last resort that did not answer is not asked again."""


def _nothing() -> None:
    pass


@contextmanager
def _telling(endpoint: Endpoint, reference: Reference) -> Iterator[None]:
    """Raise what can go wrong with documents as a failed pull."""
    try:
        yield
    except TransportError as error:
        raise refused(pulling(reference), [error]) from error
    except PullError:
        raise
    except (CorruptArchiveError, NotFoundError, RegistryError) as error:
        raise PullError(
            f"cannot pull {reference.familiar}: {error.message}",
            answers=[(endpoint.host, "answered with what cannot be used")],
            hint=error.hint or "ask the image's maintainers, or choose another tag",
        ) from error


class RegistryClient:
    """Pulls, pushes, lists and deletes. Safe to use from several threads.

    Args:
        session: to send requests with; one of its own unless given.
        timeout: seconds of silence after which a connection counts as dead. A host must accept
            connections within 5 seconds regardless.
        credentials: gives the credential for a registry host; docker's configuration unless
            given. A host that asks for none is shown none.
    """

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        timeout: float = 30.0,
        credentials: Callable[[str], Credential | None] | None = None,
    ) -> None:
        self._transport = Transport(session, timeout)
        if credentials is None:
            store = CredentialStore()
            self._tokens = TokenCache(store.get, store.version)
        else:
            self._tokens = TokenCache(credentials)
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}
        self._silent: dict[str, tuple[float, UnreachableError]] = {}

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end waits for another try."""
        self._transport.close()

    def warnings(self) -> list[str]:
        """What registries have warned of since this was last asked, each once, with the host."""
        return self._transport.notices.take()

    def telling(self, tell: Callable[[float], None]) -> AbstractContextManager[None]:
        """A context in which this thread's longer waits for another try are told, in seconds."""
        return self._transport.telling(tell)

    def resolve(self, reference: Reference, platform: Platform) -> RemoteImage:
        """Ask the registry, or mirrors of it, what a name means on a platform.

        A digest in the name counts, a tag beside it does not; without either it is `latest`.

        Raises:
            PullError: the registry cannot be reached (an `UnreachableError`), has no such image, or
                sends something that is no image for this platform, or is not what it says.
            ConfigurationError: what is configured for registries here is damaged.
        """
        reference = reference.with_default_tag()
        failures: list[PullError] = []
        digest, proper = reference.digest, 0
        for source in sources_of(reference):
            if not source.last_resort:
                proper = len(failures)
            elif not isinstance(failures[proper], (ExhaustedError, UnreachableError)):
                break
            elif len(failures) == proper + 1 and not digest:
                digest = self._digest_at_home(reference, failures[proper])
            try:
                found = self._resolve_at(source, reference, digest, platform)
                before = tuple(answer for failure in failures for answer in failure.answers)
                return replace(found, before=before)
            except PullError as error:
                failures.append(error)
        raise joined(failures, failures[proper])

    def _resolve_at(
        self, source: Source, reference: Reference, digest: str, platform: Platform
    ) -> RemoteImage:
        """What a name means at one place.

        Raises:
            PullError: as `resolve`.
        """
        when, failure = self._silent.get(source.registry, (0.0, None))
        if failure is not None and time.monotonic() - when < _SILENT_SECONDS:
            raise copy(failure)
        there = source.apply(replace(reference, digest=digest))
        try:
            found = self._resolve_there(there, platform)
        except UnreachableError as error:
            if source.last_resort:
                self._silent[source.registry] = (time.monotonic(), copy(error))
            raise
        vouched = bool(digest) or not source.mirror
        return replace(found, reference=reference, source=source, vouched=vouched)

    def _digest_at_home(self, reference: Reference, failure: PullError) -> str:
        """What a tag means, of a registry that gives no more today; "" if it does not even say.

        Docker Hub counts a GET of a manifest, and no HEAD.
        """
        if isinstance(failure, UnreachableError):
            return ""
        target = f"{reference.repository}/manifests/{reference.tag}"
        headers = {"Accept": _ACCEPT}
        try:
            endpoint = self._endpoint(reference.registry)
            with endpoint.ask(pulling(reference), "HEAD", target, headers, once=True) as answer:
                digest = answer.headers.get("Docker-Content-Digest", "")
                return check_digest(digest) if answer.status_code == 200 else ""
        except (TransportError, RegistryError, CorruptArchiveError):
            return ""

    def _resolve_there(self, reference: Reference, platform: Platform) -> RemoteImage:
        endpoint = self._endpoint(reference.registry)
        with _telling(endpoint, reference):
            return self._resolve(endpoint, reference, platform)

    @contextmanager
    def open_blob(self, remote: RemoteImage, descriptor: Descriptor) -> Iterator[BlobReader]:
        """A reader of one blob as stored, which checks it; see `BlobReader`.

        Where a mirror gave the manifest and does not give the blob, or not to its end, the places
        after it are asked.

        Raises:
            PullError: the registry cannot be reached or does not have it.
            RegistryError: what it sends is not what the descriptor says.
        """
        places = [remote.source]
        if remote.source.mirror:
            known = sources_of(remote.reference)
            if remote.source in known:
                places = known[known.index(remote.source) :]
        names = [place.apply(remote.reference) for place in places]
        with self._reader(remote.reference, names, descriptor) as reader:
            yield reader
            reader.finish()

    def artifact(self, reference: Reference, config_type: str) -> RemoteImage | None:
        """What a name means at its registry, if it is no image but of this kind.

        Args:
            reference: the name.
            config_type: media type of its configuration.

        Returns:
            It, or None where the name means something else.

        Raises:
            PullError: as `resolve`.
        """
        reference = reference.with_default_tag()
        endpoint = self._endpoint(reference.registry)
        with _telling(endpoint, reference):
            digest, data, found = self._manifest(endpoint, reference, reference.digest)
            if isinstance(found, Index) or found.config.media_type != config_type:
                return None
            config = self._config(endpoint, reference, found.config, {config_type})
        source = Source(reference.registry, reference.repository)
        return RemoteImage(reference, digest, "", data, found, config, endpoint.host, source)

    def manifest(self, reference: Reference) -> RemoteManifest:
        """The manifest or index that a name means; no mirror is asked.

        Raises:
            PullError: as `resolve`.
        """
        reference = reference.with_default_tag()
        endpoint = self._endpoint(reference.registry)
        with _telling(endpoint, reference):
            return RemoteManifest(reference, *self._manifest(endpoint, reference, reference.digest))

    def pusher(self, reference: Reference, watch: Callable[[], None] = _nothing) -> Pusher:
        """A repository to push to; `watch` is called now and then, and may raise."""
        endpoint = self._endpoint(reference.registry)

        def pause(seconds: float) -> None:
            self._transport.pause(seconds, f"https://{endpoint.host}")

        return Pusher(endpoint, reference, pause, self.telling, watch)

    def tags(self, reference: Reference) -> listing.Names:
        """The tags of a repository.

        Raises:
            RegistryError: the registry refuses, cannot be reached, or answers nonsense.
        """
        return listing.tags(self._endpoint(reference.registry), reference)

    def repositories(self, registry: str) -> listing.Names:
        """The repositories of a registry, where it lists them.

        Raises:
            RegistryError: as `tags`.
        """
        return listing.repositories(self._endpoint(registry), registry)

    def referrers(
        self, reference: Reference, digest: str, artifact_type: str = ""
    ) -> list[Descriptor]:
        """Manifests whose subject is the one of a digest; see `listing.referrers`.

        Raises:
            RegistryError: as `tags`.
        """
        endpoint = self._endpoint(reference.registry)
        return listing.referrers(endpoint, reference, digest, artifact_type)

    def delete_tag(self, reference: Reference) -> None:
        """Take a tag away; the manifest stays. Not every registry can.

        Raises:
            RegistryError: the registry refuses, cannot be reached, or has no such tag.
        """
        self._delete(reference, f"manifests/{reference.with_default_tag().tag}")

    def delete_manifest(self, reference: Reference, digest: str) -> None:
        """Delete a manifest, and every tag that means it.

        Raises:
            RegistryError: the registry refuses, cannot be reached, or has no such manifest.
        """
        self._delete(reference, f"manifests/{check_digest(digest)}")

    def delete_blob(self, reference: Reference, digest: str) -> None:
        """Delete a blob from a repository.

        Raises:
            RegistryError: the registry refuses, cannot be reached, or has no such blob.
        """
        self._delete(reference, f"blobs/{check_digest(digest)}")

    def _delete(self, reference: Reference, path: str) -> None:
        endpoint, purpose = self._endpoint(reference.registry), deleting(reference)
        target = f"{reference.repository}/{path}"
        with suppress(TransportError), endpoint.ask(purpose, "DELETE", target, once=True) as answer:
            if answer.status_code in _DELETED:
                return
            if answer.status_code not in FOR_NOW:
                raise endpoint.error(purpose, endpoint.refusal(answer))
        # It may be done, and only the answer lost: then it is not there any more.
        statuses = (*_DELETED, 404)
        endpoint.send(purpose, "DELETE", target, statuses=statuses).close()

    def _endpoint(self, registry: str) -> Endpoint:
        host = host_of(registry)
        with self._lock:
            if host not in self._endpoints:
                self._endpoints[host] = Endpoint(self._transport, self._tokens, host)
            return self._endpoints[host]

    def _resolve(self, endpoint: Endpoint, reference: Reference, platform: Platform) -> RemoteImage:
        digest, data, found = self._manifest(endpoint, reference, reference.digest)
        index_digest = digest if isinstance(found, Index) else ""
        for _ in range(_MAX_NESTING):
            if not isinstance(found, Index):
                break
            chosen = select_platform(found, platform)
            digest, data, found = self._manifest(
                endpoint, reference, chosen.digest, chosen.media_type
            )
        if isinstance(found, Index):
            raise CorruptArchiveError("image index nested too deeply")
        config = self._config(endpoint, reference, found.config)
        host, source = endpoint.host, Source(reference.registry, reference.repository)
        return RemoteImage(reference, digest, index_digest, data, found, config, host, source)

    def _manifest(
        self, endpoint: Endpoint, reference: Reference, digest: str, media_type: str = ""
    ) -> tuple[str, bytes, Manifest | Index]:
        """The digest, bytes and content of a manifest, by digest if there is one, else by tag."""
        if digest:
            check_digest(digest)
        target = f"{reference.repository}/manifests/{digest or reference.tag}"
        response, data = endpoint.read(
            pulling(reference), target, {"Accept": _ACCEPT}, limit=MAX_MANIFEST_SIZE
        )
        if data is None:
            raise CorruptArchiveError(f"manifest larger than {MAX_MANIFEST_SIZE} bytes")
        announced = digest or response.headers.get("Docker-Content-Digest", "")
        if announced:
            hasher = hasher_for(announced)
            hasher.update(data)
            if announced.partition(":")[2] != hasher.hexdigest():
                raise CorruptArchiveError(
                    f"manifest verification failed for digest {announced}",
                    hint="the registry or a proxy changes the data",
                )
        found = parse_manifest(data, media_type or response.headers.get("Content-Type", ""))
        return digest or digest_of(data), data, found

    def _config(
        self,
        endpoint: Endpoint,
        reference: Reference,
        config: Descriptor,
        types: Collection[str] = CONFIG_TYPES,
    ) -> bytes:
        if config.media_type not in types:
            raise CorruptArchiveError(
                f"its configuration is {config.media_type[:100]!r}: an artifact, not an image"
            )
        if config.size > MAX_CONFIG_SIZE:
            raise CorruptArchiveError(f"configuration larger than {MAX_CONFIG_SIZE} bytes")
        with self._reader(reference, [reference], config) as reader:
            return reader.read()

    def _reader(
        self, reference: Reference, names: Sequence[Reference], descriptor: Descriptor
    ) -> BlobReader:
        """A reader of a blob of an image, which has these names at the places to ask."""
        path = f"blobs/{check_digest(descriptor.digest)}"

        def place(name: Reference) -> BlobPlace:
            endpoint = self._endpoint(name.registry)

            def open_at(offset: int) -> requests.Response:
                headers = {"Range": f"bytes={offset}-"} if offset else {}
                statuses = (200, 206, 416) if offset else (200,)
                return endpoint.get(name, path, headers, statuses)

            return BlobPlace(endpoint.host, open_at)

        def pause(seconds: float) -> None:
            try:
                self._transport.pause(seconds, f"https://{host_of(reference.registry)}")
            except TransportError as error:
                raise refused(pulling(reference), [error]) from error

        what = f"blob {descriptor.digest} of {reference.familiar}"
        return BlobReader(descriptor, what, [place(name) for name in names], pause)
