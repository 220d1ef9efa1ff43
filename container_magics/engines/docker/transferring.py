"""What pulling and pushing through the engine share: its events as ours, and how they fail."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors import ContainerMagicsError, EngineUnavailableError, RegistryError
from ..events import Cancellation, Emit, Message, PullProgress

if TYPE_CHECKING:
    from docker import APIClient

    from .connection import Connection

__all__ = ["NO_ACCESS", "transfer", "way_through"]

NO_ACCESS = re.compile(r"denied|unauthorized|no basic auth credentials|forbidden")
"""What the engine says where a registry does not let one in."""


def transfer(
    engine: Connection,
    begin: Callable[[APIClient], Iterable[Mapping[str, Any]]],
    refused: Callable[[str], ContainerMagicsError],
    cancelled: RegistryError,
    emit: Emit,
    cancel: Cancellation,
) -> None:
    """Emit the engine's events until it is done.

    Args:
        engine: whom to ask.
        begin: asks, and gives the events.
        refused: the failure for what the engine says.
        cancelled: the failure where it was cancelled.
        emit: as in `engines.events`.
        cancel: as in `engines.events`.

    Raises:
        EngineUnavailableError: it cannot be reached.
    """
    if cancel.cancelled:
        raise cancelled
    said: list[str] = []
    try:
        with engine.calling(cancel) as api:
            _abort_before_the_answer(api, cancel)
            for event in begin(api):
                if "error" in event:
                    said.append(str(event["error"]))
                    break
                if "status" in event:
                    emit(_progress(event))
    except ContainerMagicsError as error:
        if cancel.cancelled:
            raise cancelled from error
        if isinstance(error, EngineUnavailableError):
            raise
        raise refused(error.message) from error
    if said:
        raise refused(said[0])
    if cancel.cancelled:
        raise cancelled


def way_through(registry: str, answer: str) -> str:
    """What to do where the engine's connection to a registry is refused by either side, or ""."""
    if "x509:" in answer:
        return (
            "the engine looks for the authority's certificate, on its own machine, in "
            f"/etc/docker/certs.d/{registry}/ca.crt"
        )
    if "server gave HTTP response to HTTPS client" in answer:
        return (
            f"if {registry} has no TLS and its network is trusted, put it into "
            '"insecure-registries" of the engine\'s /etc/docker/daemon.json; for Podman, into '
            "/etc/containers/registries.conf with insecure = true"
        )
    return ""


def _abort_before_the_answer(api: APIClient, cancel: Cancellation) -> None:
    """End a request that waits for the head of its answer too when the verb is cancelled.

    The engine sends none before the registry has said something. urllib3 has no other place where
    the connection that a request goes over can be had so early.
    """
    from requests.adapters import HTTPAdapter

    adapter: Any = api.get_adapter(api.base_url)
    method = "get_connection_with_tls_context"
    if not hasattr(HTTPAdapter, method):  # requests 2.31
        method = "get_connection"
    pool_of = getattr(adapter, method)

    def watched(*arguments: object, **options: object) -> Any:  # noqa: ANN401 - urllib3's own
        pool = pool_of(*arguments, **options)
        take = pool._get_conn

        def taken(*arguments: object, **options: object) -> Any:  # noqa: ANN401 - urllib3's own
            connection = take(*arguments, **options)
            cancel.on_cancel(lambda: _shut(connection.sock))
            return connection

        pool._get_conn = taken
        return pool

    setattr(adapter, method, watched)


def _shut(connection: socket.socket | None) -> None:
    """End a connection, also for the thread that waits on it."""
    from .hijacking import plain_socket

    if connection is not None:
        with suppress(OSError), plain_socket(connection) as handle:
            handle.shutdown(socket.SHUT_RDWR)


def _progress(event: Mapping[str, Any]) -> Message | PullProgress:
    status, layer = str(event["status"]), str(event.get("id", ""))
    if not layer:
        return Message(status)
    if status.startswith("Pulling from"):
        return Message(f"{layer}: {status}")
    detail = event.get("progressDetail") or {}
    return PullProgress(
        layer, status, int(detail.get("current") or 0), int(detail.get("total") or 0)
    )
