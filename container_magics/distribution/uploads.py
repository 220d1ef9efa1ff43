"""Putting a blob into a repository, after "Pushing Blobs" of the OCI distribution specification.

    POST …/blobs/uploads/ ──► PATCH, a chunk each ──► PUT ?digest=…
                                 │
                                 ├ broke: GET says how far it came, and it goes on from there
                                 ├ lost: all of it once more
                                 └ not accepted, or lost again: POST, and one PUT

The digest is known last, so that content can be made while it is sent. What is held is one chunk;
content that fits into one goes in one PUT. Whatever breaks, the blob is in the registry whole, by
its digest, or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..errors import RegistryError
from .endpoint import Endpoint
from .failures import TransportError, refused
from .purpose import Purpose
from .transport import FOR_NOW, MAX_WAIT, Body, requested_wait

if TYPE_CHECKING:
    import requests

__all__ = ["CHUNK", "StoredBlob", "Upload", "Uploader", "size_of_blob"]

CHUNK = 5 << 20
"""Bytes of a chunk, unless the registry asks for larger ones; S3 takes no smaller ones."""

_MAX_CHUNK = 16 << 20
_MAX_FAILURES = 4
_LOSSES_OF_CHUNKS = 2
_FIRST_WAIT = 0.25
_ELSEWHERE = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
_NO_CHUNKS = frozenset({400, 404, 405, 411, 415, 501})
_LOST = frozenset(
    {
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "RANGE_INVALID",
        "SIZE_INVALID",
    }
)
_DONE = frozenset({200, 201, 202, 204})
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_BINARY = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as a registry has it: its digest, and its size in bytes."""

    digest: str
    size: int


@dataclass(slots=True)
class Upload:
    """An upload that a registry has begun.

    Attributes:
        location: where to send to next.
        chunk: bytes of a chunk, or 0 where it would be larger than can be held.
        offset: bytes that the registry has.
        in_chunks: some were sent.
    """

    location: str
    chunk: int = CHUNK
    offset: int = 0
    in_chunks: bool = False

    def follow(self, response: requests.Response) -> int | None:
        """Go on where an answer says; bytes that the registry has by then, if it says that.

        `0-0` stands for one byte and for none, and some registries always say it.
        """
        if location := response.headers.get("Location"):
            self.location = urljoin(response.url, location)
        match = _RANGE.fullmatch(response.headers.get("Range", "").strip())
        return int(match[1]) + 1 if match and match[1] != "0" else None


class _LostError(Exception):
    """The registry has the upload no more, or another one than was sent; `error` says why."""

    def __init__(self, error: RegistryError) -> None:
        super().__init__(error.message)
        self.error = error


class _ChunksRefusedError(Exception):
    """The registry takes no chunks."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why something did not work that may work later; the registry may say when, in seconds.

    `elsewhere`: other bytes were wanted.
    """

    error: TransportError | RegistryError
    wait: float | None = None
    elsewhere: bool = False


def size_of_blob(endpoint: Endpoint, purpose: Purpose, repository: str, digest: str) -> int | None:
    """Bytes of a blob that a repository has, or None.

    Raises:
        RegistryError: the registry refuses, or cannot be reached.
    """
    target = f"{repository}/blobs/{digest}"
    with endpoint.send(purpose, "HEAD", target, statuses=(200, 404, 405)) as response:
        size = response.headers.get("Content-Length", "")
        return int(size) if response.status_code == 200 and size.isdecimal() else None


