"""The `docker` SDK's client, with types for what types-docker leaves out or untyped.

Importing this imports `docker` and `requests`.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import docker
import requests
from docker.utils.proxy import ProxyConfig

__all__ = ["Client", "chunks"]

CHUNK_BYTES = 1 << 20


class Client(docker.APIClient):
    """`docker.APIClient`, and how an answer is streamed that is not JSON."""

    _get: Callable[..., requests.Response]
    _post: Callable[..., requests.Response]
    _put: Callable[..., requests.Response]
    _url: Callable[..., str]
    _raise_for_status: Callable[[requests.Response], None]
    _stream_helper: Callable[..., Iterator[dict[str, Any]]]
    _get_raw_response_socket: Callable[[requests.Response], io.RawIOBase | socket.socket]
    _proxy_configs: ProxyConfig
    _retrieve_server_version: Callable[[], str]
    inspect_image: Callable[[str], dict[str, Any]]
    history: Callable[[str], list[dict[str, Any]]]
    prune_images: Callable[..., dict[str, Any]]
    prune_builds: Callable[..., dict[str, Any]]
    create_container_from_config: Callable[..., dict[str, Any]]
    inspect_container: Callable[..., dict[str, Any]]
    prune_containers: Callable[..., dict[str, Any]]
    update_container: Callable[..., dict[str, Any]]
    exec_create: Callable[..., dict[str, Any]]

    def _set_request_timeout(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        # To requests, REQUESTS_CA_BUNDLE counts for more than the authority of a session, but not
        # than one that is given with each request.
        return super()._set_request_timeout({"verify": self.verify, **kwargs})  # type: ignore[no-any-return,misc]

    def _streamed(self, url: str, params: Mapping[str, Any]) -> Iterator[bytes]:
        # Leaving the block closes the connection, should the answer not be read to its end.
        with self._get(url, params=params, stream=True) as response:
            self._raise_for_status(response)
            yield from response.iter_content(CHUNK_BYTES)


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """The pieces of a request's body."""
    while chunk := source.read(CHUNK_BYTES):
        yield chunk
