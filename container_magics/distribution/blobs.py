"""Reading one blob, checked against its descriptor and resumed where the connection breaks."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import RegistryError
from ..oci.digests import hasher_for
from ..oci.models import Descriptor

if TYPE_CHECKING:
    import requests

__all__ = ["BlobReader"]

_MAX_READ = 1024 * 1024
_MAX_FAILURES = 4
_PROGRESS = 1024 * 1024


class BlobReader(io.RawIOBase):
    """A blob's bytes as stored. One thread at a time.

    The read that reaches the end checks the digest before it returns, so a consumer that has read
    `descriptor.size` bytes holds the right ones. Leaving its `with` block without an exception
    reads and checks what is left.

    Args:
        descriptor: of the blob.
        what: names it in errors, such as `layer sha256:… of alpine from registry-1.docker.io`.
        first: the answer to a request for the blob.
        open_at: gives the answer to a request for the bytes from an offset on (status 200, 206 or
            416), and raises RegistryError where there is none.
        pause: waits that many seconds before another request.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        what: str,
        first: requests.Response,
        open_at: Callable[[int], requests.Response],
        pause: Callable[[float], None],
    ) -> None:
        super().__init__()
        self._response = first
        self._size = descriptor.size
        self._digest = descriptor.digest
        self._what = what
        self._open_at = open_at
        self._pause = pause
        self._hasher = hasher_for(descriptor.digest)
        self._received = 0
        self._failures = 0
        self._failed_at = 0
        self._skip = 0
        self._checked = False

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes (at most 1 MiB at once), all that is left without one, b"" at the end.

        Raises:
            RegistryError: the blob is short, long or has another digest, or it cannot be read on.
            ValueError: the reader is closed.
        """
        if self.closed:
            raise ValueError("read of a closed blob")
        if size is None or size < 0:
            return self.readall()
        wanted = min(size, _MAX_READ, self._size - self._received)
        chunk = self._fetch(wanted) if wanted else b""
        self._hasher.update(chunk)
        self._received += len(chunk)
        if self._received == self._size:
            self._check()
        return chunk

    def readinto(self, buffer: object, /) -> int:
        """Fill a writable buffer as `read` would.

        Raises:
            RegistryError: as `read`.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase's own signature
        chunk = self.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)

    def finish(self) -> None:
        """Read and check what is left.

        Raises:
            RegistryError: as `read`.
            ValueError: the reader was closed before the end, so that nothing is known of the rest.
        """
        while not self._checked:
            self.read(_MAX_READ)

    def close(self) -> None:
        """Give the connection back; what was not read stays unchecked."""
        self._response.close()
        super().close()

    def _fetch(self, wanted: int) -> bytes:
        from urllib3.exceptions import HTTPError

        while True:
            try:
                chunk: bytes = self._response.raw.read(
                    min(self._skip or wanted, _MAX_READ), decode_content=False
                )
            except (OSError, HTTPError) as error:
                self._resume(error)
                continue
            if not chunk:
                self._resume(None)
            elif self._skip:
                self._skip -= len(chunk)
            else:
                return chunk

    def _resume(self, error: Exception | None) -> None:
        self._response.close()
        if self._received - self._failed_at >= _PROGRESS:
            self._failures = 0
        self._failed_at = self._received
        self._failures += 1
        if self._failures > _MAX_FAILURES:
            raise self._broken() from error
        self._pause(0.25 * 2 ** (self._failures - 1))
        self._response = self._open_at(self._received)
        if self._response.status_code == 416:
            raise self._broken() from error
        self._skip = self._received
        if self._response.status_code == 206:
            start = self._response.headers.get("Content-Range", "").removeprefix("bytes ")
            if start.partition("-")[0].strip() != str(self._received):
                raise RegistryError(
                    f"{self._what}: the registry resumed at another place than asked"
                )
            self._skip = 0

    def _broken(self) -> RegistryError:
        return RegistryError(
            f"{self._what}: ended after {self._received} of {self._size} bytes",
            hint="pull it again; if it ends there again, the registry's copy is damaged",
        )

    def _check(self) -> None:
        from urllib3.exceptions import HTTPError

        if self._checked:
            return
        with contextlib.suppress(OSError, HTTPError):  # the bytes are all here: nothing to lose
            if self._response.raw.read(1, decode_content=False):
                raise RegistryError(
                    f"{self._what}: longer than the {self._size} bytes that the manifest says"
                )
        found = f"{self._digest.partition(':')[0]}:{self._hasher.hexdigest()}"
        if found != self._digest:
            raise RegistryError(
                f"{self._what}: filesystem layer verification failed for digest {self._digest}: "
                f"the bytes received have {found}",
                hint="pull it again; if it fails again, the registry or a proxy changes the data",
            )
        self._checked = True
