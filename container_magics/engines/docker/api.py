"""The `docker` SDK's client with what the engine needs beside it, and its errors as ours.

Importing this imports `docker` and `requests`; the engine does so when it first calls.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Protocol

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException
from docker.tls import TLSConfig

from ...errors import (
    ConflictError,
    ContainerMagicsError,
    EngineUnavailableError,
    NotFoundError,
    UsageError,
)
from ..base import Cancellation
from ..contexts import TlsFiles

__all__ = ["Api", "abort_on_cancel", "connect", "failures", "plain_socket"]

CHUNK_BYTES = 1 << 20


class Api(docker.APIClient):
    """`docker.APIClient` and the calls of the engine API that it lacks."""

    # What types-docker leaves out or untyped.
    _get: Callable[..., requests.Response]
    _post: Callable[..., requests.Response]
    _url: Callable[..., str]
    _raise_for_status: Callable[[requests.Response], None]
    _stream_helper: Callable[..., Iterator[dict[str, Any]]]
    inspect_image: Callable[[str], dict[str, Any]]
    history: Callable[[str], list[dict[str, Any]]]
    prune_images: Callable[..., dict[str, Any]]

    def import_tar(self, source: BinaryIO, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`POST /images/create` with a tar as its body; returns the events."""
        response = self._post(
            self._url("/images/create"),
            params={"fromSrc": "-", **params},
            data=_chunks(source),
            headers={"Content-Type": "application/x-tar"},
            stream=True,
        )
        return list(self._events(response))

    def load_tar(self, source: BinaryIO) -> Iterator[dict[str, Any]]:
        """`POST /images/load`; yields the events."""
        response = self._post(
            self._url("/images/load"),
            params={"quiet": 1},
            data=_chunks(source),
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
        yield from self._tar(self._url("/images/get"), {"names": list(names)})

    def export_tar(self, container: str) -> Iterator[bytes]:
        """`GET /containers/ID/export`; yields the archive's bytes."""
        yield from self._tar(self._url("/containers/{0}/export", container), {})

    def copy_tar(self, container: str, path: str) -> Iterator[bytes]:
        """`GET /containers/ID/archive` of an `os.fsdecode`d path; yields the archive's bytes."""
        url = self._url("/containers/{0}/archive", container)
        yield from self._tar(url, {"path": os.fsencode(path)})

    def _tar(self, url: str, params: Mapping[str, Any]) -> Iterator[bytes]:
        # Leaving the block closes the connection, should the archive not be read to its end.
        with self._get(url, params=params, stream=True) as response:
            self._raise_for_status(response)
            yield from response.iter_content(CHUNK_BYTES)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


def connect(base_url: str, tls: TlsFiles | None, timeout: float | None = None) -> Api:
    """Connect, agreeing on the API version; call it within `failures`.

    Each answer may take `timeout` seconds, or for None as long as it likes, as the docker CLI
    has it.
    """
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
        use_ssh_client=True,
    )


@contextmanager
def failures(base_url: str) -> Iterator[None]:
    """Raise the SDK's and the connection's errors as ours, with the engine's own message."""
    try:
        yield
    except APIError as error:
        raise _translated(error) from error
    except (
        DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise EngineUnavailableError(
            f"Cannot connect to the Docker daemon at {base_url}: {error}",
            hint="Is it running? `%docker context ls` lists the engines that can be used.",
        ) from error


def _translated(error: APIError) -> ContainerMagicsError:
    message = str(error.explanation or error)
    status = error.response.status_code if error.response is not None else 0
    if status == requests.codes.not_found:
        return NotFoundError(message)
    if status == requests.codes.conflict:
        return ConflictError(message)
    if status == requests.codes.bad_request:
        return UsageError(message)
    return ContainerMagicsError(message)


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


def plain_socket(connection: _HasDescriptor) -> socket.socket:
    """A second handle on the socket below a response or stream; the caller closes it."""
    return socket.socket(fileno=os.dup(connection.fileno()))


def abort_on_cancel(api: Api, cancel: Cancellation) -> None:
    """Cut this client's answers short when the verb is cancelled; the engine then stops too."""

    def watch(response: requests.Response, *_: object, **__: object) -> None:
        def abort() -> None:
            with suppress(OSError, ValueError, urllib3.exceptions.HTTPError):
                handle = plain_socket(response.raw)
                with handle:
                    handle.shutdown(socket.SHUT_RDWR)

        cancel.on_cancel(abort)

    api.hooks["response"].append(watch)
