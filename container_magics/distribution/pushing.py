"""Pushing into one repository: blobs that it lacks, or takes from another one, and manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from urllib.parse import urlencode

from ..oci.digests import digest_of
from ..reference import Reference
from .endpoint import Endpoint
from .purpose import pushing
from .uploads import StoredBlob, Upload, Uploader, size_of_blob

__all__ = ["Pusher"]

_MANIFEST_TRIES = 3


class Pusher:
    """A repository that is pushed to. Safe to use from several threads.

    All methods raise `PushError` where the registry refuses or cannot be reached.

    Args:
        endpoint: the registry.
        reference: the name that is pushed.
        pause: waits that many seconds, or raises TransportError.
        telling: see `RegistryClient.telling`.
        watch: called now and then while something is sent; what it raises ends that.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        reference: Reference,
        pause: Callable[[float], None],
        telling: Callable[[Callable[[float], None]], AbstractContextManager[None]],
        watch: Callable[[], None],
    ) -> None:
        self.telling = telling
        self._endpoint = endpoint
        self._reference = reference
        self._repository = reference.repository
        self._purpose = pushing(reference)
        self._uploader = Uploader(endpoint, self._purpose, self._repository, pause, watch)

    def size_of(self, digest: str) -> int | None:
        """Bytes of a blob that the repository has, or None."""
        return size_of_blob(self._endpoint, self._purpose, self._repository, digest)

    def digest_of(self, tag: str, media_type: str) -> str:
        """The digest of the manifest that a tag means, or "" where there is none or it is not said.

        Args:
            tag: of the repository.
            media_type: of the manifest that is looked for.
        """
        target = f"{self._repository}/manifests/{tag}"
        with self._endpoint.send(
            self._purpose, "HEAD", target, {"Accept": media_type}, statuses=(200, 404, 405)
        ) as response:
            said = response.headers.get("Docker-Content-Digest", "")
            return said if response.status_code == 200 else ""

    def mount(self, digest: str, source: str) -> Upload | None:
        """Take a blob from another repository of the registry ("Mounting a blob").

        Args:
            digest: of the blob.
            source: path of the repository that has it.

        Returns:
            None where that worked; else an upload that the registry has begun in its place.
        """
        query = urlencode({"mount": digest, "from": source})
        target = f"{self._repository}/blobs/uploads/?{query}"
        purpose = pushing(self._reference, source)
        response = self._endpoint.send(purpose, "POST", target, statuses=(201, 202))
        with response:
            if response.status_code == 201:
                return None
        return self._uploader.begun(response)

    def push(
        self, content: Callable[[], Iterable[bytes]], begun: Upload | None = None
    ) -> StoredBlob:
        """Put a blob there; see `Uploader.push`."""
        return self._uploader.push(content, begun)

    def push_document(self, data: bytes) -> None:
        """Put a small blob there, such as a configuration, if the repository lacks it."""
        if self.size_of(digest_of(data)) != len(data):
            self.push(lambda: [data])

    def cancel(self, upload: Upload) -> None:
        """Give up an upload that is not needed."""
        self._uploader.cancel(upload)

    def put_manifest(self, data: bytes, media_type: str, tag: str) -> str:
        """Put a manifest or an index there; everything that it names must be there.

        Args:
            data: the document.
            media_type: its.
            tag: what it is called there; "" for its digest alone.

        Returns:
            Its digest.
        """
        digest = digest_of(data)
        target = f"{self._repository}/manifests/{tag or digest}"
        for _ in range(_MANIFEST_TRIES):
            with self._endpoint.send(
                self._purpose,
                "PUT",
                target,
                {"Content-Type": media_type},
                self._uploader.body(data),
                statuses=(200, 201, 202, 204),
            ) as response:
                announced = response.headers.get("Docker-Content-Digest", digest)
            if announced == digest:
                return digest
        raise self._purpose.failed(
            f"cannot {self._purpose.what}: {self._endpoint.host} stored the manifest "
            f"{announced[:100]!r} in place of {digest}",
            hint="something between here and the registry changes the data",
        )
