"""A container's state as a file, in the shape of the `State` that `docker inspect` prints.

The shim replaces the file whenever something changes, so that a reader sees one state or the next.
Its `Shim` says which process keeps it: a reader that finds no such process knows that the container
ended with it.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

__all__ = [
    "NAME",
    "NEVER",
    "NEW",
    "Record",
    "groups_of",
    "is_alive",
    "is_elsewhere",
    "named",
    "read_whole",
]

_CHUNK = 1 << 16
_MORE = 1 << 12
"""Bytes by which the next state may be longer than this one."""

NAME = "state.json"
_PARTIAL = f"{NAME}.partial"
NEVER = "0001-01-01T00:00:00Z"
"""How Docker writes a time that has not come yet."""

NEW = {
    "Status": "created",
    "Running": False,
    "Paused": False,
    "Restarting": False,
    "OOMKilled": False,
    "Dead": False,
    "Pid": 0,
    "ExitCode": 0,
    "Error": "",
    "StartedAt": NEVER,
    "FinishedAt": NEVER,
    "RestartCount": 0,
}
"""The state of a container that has never run."""


@cache
def _boot() -> str:
    return read_whole("/proc/sys/kernel/random/boot_id").decode().strip()


def _start_of(pid: int) -> int:
    """When a process began, in clock ticks since boot (proc(5)); 0 for one that has ended."""
    fields = read_whole(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return 0 if fields[0] in b"ZX" else int(fields[19])


def read_whole(path: str) -> bytes:
    """A small file's content, with as little to do as can be: `ps` reads hundreds."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(handle, _CHUNK):
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)


def named(pid: int) -> dict[str, Any]:
    """What names a process of this machine, as long as anybody may ask."""
    return {"Host": platform.node(), "Boot": _boot(), "Pid": pid, "Start": _start_of(pid)}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether a process is there, if it is not elsewhere."""
    if process["Boot"] != _boot():
        return False
    try:
        return _start_of(process["Pid"]) == int(process["Start"])
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_elsewhere(process: Mapping[str, Any]) -> bool:
    """Whether a process was noted on another machine, or on this one by another name."""
    return bool(process["Host"] != platform.node())


def groups_of(directory: Path) -> list[str]:
    """The control groups of a container's directory, that a shim leaves which is killed."""
    try:
        state = json.loads((directory / NAME).read_text())
    except (FileNotFoundError, ValueError):
        return []
    return list(state.get("Groups", ()))


class Record:
    """Keeps the file.

    Args:
        directory: a descriptor of the container's directory.
        ports: that are published, for readers.
    """

    def __init__(self, directory: int, ports: Sequence[Sequence[Any]]) -> None:
        self._directory = directory
        self.state: dict[str, Any] = {**NEW, "Ports": ports, "Shim": named(os.getpid())}

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - JSON values
        """Change the state, and write it, also to a disk that has become full since the last."""
        self.state.update(facts)
        status = self.state["Status"]
        self.state["Running"] = status in ("running", "paused", "restarting")
        self.state["Paused"] = status == "paused"
        self.state["Restarting"] = status == "restarting"
        text = json.dumps(self.state).encode()
        with suppress(OSError):  # There was no space to reserve, either.
            with self._partial() as file:
                file.write(text)
                file.truncate()
            os.replace(_PARTIAL, NAME, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            with self._partial() as file:
                os.posix_fallocate(file.fileno(), 0, len(text) + _MORE)

    def _partial(self) -> BinaryIO:
        """What the next state is written to: it has its blocks already."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        return open(os.open(_PARTIAL, flags, 0o600, dir_fd=self._directory), "wb")
