"""What is asked of a container that runs, through its shim."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ....errors import ConflictError, SandboxError
from ...events import Cancellation
from ..sandbox.shims import Shim
from ..storage.container_records import ContainerRow
from .signals import signal_number
from .streaming import outcome

__all__ = ["kill", "pause", "shim_for_exec", "shim_of", "stop", "unpause", "wait"]

_STOP_SECONDS = 10


def shim_of(row: ContainerRow) -> Shim:
    """The shim of a container that runs.

    Raises:
        ConflictError: it does not.
    """
    shim = Shim.of(row.directory) if row.running else None
    if shim is None:
        raise ConflictError(f"Container {row.id} is not running")
    return shim


@contextmanager
def _asking(row: ContainerRow) -> Iterator[Shim]:
    """The same, also where it ends before it is asked."""
    with shim_of(row) as shim:
        try:
            yield shim
        except SandboxError as error:
            if row.running:
                raise
            raise ConflictError(f"Container {row.id} is not running") from error


def stop(row: ContainerRow, seconds: int | None = None) -> None:
    """See `ContainerVerbs.stop`."""
    if not row.running:
        return
    config = row.detail["Config"]
    if seconds is None:
        seconds = config.get("StopTimeout", _STOP_SECONDS)
    number = _stop_signal(row)
    with suppress(ConflictError), _asking(row) as shim:  # It may just have ended.
        shim.ask("stop", signal=number, seconds=seconds)
        outcome(shim, row)


def kill(row: ContainerRow, number: int, shown: str) -> None:
    """See `ContainerVerbs.kill`; errors call the container what is `shown`."""
    try:
        with _asking(row) as shim:
            if number == signal.SIGKILL:
                shim.ask("wait")
                shim.ask("kill", signal=number, by_hand=True)
                outcome(shim, row)
            else:
                shim.ask("kill", signal=number, by_hand=number == _stop_signal(row))
                shim.answer()
    except ConflictError as error:
        raise ConflictError(f"Cannot kill container: {shown}: {error.message}") from error


def pause(row: ContainerRow, rung: str) -> None:
    """See `ContainerVerbs.pause`; on the rung `proot` nothing can."""
    with shim_of(row) as shim:
        state = row.state()
        if state["Paused"]:
            raise ConflictError(f"Container {row.id} is already paused")
        if state["Restarting"]:
            raise _restarting(row)
        if rung == "proot":
            raise ConflictError("pause: PRoot, which traces the processes, cannot stand still")
        shim.ask("pause")
        if not (shim.answer() or {}).get("still"):
            raise ConflictError(f"Container {row.id} has a process that does not stand still")


def unpause(row: ContainerRow) -> None:
    """See `ContainerVerbs.unpause`."""
    if not row.state()["Paused"]:
        raise ConflictError(f"Container {row.id} is not paused")
    with shim_of(row) as shim:
        shim.ask("unpause")
        shim.answer()


def wait(row: ContainerRow, cancel: Cancellation) -> int:
    """See `ContainerVerbs.wait`."""
    with suppress(ConflictError), _asking(row) as shim:
        shim.ask("wait")
        cancel.on_cancel(shim.hang_up)
        return int(outcome(shim, row, cancel)["exit"])
    return int(row.state()["ExitCode"])


def shim_for_exec(row: ContainerRow) -> Shim:
    """The shim of a container in which more can be run.

    Raises:
        ConflictError: it does not run, or stands still.
    """
    state = row.state()
    if state["Paused"]:
        raise ConflictError(f"Container {row.name} is paused, unpause the container before exec")
    if state["Restarting"]:
        raise _restarting(row)
    return shim_of(row)


def _restarting(row: ContainerRow) -> ConflictError:
    return ConflictError(f"Container {row.id} is restarting, wait until the container is running")


def _stop_signal(row: ContainerRow) -> int:
    return signal_number(row.detail["Config"].get("StopSignal") or "TERM")