class Uploader:
    """Puts blobs into one repository. Safe to use from several threads.

    Args:
        endpoint: the registry.
        purpose: of the push.
        repository: path in the registry.
        pause: waits that many seconds, or raises TransportError.
        watch: called now and then while something is sent; what it raises ends the upload.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        purpose: Purpose,
        repository: str,
        pause: Callable[[float], None],
        watch: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._purpose = purpose
        self._repository = repository
        self._pause = pause
        self._watch = watch
        self._whole = False  # Whether this registry takes no chunks, or loses them.

    def push(
        self, content: Callable[[], Iterable[bytes]], begun: Upload | None = None
    ) -> StoredBlob:
        """Put a blob there.

        Args:
            content: gives its chunks, the same each time: it is asked again after a failure that
                lost what was sent.
            begun: an upload to use, if there is one.

        Raises:
            RegistryError: the registry refuses, or cannot be reached, or what arrives is not what
                was sent.
        """
        failures = 0
        while True:
            upload, begun = begun or self._begin(), None
            try:
                return self._send(upload, content)
            except _ChunksRefusedError:
                self._whole = True
                self.cancel(upload)
                return self._push_whole(content)
            except _LostError as lost:
                self.cancel(upload)
                failures += 1
                self._wait(_Failure(lost.error), failures)
                self._whole |= upload.in_chunks and failures >= _LOSSES_OF_CHUNKS
            except BaseException:
                self.cancel(upload)
                raise

    def begun(self, response: requests.Response) -> Upload:
        """The upload that an answer to POST has begun; closes it."""
        with response:
            location = response.headers.get("Location")
            least = response.headers.get("OCI-Chunk-Min-Length", "")
        if not location:
            raise self._failed("it began an upload and named no place for it")
        chunk = max(CHUNK, int(least)) if re.fullmatch(r"[0-9]{1,18}", least) else CHUNK
        return Upload(urljoin(response.url, location), chunk if chunk <= _MAX_CHUNK else 0)

    def body(self, data: bytes | memoryview) -> Body:
        """Bytes to send, watched."""
        return Body.of(data, self._watch)

    def cancel(self, upload: Upload) -> None:
        """Tell the registry to forget an upload; if it cannot be told, it forgets by itself."""
        with contextlib.suppress(TransportError, RegistryError):
            self._ask("DELETE", upload.location).close()

    def _begin(self) -> Upload:
        path = f"{self._repository}/blobs/uploads/"
        return self.begun(self._endpoint.send(self._purpose, "POST", path, statuses=(202,)))

    def _send(self, upload: Upload, content: Callable[[], Iterable[bytes]]) -> StoredBlob:
        hasher = hashlib.sha256()
        for chunk, last in _chunks(content(), upload.chunk or CHUNK):
            hasher.update(chunk)
            if last and not upload.offset:
                return self._finish(upload, chunk, f"sha256:{hasher.hexdigest()}")
            if self._whole or not upload.chunk:
                raise _ChunksRefusedError
            self._append(upload, chunk)
        return self._finish(upload, memoryview(b""), f"sha256:{hasher.hexdigest()}")

    def _append(self, upload: Upload, chunk: memoryview) -> None:
        """Send one chunk, however often the line breaks."""
        start, end = upload.offset, upload.offset + len(chunk)
        failures = 0
        upload.in_chunks = True
        while (before := upload.offset) < end:
            failure = self._patch(upload, chunk[before - start :])
            if failure is not None:
                failures += 1
                self._wait(failure, failures)
                self._ask_for_offset(upload, start, end, failure)
                if failure.elsewhere and upload.offset == before:
                    raise _LostError(self._told(failure.error))  # It says now that, now this.
            if upload.offset > before:
                failures = 0

    def _patch(self, upload: Upload, data: memoryview) -> _Failure | None:
        """Send bytes; why that did not work, if another try may.

        Raises:
            _ChunksRefusedError, _LostError: not on this upload.
            RegistryError: the registry refuses.
        """
        end = upload.offset + len(data)
        headers = {**_BINARY, "Content-Range": f"{upload.offset}-{end - 1}"}
        try:
            response = self._ask("PATCH", upload.location, headers, self.body(data))
            if response.status_code in _DONE:
                with response:
                    received = upload.follow(response)
                if received is not None and received > end:
                    raise _LostError(self._failed("it has other bytes than were sent"))
                # Amazon's stays at the end of the first chunk: the digest tells in the end.
                upload.offset = received if received and upload.offset < received else end
                return None
            if not upload.offset and response.status_code in _NO_CHUNKS:
                response.close()
                raise _ChunksRefusedError
            if response.status_code in _NO_CHUNKS:
                raise _LostError(
                    self._endpoint.error(self._purpose, self._endpoint.refusal(response))
                )
            return self._failure(response)
        except TransportError as error:
            return _Failure(error)

    def _failure(self, response: requests.Response) -> _Failure:
        """What an answer says; raised where no other try on this upload would change it.

        Raises:
            TransportError: the connection broke.
        """
        wait = requested_wait(response, -1)
        refusal = self._endpoint.refusal(response)
        error = self._endpoint.error(self._purpose, refusal)
        if refusal.status == HTTPStatus.NOT_FOUND or refusal.code in _LOST:
            raise _LostError(error)
        if refusal.status not in FOR_NOW | {_ELSEWHERE} or wait > MAX_WAIT:
            raise error
        elsewhere = refusal.status == _ELSEWHERE
        return _Failure(error, None if wait < 0 else wait, elsewhere)

    def _ask_for_offset(self, upload: Upload, start: int, end: int, failure: _Failure) -> None:
        """Find out how much of what was sent before has arrived, between `start` and `end`."""
        try:
            response = self._endpoint.ask(self._purpose, "GET", upload.location)
        except TransportError:
            return  # The next try to send will say so, or not.
        with response:
            if response.status_code in _DONE:
                upload.offset = upload.follow(response) or 0
            elif response.status_code in FOR_NOW:
                return
            if response.status_code not in _DONE or not start <= upload.offset <= end:
                raise _LostError(self._told(failure.error))

    def _finish(self, upload: Upload, rest: memoryview, digest: str) -> StoredBlob:
        """Close an upload, with the last of its bytes."""
        start, end = upload.offset, upload.offset + len(rest)
        stored = StoredBlob(digest, end)
        failures = 0
        while True:
            left = rest[upload.offset - start :]
            headers = dict(_BINARY)
            if left and upload.offset:
                headers["Content-Range"] = f"{upload.offset}-{end - 1}"
            failure = self._put(upload, headers, self.body(left), digest)
            if failure is None:
                return stored
            failures += 1
            self._wait(failure, failures)
            if self._size_of(digest) == end:  # It was the answer that was lost.
                return stored
            self._ask_for_offset(upload, start, end, failure)

    def _put(
        self, upload: Upload, headers: dict[str, str], body: Body, digest: str
    ) -> _Failure | None:
        """Close an upload; why that did not work, if another try may.

        Raises:
            _LostError: the registry has something else than was sent.
            RegistryError: it refuses.
        """
        separator = "&" if urlsplit(upload.location).query else "?"
        try:
            response = self._ask(
                "PUT", f"{upload.location}{separator}digest={digest}", headers, body
            )
            if response.status_code in _DONE:
                with response:
                    announced = response.headers.get("Docker-Content-Digest", digest)
                if announced != digest:
                    raise self._failed(f"it stored {announced[:100]!r} in place of {digest}")
                return None
            return self._failure(response)
        except TransportError as error:
            return _Failure(error)

    def _push_whole(self, content: Callable[[], Iterable[bytes]]) -> StoredBlob:
        """Put a blob there in one request, after a first pass that finds out its digest."""
        hasher, size = hashlib.sha256(), 0
        for chunk in content():
            self._watch()
            hasher.update(chunk)
            size += len(chunk)
        stored = StoredBlob(f"sha256:{hasher.hexdigest()}", size)
        failures = 0
        while self._size_of(stored.digest) != size:
            upload = self._begin()
            try:
                failure = self._put(upload, _BINARY, Body(size, content), stored.digest)
            except _LostError as lost:
                failure = _Failure(lost.error)
            except BaseException:
                self.cancel(upload)
                raise
            if failure is None:
                break
            self.cancel(upload)
            failures += 1
            self._wait(failure, failures)
        return stored

    def _size_of(self, digest: str) -> int | None:
        return size_of_blob(self._endpoint, self._purpose, self._repository, digest)

    def _ask(
        self, method: str, url: str, headers: dict[str, str] | None = None, body: Body | None = None
    ) -> requests.Response:
        return self._endpoint.ask(self._purpose, method, url, headers or {}, body, once=True)

    def _wait(self, failure: _Failure, failures: int) -> None:
        """Wait after the latest of failures in a row; raise it where there were too many."""
        if failures >= _MAX_FAILURES:
            raise self._told(failure.error)
        self._watch()
        default = _FIRST_WAIT * 2 ** (failures - 1)
        try:
            self._pause(default if failure.wait is None else failure.wait)
        except TransportError as error:
            raise refused(self._purpose, [error]) from error

    def _failed(self, what: str) -> RegistryError:
        return self._purpose.failed(
            f"cannot {self._purpose.what}: {self._endpoint.host}: {what}",
            hint="a fault of the registry, or of something between: try again later",
        )

    def _told(self, failure: TransportError | RegistryError) -> RegistryError:
        """A failure for people."""
        if isinstance(failure, TransportError):
            return refused(self._purpose, [failure])
        return failure


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[memoryview, bool]]:
    """Chunks of so many bytes, or less at the end; with each, whether it is the last.

    They lie in one buffer, the same for all.
    """
    buffer = memoryview(bytearray(size))
    used = 0
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            if used == size:
                yield buffer, False
                used = 0
            count = min(len(rest), size - used)
            buffer[used : used + count] = rest[:count]
            used, rest = used + count, rest[count:]
    yield buffer[:used], True
