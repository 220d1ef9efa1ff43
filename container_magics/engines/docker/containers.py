"""`docker run` in the foreground: create, attach, start, stream, wait, remove."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import (
    ConflictError,
    ContainerMagicsError,
    EngineUnavailableError,
    NotFoundError,
    RunError,
)
from ...reference import parse
from ..base import Cancellation, Emit, Message, Output, RunRequest, RunResult
from .pulling import pull

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["run"]

ENGINE_FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
INTERRUPTED = 130
STDIN_CHUNK_BYTES = 1 << 16


def run(engine: DockerEngine, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
    """Run a container to its end; a cancellation kills it.

    Raises:
        RunError: it could not be started, with the exit status that `docker run` would have.
        ConflictError: the name is in use.
        PullError: the image is not there and cannot be pulled.
    """
    container = _create(engine, request, emit, cancel)
    try:
        if cancel.cancelled:
            raise RunError("cancelled before the container started", returncode=INTERRUPTED)
        return RunResult(container, _run_created(engine, container, request, emit, cancel))
    finally:
        if request.remove:
            with suppress(NotFoundError), engine.calling() as api:
                api.remove_container(container, v=True, force=True)


def _create(engine: DockerEngine, request: RunRequest, emit: Emit, cancel: Cancellation) -> str:
    try:
        return _create_once(engine, request, emit)
    except NotFoundError as error:
        if not error.message.lower().startswith("no such image"):
            raise
        wanted = parse(request.image).with_default_tag()
    emit(Message(f"Unable to find image '{wanted.familiar}' locally"))
    pull(engine, wanted.familiar, emit, cancel)
    return _create_once(engine, request, emit)


def _create_once(engine: DockerEngine, request: RunRequest, emit: Emit) -> str:
    try:
        with engine.calling() as api:
            answer: dict[str, Any] = api.create_container(
                request.image,
                command=list(request.command) or None,
                entrypoint=None if request.entrypoint is None else [request.entrypoint],
                environment=dict(request.environment),
                working_dir=request.workdir or None,
                user=request.user or None,
                name=request.name or None,
                hostname=request.hostname or None,
                stdin_open=request.stdin is not None,
                host_config=api.create_host_config(
                    binds=[
                        f"{mount.source}:{mount.target}" + (":ro" if mount.read_only else "")
                        for mount in request.mounts
                    ],
                    network_mode=request.network,
                ),
            )
    except (NotFoundError, ConflictError, EngineUnavailableError):
        raise
    except ContainerMagicsError as error:
        # Podman has no status of its own for it.
        if "is already in use" in error.message:
            raise ConflictError(error.message) from error
        raise RunError(error.message, returncode=ENGINE_FAILED) from error
    for warning in answer.get("Warnings") or ():
        emit(Message(f"WARNING: {warning}"))
    return str(answer["Id"])


def _run_created(
    engine: DockerEngine, container: str, request: RunRequest, emit: Emit, cancel: Cancellation
) -> int:
    from docker.utils.socket import frames_iter

    def kill() -> None:
        # Not running yet, or no more: `start` looks again, and an end needs no help.
        with suppress(ConflictError, NotFoundError), engine.calling() as api:
            api.kill(container)

    streams = {"stdout": 1, "stderr": 1, "stream": 1, "stdin": int(request.stdin is not None)}
    with _starting(), engine.calling() as api:
        attached = api.attach_socket(container, params=streams)
    with closing(attached):
        cancel.on_cancel(kill)
        with _starting(), engine.calling() as api:
            api.start(container)
        if cancel.cancelled:
            kill()
        if request.stdin is not None:
            feed = threading.Thread(
                target=_feed, args=(request.stdin, attached), name="docker-stdin", daemon=True
            )
            feed.start()
        with engine.calling() as api:
            for stream, data in frames_iter(attached, tty=False):  # type: ignore[no-untyped-call]  # the SDK's
                emit(Output(stream, data))
            return int(api.wait(container, timeout=None)["StatusCode"])


@contextmanager
def _starting() -> Iterator[None]:
    """Raise the engine's refusal with the status of `docker run`; Podman starts when attaching."""
    try:
        yield
    except EngineUnavailableError:
        raise
    except ContainerMagicsError as error:
        message = error.message.lower()
        returncode = ENGINE_FAILED
        if "executable file not found" in message or "no such file or directory" in message:
            returncode = NOT_FOUND
        elif "permission denied" in message or "is a directory" in message:
            returncode = NOT_EXECUTABLE
        raise RunError(error.message, returncode=returncode) from error


def _feed(source: BinaryIO, attached: io.RawIOBase | socket.socket) -> None:
    """Copy standard input to the container, then close its end of it."""
    from .api import plain_socket

    read = getattr(source, "read1", source.read)
    # The container may end, and its connection close, before it has read everything.
    with suppress(OSError), plain_socket(attached) as plain:
        # A TLS socket encrypts; the other kind is for reading only.
        writer = attached if isinstance(attached, socket.socket) else plain
        while data := read(STDIN_CHUNK_BYTES):
            writer.sendall(data)
        plain.shutdown(socket.SHUT_WR)
