"""A process in a user namespace with sub-UIDs that acts on files the kernel's process may not.

On the rung `subuid` files of layers belong to sub-UIDs of the user. To the notebook's kernel these
are strangers: it can neither change owners, nor read what is theirs alone, nor empty their
directories. This process, exec'd once like the launcher, is root over them.

Messages are JSON behind a four-byte length; a file travels beside its answer (SCM_RIGHTS).

    {"give": directory, "facts": [[path, uid, gid, mode, {xattr: hex}], …]}
        owners, modes and attributes to files of the user; → {"stamps": {path: stamp}}
    {"take": directory}
        everything back to the user; → {"taken": {path: [stamp, uid, gid, mode, capability hex]}}
        of the files where owner, mode or capability say more than the user's own file would
    {"open": directory, "path": path}   → {} and a descriptor
    {"remove": directory}               → {}
    {"empty": directory, "path": path}  → {}, see `inroot.remove_empty_file`

An error is {"error": text, "errno": number}. A stamp is [inode, change time in ns, size, mode], as
`snapshots.scan.Stamp` has it. Nobody else writes to the directories meanwhile.
"""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import files, mapping
from .inroot import open_file_below, remove_empty_file

__all__ = ["main"]

_LENGTH = struct.Struct("<I")
_CAPABILITY = "security.capability"
_DEVICES = (stat.S_IFCHR, stat.S_IFBLK)  # whiteouts: who owns them makes no difference


def _give(request: dict[str, Any]) -> dict[str, Any]:
    paths = []
    for path, uid, gid, mode, xattrs in request["facts"]:
        full = f"{request['give']}/{path}"
        try:
            kind = stat.S_IFMT(os.lstat(full).st_mode)
        except FileNotFoundError:
            continue  # A container has it, and has deleted it.
        if kind in _DEVICES:
            continue
        os.chown(full, uid, gid, follow_symlinks=False)
        if kind != stat.S_IFLNK:
            os.chmod(full, mode)
        for name, value in xattrs.items():
            with suppress(OSError):  # Not for users, or not on this file system: as in Docker.
                os.setxattr(full, name, bytes.fromhex(value), follow_symlinks=False)
        paths.append(path)
    stamps = {path: files.stamp_of(os.lstat(f"{request['give']}/{path}")) for path in paths}
    return {"stamps": stamps}


def _take(request: dict[str, Any]) -> dict[str, Any]:
    taken: dict[str, list[Any]] = {}
    links: dict[int, list[Any]] = {}
    for path, full in files.walk(request["take"]):
        status = os.lstat(full)
        kind = stat.S_IFMT(status.st_mode)
        if kind in _DEVICES:
            continue
        if status.st_ino in links:
            taken[path] = links[status.st_ino]
            continue
        needed = {stat.S_IFDIR: 0o700, stat.S_IFLNK: 0}.get(kind, 0o600)
        strange = (status.st_uid, status.st_gid) != (0, 0)
        locked = status.st_mode & needed != needed and kind != stat.S_IFLNK
        capability = ""
        if kind == stat.S_IFREG and status.st_mode & 0o111:
            with suppress(OSError):
                capability = os.getxattr(full, _CAPABILITY, follow_symlinks=False).hex()
        if not (strange or locked or capability):
            continue
        fact = [files.stamp_of(status), status.st_uid, status.st_gid, status.st_mode, capability]
        taken[path] = fact
        if kind != stat.S_IFDIR and status.st_nlink > 1:
            links[status.st_ino] = fact
        if strange:
            os.chown(full, 0, 0, follow_symlinks=False)
        if kind != stat.S_IFLNK and (strange or locked):
            os.chmod(full, stat.S_IMODE(status.st_mode) | needed)
    return {"taken": taken}


def _remove(request: dict[str, Any]) -> dict[str, Any]:
    files.remove(request["remove"])
    return {}


def _remove_empty(request: dict[str, Any]) -> dict[str, Any]:
    root = os.open(request["empty"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_empty_file(root, request["path"])
    finally:
        os.close(root)
    return {}


_ACTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "give": _give,
    "take": _take,
    "remove": _remove,
    "empty": _remove_empty,
}


def _answer(control: socket.socket, request: dict[str, Any]) -> None:
    handles: list[int] = []
    try:
        if "open" in request:
            handles.append(open_file_below(request["open"], request["path"]))
            answer: dict[str, Any] = {}
        else:
            (action,) = _ACTIONS.keys() & request.keys()
            answer = _ACTIONS[action](request)
    except OSError as error:
        answer = {"error": error.strerror or str(error), "errno": error.errno or 0}
    data = json.dumps(answer).encode()
    data = _LENGTH.pack(len(data)) + data
    sent = socket.send_fds(control, [data], handles) if handles else 0
    control.sendall(data[sent:])
    for handle in handles:
        os.close(handle)


def main() -> None:
    """Serve the socket whose descriptor is the second argument until the parent is gone."""
    control = socket.socket(fileno=int(sys.argv[2]))
    control.set_inheritable(False)
    parent = os.pidfd_open(int(sys.argv[3]))
    try:
        mapping.unshare(0)
    except OSError as error:
        sys.exit(str(error))
    data = b""
    while True:
        ready, _, _ = select.select([control.fileno(), parent], [], [])
        if parent in ready or not (more := control.recv(1 << 16)):
            return
        data += more
        if len(data) >= 4:
            (length,) = _LENGTH.unpack_from(data)
            if len(data) >= 4 + length:
                request, data = json.loads(data[4 : 4 + length]), data[4 + length :]
                _answer(control, request)
