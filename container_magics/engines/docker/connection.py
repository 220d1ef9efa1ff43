"""How an engine is reached: its endpoint, and the client for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..contexts import TlsFiles

if TYPE_CHECKING:
    from ..events import Cancellation
    from .api import Api

__all__ = ["Connection"]


class Connection:
    """A Docker engine, or Podman's compatible one, at an endpoint.

    Args:
        name: the context's name.
        base_url: as in DOCKER_HOST: `unix:///…`, `tcp://…`, `ssh://…`.
        tls: certificates for a `tcp://` endpoint with TLS.

    Nothing is connected, nor `docker` imported, before the first verb.
    """

    def __init__(self, name: str, base_url: str, *, tls: TlsFiles | None = None) -> None:
        self._name = name
        self._base_url = base_url
        self._tls = tls
        self._client: Api | None = None

    @property
    def name(self) -> str:
        """The context's name."""
        return self._name

    @property
    def base_url(self) -> str:
        """The endpoint, as in DOCKER_HOST."""
        return self._base_url

    @property
    def tls(self) -> TlsFiles | None:
        """Certificates, or None."""
        return self._tls

    @contextmanager
    def calling(self, cancel: Cancellation | None = None) -> Iterator[Api]:
        """The client, with its errors raised as ours.

        With `cancel` it is a client of its own, whose answers end when the verb is cancelled.
        """
        from .api import abort_on_cancel, connect
        from .failures import failures

        with failures(self._base_url, self._tls):
            if cancel is not None:
                client = connect(self._base_url, self._tls)
                abort_on_cancel(client, cancel)
                try:
                    yield client
                finally:
                    client.close()
                return
            if self._client is None:
                self._client = connect(self._base_url, self._tls)
            yield self._client

    def ping(self, seconds: float) -> None:
        """Ask whether the engine is there.

        Raises:
            EngineUnavailableError: it did not answer within `seconds`, or not as an engine.
        """
        from .api import connect
        from .failures import failures

        with failures(self._base_url, self._tls, otherwise=""):
            client = connect(self._base_url, self._tls, timeout=seconds)
            client.close()

    def close(self) -> None:
        """Close the connections; the engine itself runs on."""
        if self._client is not None:
            self._client.close()
            self._client = None
