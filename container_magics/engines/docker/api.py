"""The `docker` SDK's client with what the engine needs beside it, and its errors as ours.

Importing this imports `docker` and `requests`; the engine does so when it first calls.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import requests
import urllib3
from docker.auth import encode_header
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.tls import TLSConfig

from ...errors import ContainerMagicsError
from ..contexts import TlsFiles
from ..events import Cancellation
from .authentication import every_authentication
from .client import chunks
from .containers.calls import ContainerCalls
from .hijacking import plain_socket
from .ssh import SshAdapter

__all__ = ["Api", "abort_on_cancel", "connect"]


class Api(ContainerCalls):
    """The SDK's client and the calls of the engine API that it lacks."""

    def agree_on_version(self) -> None:
        """Speak the engine's version of the API from now on."""
        self._version = self._retrieve_server_version()

    def build_tar(
        self, context: BinaryIO, parameters: Mapping[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """`POST /build` with a tar as its body; yields the events, errors among them."""
        headers = {"Content-Type": "application/x-tar"}
        if credentials := every_authentication():
            headers["X-Registry-Config"] = encode_header(credentials).decode()
        response = self._post(
            self._url("/build"), params=parameters, data=context, headers=headers, stream=True
        )
        self._raise_for_status(response)
        yield from self._stream_helper(response, decode=True)

    def import_tar(self, source: BinaryIO, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`POST /images/create` with a tar as its body; returns the events."""
        response = self._post(
            self._url("/images/create"),
            params={"fromSrc": "-", **params},
            data=chunks(source),
            headers={"Content-Type": "application/x-tar"},
            stream=True,
        )
        return list(self._events(response))

    def load_tar(self, source: BinaryIO) -> Iterator[dict[str, Any]]:
        """`POST /images/load`; yields the events."""
        response = self._post(
            self._url("/images/load"),
            params={"quiet": 1},
            data=chunks(source),
            headers={"Content-Type": "application/x-tar"},
            stream=True,
        )
        yield from self._events(response)

    def _events(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        self._raise_for_status(response)
        for event in self._stream_helper(response, decode=True):
            if "error" in event:
                raise ContainerMagicsError(str(event["error"]))
            yield event

    def save_tar(self, names: Sequence[str]) -> Iterator[bytes]:
        """`GET /images/get` of several images; yields the archive's bytes."""
        yield from self._streamed(self._url("/images/get"), {"names": list(names)})


def connect(base_url: str, tls: TlsFiles | None, timeout: float | None = None) -> Api:
    """Connect, agreeing on the API version; call it within `failures.failures`.

    Each answer may take `timeout` seconds, or for None as long as it likes, as the docker CLI
    has it.
    """
    if base_url.startswith("ssh://"):
        # The SDK's own way needs paramiko, and has no real sockets.
        api = Api("unix:///ssh", version=DEFAULT_DOCKER_API_VERSION, timeout=timeout)  # type: ignore[arg-type]
        api.mount("http+docker://", SshAdapter(base_url, timeout))
        api.agree_on_version()
        return api
    config = None
    if tls is not None:
        cert, key = tls.file("cert.pem"), tls.file("key.pem")
        ca = tls.file("ca.pem")
        config = TLSConfig(
            client_cert=(cert, key) if cert and key else None,
            ca_cert=ca if tls.verify else None,
            verify=tls.verify,
        )
    return Api(
        base_url=base_url,
        version="auto",
        tls=config or False,
        timeout=timeout,  # type: ignore[arg-type]  # requests takes both, the stub does not
    )


def abort_on_cancel(api: Api, cancel: Cancellation) -> None:
    """Cut this client's answers short when the verb is cancelled; the engine then stops too."""

    def watch(response: requests.Response, *_: object, **__: object) -> None:
        def abort() -> None:
            # An answer that was read to its end has no socket any more.
            with suppress(OSError, ValueError, AttributeError, urllib3.exceptions.HTTPError):
                handle = plain_socket(response.raw)
                with handle:
                    handle.shutdown(socket.SHUT_RDWR)

        cancel.on_cancel(abort)

    api.hooks["response"].append(watch)
