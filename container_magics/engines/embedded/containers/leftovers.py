"""What a shim that was killed has left: processes on their way out, and control groups."""

from __future__ import annotations

import time

from ....errors import ConflictError, StoreError
from ..sandbox.launcher import cgroups
from ..sandbox.launcher.shim.record import groups_of, is_alive, is_elsewhere
from ..storage.container_records import ContainerRow

__all__ = ["clear_leftovers"]

_GONE_SECONDS = 10
_POLL_SECONDS = 0.005


def clear_leftovers(row: ContainerRow) -> None:
    """Wait for the last processes of a container that has ended, and remove its control groups.

    Raises:
        ConflictError: a process does not end, or it has been started again.
        StoreError: something in a group does not end.
    """
    supervisor = row.state().get("Supervisor")
    deadline = time.monotonic() + _GONE_SECONDS
    while supervisor and not is_elsewhere(supervisor) and is_alive(supervisor):
        if row.running:
            raise ConflictError(f"Container {row.id} has been started meanwhile")
        if time.monotonic() > deadline:
            raise ConflictError(f"Container {row.id} has a process that does not end")
        time.sleep(_POLL_SECONDS)
    try:
        cgroups.remove(groups_of(row.directory))
    except OSError as error:
        raise StoreError(f"the control group of {row.name} is still in use: {error}") from error
