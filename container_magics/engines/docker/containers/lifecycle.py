"""From start to removal, without streams: what `docker start`, `stop`, `rm` … do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ....errors import (
    ConflictError,
    ContainerMagicsError,
    NotFoundError,
    RunError,
    UnsupportedError,
)
from ...events import Cancellation
from ...run_request import RestartPolicy
from .starting import INTERRUPTED, starting

if TYPE_CHECKING:
    from ..api import Api
    from ..connection import Connection

__all__ = ["changing", "prune", "restart", "start", "stop", "update", "wait"]

_STATE_FORBIDS = re.compile(
    "is not (?:running|paused)|already (?:paused|in use)|has active endpoints|state improper"
)


@contextmanager
def changing(engine: Connection) -> Iterator[Api]:
    """The client, for what a state may forbid: docker and Podman say so with statuses of any kind.

    Raises:
        ConflictError: it does.
    """
    try:
        with engine.calling() as api:
            yield api
    except ContainerMagicsError as error:
        if type(error) is ContainerMagicsError and _STATE_FORBIDS.search(error.message):
            raise ConflictError(error.message) from error
        raise


def start(engine: Connection, name: str) -> None:
    """Start a container.

    Raises:
        RunError: it could not be started (125, 126, 127).
    """
    with starting(), changing(engine) as api:
        api.start(name)


def stop(engine: Connection, name: str, seconds: int | None) -> None:
    """Stop a container; there is no limit to how long the engine may take for it."""
    with engine.calling() as api:
        api.stop(name, timeout=seconds)


def restart(engine: Connection, name: str, seconds: int | None) -> None:
    """Stop a container and start it again.

    Raises:
        RunError: it could not be started.
    """
    with starting(), engine.calling() as api:
        api.restart_within(name, seconds)


def update(engine: Connection, name: str, restart: RestartPolicy) -> None:
    """Give a container another restart policy.

    Raises:
        UnsupportedError: it is a Podman that cannot.
    """
    policy = {"Name": restart.name, "MaximumRetryCount": restart.retries}
    try:
        with changing(engine) as api:
            api.update_container(name, restart_policy=policy)
    except NotFoundError as error:
        if error.message == "Not Found":
            raise UnsupportedError(
                "this engine cannot give a container another restart policy",
                hint="rm it, and run it with --restart.",
            ) from error
        raise


def prune(engine: Connection, until: float | None) -> tuple[tuple[str, ...], int]:
    """Delete what does not run (and was made before `until`); IDs, and the bytes it freed."""
    filters = {} if until is None else {"until": f"{until:.9f}"}
    with engine.calling() as api:
        answer: dict[str, Any] = api.prune_containers(filters=filters)
    deleted = tuple(map(str, answer.get("ContainersDeleted") or ()))
    return deleted, int(answer.get("SpaceReclaimed") or 0)


def wait(engine: Connection, name: str, cancel: Cancellation) -> int:
    """Wait until a container does not run; the exit status.

    Raises:
        RunError: it was cancelled (130).
    """
    try:
        with engine.calling(cancel) as api:
            return int(api.wait(name, timeout=None)["StatusCode"])
    except ContainerMagicsError as error:
        if not cancel.cancelled:
            raise
        raise RunError(f"wait for {name} cancelled", returncode=INTERRUPTED) from error
