"""The kernel's side of the deputy: a process that is root over the files of the user's sub-UIDs.

There is one for this process, started when it is first needed, whichever store it works on; see
`sandbox.launcher.deputy` for what it does. It ends with this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..sandbox.launcher import mapping
from ..sandbox.launcher.start import start

__all__ = [
    "Fact",
    "Taken",
    "give",
    "is_possible",
    "open_file",
    "remove",
    "remove_empty_file",
    "take",
]

_LENGTH = struct.Struct("<I")


class Fact(NamedTuple):
    """What a file shall have: owner, permission bits, extended attributes."""

    path: str
    uid: int
    gid: int
    mode: int
    xattrs: Mapping[str, bytes]


class Taken(NamedTuple):
    """What a file had when it was taken: its stamp, owner, mode, and `security.capability`."""

    stamp: tuple[int, int, int, int]
    uid: int
    gid: int
    mode: int
    capability: bytes


def is_possible() -> bool:
    """Whether this user has sub-UIDs and the programs that map them."""
    return mapping.can_map()


def give(directory: Path, facts: Sequence[Fact]) -> dict[str, tuple[int, int, int, int]]:
    """Give files of the user to others; their stamps afterwards (see `scan.Stamp`), by path.

    Raises:
        OSError: it could not be done, wholly or in part.
    """
    rows = [
        (path, uid, gid, mode, {name: value.hex() for name, value in xattrs.items()})
        for path, uid, gid, mode, xattrs in facts
    ]
    answer, _ = _ask({"give": os.fspath(directory), "facts": rows})
    return {path: tuple(stamp) for path, stamp in answer["stamps"].items()}


def take(directory: Path) -> dict[str, Taken]:
    """Make all that lies below a directory the user's, readable, writable and removable.

    Returns:
        What was lost by that, by path: nothing for a file of root's with an ordinary mode.

    Raises:
        OSError: it could not be done, wholly or in part.
    """
    answer, _ = _ask({"take": os.fspath(directory)})
    return {
        path: Taken(tuple(stamp), uid, gid, mode, bytes.fromhex(capability))
        for path, (stamp, uid, gid, mode, capability) in answer["taken"].items()
    }


def open_file(root: Path, path: str) -> int:
    """A descriptor of a regular file below a directory, as `launcher.inroot.open_file_below`."""
    _, handles = _ask({"open": os.fspath(root), "path": path})
    return handles[0]


def remove(directory: Path) -> None:
    """Delete a directory of the store's with all that is in it.

    Raises:
        OSError: something in it belongs to somebody else still.
    """
    _ask({"remove": os.fspath(directory)})


def remove_empty_file(root: Path, path: str) -> None:
    """Remove an empty file inside a root, as `launcher.inroot.remove_empty_file`."""
    _ask({"empty": os.fspath(root), "path": path})


class _Deputy:
    """The process, and the socket to it; one request at a time."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the deputy is
        self._control, theirs = socket.socketpair()
        self._child = start("deputy", theirs, self._log)

    def ask(self, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
        try:
            data = json.dumps(request).encode()
            self._control.sendall(_LENGTH.pack(len(data)) + data)
            data, handles, _, _ = socket.recv_fds(self._control, 1 << 16, 1)
            while data and (len(data) < 4 or len(data) < 4 + _LENGTH.unpack_from(data)[0]):
                more = self._control.recv(1 << 20)
                if not more:
                    break
                data += more
        except ConnectionError:
            data, handles = b"", []
        if len(data) < 4 or len(data) < 4 + _LENGTH.unpack_from(data)[0]:
            raise OSError(
                f"the process that works on files of sub-UIDs ended: {self._last_words()}"
            )
        answer: dict[str, Any] = json.loads(data[4:])
        return answer, handles

    def _last_words(self) -> str:
        self._child.wait()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 2000))
        return self._log.read().decode("utf-8", "replace").strip() or "it said nothing"

    def close(self) -> None:
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        self._child.wait()
        self._log.close()


_lock = threading.Lock()
_running: dict[int, _Deputy] = {}  # by PID of its parent: after a fork, the child starts its own


def _ask(request: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
    with _lock:
        pid = os.getpid()
        if pid not in _running:
            _running[pid] = _Deputy()
        try:
            answer, handles = _running[pid].ask(request)
        except BaseException:  # An interrupt too: the answer would be taken for the next one's.
            _running.pop(pid).close()
            raise
    if "error" in answer:
        place = next(iter(request.values()))
        raise OSError(answer["errno"], f"{answer['error']} (as root of the sub-UIDs)", place)
    return answer, handles
