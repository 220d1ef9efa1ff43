"""`docker logs`: what a container wrote, as the engine kept it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from ....errors import ContainerMagicsError
from ...containers import LogRequest
from ...events import Cancellation, Emit, Output
from ..archives import reader
from ..hijacking import frames

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["logs"]


def logs(
    engine: Connection, name: str, request: LogRequest, emit: Emit, cancel: Cancellation
) -> None:
    """Emit what a container wrote; a cancellation ends the following."""
    try:
        with engine.calling(cancel) as api:
            tty = api.inspect_container(name)["Config"]["Tty"]
            with closing(api.log_chunks(name, _parameters(request))) as chunks:
                output = ((1, data) for data in chunks) if tty else frames(reader(chunks))
                for stream, data in output:
                    emit(Output(stream, data))
    except ContainerMagicsError:
        if not cancel.cancelled:
            raise


def _parameters(request: LogRequest) -> dict[str, Any]:
    return {
        "stdout": 1,
        "stderr": 1,
        "follow": int(request.follow),
        "timestamps": int(request.timestamps),
        "tail": "all" if request.tail is None else request.tail,
        "since": _moment(request.since),
        "until": _moment(request.until),
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.9f}"
