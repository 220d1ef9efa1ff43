"""What a process in a container writes and is fed, over a connection that was taken over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from ....errors import NotFoundError
from ...events import Cancellation, Emit, Output
from ..hijacking import frames

if TYPE_CHECKING:
    from ..api import Api
    from ..connection import Connection
    from ..hijacking import Hijacked

__all__ = ["attached", "emit_output", "ending", "feed"]


@contextmanager
def attached(api: Api, container: str, *, stdin: bool) -> Iterator[Hijacked]:
    """The streams of a container; Podman starts it now, where it does not run yet."""
    streams = {"stdout": 1, "stderr": 1, "stream": 1, "stdin": int(stdin)}
    with closing(api.hijack(container, streams)) as connection:
        yield connection


def feed(connection: Hijacked, source: BinaryIO, *, end: bool = True) -> None:
    """Copy standard input in a thread; with `end`, the process sees it end as well."""
    threading.Thread(
        target=connection.feed,
        args=(source,),
        kwargs={"end": end},
        name="docker-stdin",
        daemon=True,
    ).start()


def emit_output(connection: Hijacked, emit: Emit, *, tty: bool) -> None:
    """Emit what a process writes, until the engine ends the connection."""
    if tty:
        while data := connection.read():
            emit(Output(1, data))
        return
    for stream, data in frames(connection.read):
        emit(Output(stream, data))


@contextmanager
def ending(
    engine: Connection, data: Mapping[str, Any], cancel: Cancellation | None = None
) -> Iterator[Callable[[], int]]:
    """A function that waits for a container's end, and gives its exit status.

    Args:
        engine: the engine.
        data: what it says of the container. One that deletes itself is waited for from now on,
            and until it is gone; any other can still be asked when it has ended.
        cancel: ends the waiting.
    """
    container = str(data["Id"])
    if not data["HostConfig"].get("AutoRemove"):
        yield lambda: _wait(engine, container, "not-running", cancel)
        return
    with engine.calling(cancel) as api, closing(api.await_exit(container)) as response:

        def wait() -> int:
            status = int(response.json()["StatusCode"])
            with suppress(NotFoundError):
                _wait(engine, container, "removed", cancel)
            return status

        yield wait


def _wait(
    engine: Connection,
    container: str,
    condition: Literal["not-running", "removed"],
    cancel: Cancellation | None,
) -> int:
    with engine.calling(cancel) as api:
        return int(api.wait(container, timeout=None, condition=condition)["StatusCode"])
