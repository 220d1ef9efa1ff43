"""Reading one blob, checked against its descriptor and resumed where the connection breaks.

Where one place gives no more of it, the next goes on, since the digest tells of the whole.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RegistryError
from ..oci.digests import hasher_for
from ..oci.models import Descriptor
from .mirrors import joined

if TYPE_CHECKING:
    import requests

__all__ = ["BlobPlace", "BlobReader"]

_MAX_READ = 1024 * 1024
_MAX_FAILURES = 4
_MAX_FAILURES_OF_A_MIRROR = 2
_PROGRESS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BlobPlace:
    """A place that may have a blob.

    Attributes:
        host: who answers there.
        open_at: gives the answer to a request for the bytes from an offset on (status 200, 206 or
            416), and raises PullError where there is none.
    """

    host: str
    open_at: Callable[[int], requests.Response]


class BlobReader(io.RawIOBase):
    """A blob's bytes as stored. One thread at a time.

    The read that reaches the end checks the digest before it returns, so a consumer that has read
    `descriptor.size` bytes holds the right ones. Leaving its `with` block without an exception
    reads and checks what is left.

    Args:
        descriptor: of the blob.
        what: names it in errors, such as `blob sha256:… of alpine`.
        places: where it may be had, in the order to ask.
        pause: waits that many seconds before another request.

    Raises:
        PullError: none of the places has it.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        what: str,
        places: Sequence[BlobPlace],
        pause: Callable[[float], None],
    ) -> None:
        super().__init__()
        self._response: requests.Response | None = None
        self._size = descriptor.size
        self._digest = descriptor.digest
        self._what = what
        self._places = places
        self._given_up: list[RegistryError] = []
        self._pause = pause
        self._hasher = hasher_for(descriptor.digest)
        self._received = 0
        self._failures = 0
        self._failed_at = 0
        self._skip = 0
        self._checked = False
        self._open()

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
        if self._response is not None:
            self._response.close()
        super().close()

    @property
    def _place(self) -> BlobPlace:
        return self._places[len(self._given_up)]

    @property
    def _name(self) -> str:
        """The blob, and where it comes from now."""
        return f"{self._what} from {self._place.host}"

    def _fetch(self, wanted: int) -> bytes:
        from urllib3.exceptions import HTTPError

        while True:
            try:
                chunk = self._raw(min(self._skip or wanted, _MAX_READ))
            except (OSError, HTTPError):
                self._resume()
                continue
            if not chunk:
                self._resume()
            elif self._skip:
                self._skip -= len(chunk)
            else:
                return chunk

    def _raw(self, size: int) -> bytes:
        if self._response is None:
            raise ValueError("read of a blob that is not open")
        chunk: bytes = self._response.raw.read(size, decode_content=False)
        return chunk

    def _resume(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._received - self._failed_at >= _PROGRESS:
            self._failures = 0
        self._failed_at = self._received
        self._failures += 1
        last = len(self._given_up) == len(self._places) - 1
        if self._failures > (_MAX_FAILURES if last else _MAX_FAILURES_OF_A_MIRROR):
            self._give_up(self._broken())
        else:
            self._pause(0.25 * 2 ** (self._failures - 1))
        self._open()

    def _open(self) -> None:
        """Go on from what was received, here or at the next place that has it.

        Raises:
            RegistryError: none has; with the answer of each.
        """
        while True:
            try:
                self._response = self._opened()
            except RegistryError as failure:
                self._give_up(failure)
            else:
                return

    def _opened(self) -> requests.Response:
        response = self._place.open_at(self._received)
        self._skip = self._received if response.status_code == 200 else 0
        if response.status_code == 416:
            response.close()
            raise self._broken()
        if response.status_code == 206:
            start = response.headers.get("Content-Range", "").removeprefix("bytes ")
            if start.partition("-")[0].strip() != str(self._received):
                response.close()
                raise self._failed("the registry resumed at another place than asked")
        return response

    def _give_up(self, failure: RegistryError) -> None:
        """Turn to the next place; raise what all have said where there is none."""
        failures = [*self._given_up, failure]
        if len(failures) == len(self._places):
            raise joined(failures, failures[0])
        self._given_up, self._failures = failures, 0

    def _broken(self) -> RegistryError:
        return self._failed(
            f"ended after {self._received} of {self._size} bytes",
            "pull it again; if it ends there again, the registry's copy is damaged",
        )

    def _failed(self, what: str, hint: str = "") -> RegistryError:
        """A failure of this place; an answer beside others where there are more."""
        answers = [(self._place.host, what)] if len(self._places) > 1 else []
        return RegistryError(f"{self._name}: {what}", answers=answers, hint=hint)

    def _check(self) -> None:
        from urllib3.exceptions import HTTPError

        if self._checked:
            return
        with contextlib.suppress(OSError, HTTPError):  # the bytes are all here: nothing to lose
            if self._raw(1):
                raise RegistryError(
                    f"{self._name}: longer than the {self._size} bytes that the manifest says"
                )
        found = f"{self._digest.partition(':')[0]}:{self._hasher.hexdigest()}"
        if found != self._digest:
            raise RegistryError(
                f"{self._name}: filesystem layer verification failed for digest {self._digest}: "
                f"the bytes received have {found}",
                hint="pull it again; if it fails again, the registry or a proxy changes the data",
            )
        self._checked = True
