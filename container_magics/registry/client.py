"""Pulling: from a name to a checked manifest, and from a descriptor to its bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CorruptArchiveError, NotFoundError, PullError
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
from .auth import TokenCache
from .blobs import BlobReader
from .endpoint import Endpoint, host_of
from .failures import TransportError, refused
from .transport import Transport, read_bounded

if TYPE_CHECKING:
    import requests

__all__ = ["MAX_CONFIG_SIZE", "RegistryClient", "RemoteImage"]

MAX_CONFIG_SIZE = 8 * 1024 * 1024
"""Bytes of the largest image configuration that is read."""

_ACCEPT = ", ".join(sorted(INDEX_TYPES) + sorted(MANIFEST_TYPES))
_MAX_NESTING = 3


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image for one platform, as a registry has it.

    Attributes:
        reference: the name that was resolved.
        digest: of the manifest for this platform; sha256 unless the name or index says otherwise.
        index_digest: of the outermost index that it was chosen from, or "".
        manifest_bytes: as sent, and checked against `digest`.
        config_bytes: the image configuration, checked against its descriptor.
        host: the registry host that answered.
    """

    reference: Reference
    digest: str
    index_digest: str
    manifest_bytes: bytes
    manifest: Manifest
    config_bytes: bytes
    host: str


class RegistryClient:
    """Pulls images that anyone may read. Safe to use from several threads.

    Args:
        session: to send requests with; one of its own unless given.
        timeout: seconds of silence after which a connection counts as dead. A host must accept
            connections within 5 seconds regardless.
    """

    def __init__(self, *, session: requests.Session | None = None, timeout: float = 30.0) -> None:
        self._transport = Transport(session, timeout)
        self._tokens = TokenCache()
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end waits for another try."""
        self._transport.close()

    def resolve(self, reference: Reference, platform: Platform) -> RemoteImage:
        """Ask the registry what a name means on a platform.

        A digest in the name counts, a tag beside it does not; without either it is `latest`.

        Raises:
            PullError: the registry cannot be reached (an `UnreachableError`), has no such image, or
                sends something that is no image for this platform.
            RegistryError: the configuration's bytes are not what its descriptor says.
        """
        reference = reference.with_default_tag()
        endpoint = self._endpoint(reference)
        try:
            return self._resolve(endpoint, reference, platform)
        except TransportError as error:
            raise refused(reference, [error]) from error
        except (CorruptArchiveError, NotFoundError) as error:
            raise PullError(
                f"cannot pull {reference.familiar}: {error.message}",
                answers=[(endpoint.host, "answered with what cannot be used")],
                hint=error.hint or "ask the image's maintainers, or choose another tag",
            ) from error

    @contextmanager
    def open_blob(self, remote: RemoteImage, descriptor: Descriptor) -> Iterator[BlobReader]:
        """A reader of one blob as stored, which checks it; see `BlobReader`.

        Raises:
            PullError: the registry cannot be reached or does not have it.
            RegistryError: what it sends is not what the descriptor says.
        """
        with self._open(self._endpoint(remote.reference), remote.reference, descriptor) as reader:
            yield reader
            reader.finish()

    def _endpoint(self, reference: Reference) -> Endpoint:
        host = host_of(reference.registry)
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
        return RemoteImage(reference, digest, index_digest, data, found, config, endpoint.host)

    def _manifest(
        self, endpoint: Endpoint, reference: Reference, digest: str, media_type: str = ""
    ) -> tuple[str, bytes, Manifest | Index]:
        """The digest, bytes and content of a manifest, by digest if there is one, else by tag."""
        if digest:
            check_digest(digest)
        response = endpoint.get(
            reference, f"manifests/{digest or reference.tag}", {"Accept": _ACCEPT}
        )
        data = read_bounded(response, MAX_MANIFEST_SIZE)
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

    def _config(self, endpoint: Endpoint, reference: Reference, config: Descriptor) -> bytes:
        if config.media_type not in CONFIG_TYPES:
            raise CorruptArchiveError(
                f"its configuration is {config.media_type[:100]!r}: an artifact, not an image"
            )
        if config.size > MAX_CONFIG_SIZE:
            raise CorruptArchiveError(f"configuration larger than {MAX_CONFIG_SIZE} bytes")
        with self._open(endpoint, reference, config) as reader:
            return reader.read()

    def _open(self, endpoint: Endpoint, reference: Reference, descriptor: Descriptor) -> BlobReader:
        path = f"blobs/{check_digest(descriptor.digest)}"

        def open_at(offset: int) -> requests.Response:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            statuses = (200, 206, 416) if offset else (200,)
            return endpoint.get(reference, path, headers, statuses)

        def pause(seconds: float) -> None:
            try:
                self._transport.pause(seconds, f"https://{endpoint.host}")
            except TransportError as error:
                raise refused(reference, [error]) from error

        what = f"blob {descriptor.digest} of {reference.familiar} from {endpoint.host}"
        return BlobReader(descriptor, what, open_at(0), open_at, pause)
