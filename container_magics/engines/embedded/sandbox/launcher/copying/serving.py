"""One request of a client, answered in a container (see `messages`)."""

from __future__ import annotations

import os
import posixpath
import resource
import stat
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from .messages import Item, packed, received
from .packing import pack
from .paths import Root
from .unpacking import CannotCopyError, Unpacking

__all__ = ["serve"]

_TOP = 3
_MANY = 1 << 12


def serve(top: int, binds: Mapping[str, str]) -> NoReturn:
    """Answer the request on standard input; never returns.

    Args:
        top: a descriptor of the container's root.
        binds: what PRoot shows over it (`paths.Root`).
    """
    code = 1
    try:
        if top != _TOP:
            os.dup2(top, _TOP)
        os.closerange(_TOP + 1, _MANY)  # Nothing of the supervisor's is in a container's reach.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        os.umask(0)
        _answer(Root(_TOP, binds))
        code = 0
    finally:
        os._exit(code)


def _answer(root: Root) -> None:
    try:
        asked = received(_read)
        {"status": _status, "pack": _pack, "unpack": _unpack}[asked["do"]](root, asked)
    except _MissingError:
        _tell({"error": asked["path"], "kind": "missing"})
    except (CannotCopyError, ValueError) as error:
        _tell({"error": str(error), "kind": ""})
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = f"{error.filename}: " if error.filename else ""
        _tell({"error": where + reason, "kind": ""})


class _MissingError(Exception):
    """The path that was asked for is not there."""


def _found(root: Root, path: str, *, follow: bool) -> tuple[str, os.stat_result]:
    try:
        place = root.resolve(path, follow=follow)
        return place, root.status(place)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _MissingError from error


def _status(root: Root, asked: Mapping[str, Any]) -> None:
    place, status = _found(root, asked["path"], follow=False)
    link = root.resolve(place) if stat.S_ISLNK(status.st_mode) else ""
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    _tell({"size": size, "mode": status.st_mode, "link": link})


def _pack(root: Root, asked: Mapping[str, Any]) -> None:
    place, _ = _found(root, asked["path"], follow=False)
    _tell({"name": posixpath.basename(place)})
    pack(root, place, _tell, _write)
    _tell(None)


def _unpack(root: Root, asked: Mapping[str, Any]) -> None:
    place, status = _found(root, asked["path"], follow=True)
    if not stat.S_ISDIR(status.st_mode):
        raise CannotCopyError("extraction point is not a directory")
    _refuse_read_only(place, asked["mounts"], read_only=asked["read_only"])
    _tell({})
    unpacking = Unpacking(root, place)
    while (values := received(_read)) is not None:
        item = Item(*values)
        unpacking.put(item, _read_some)
    unpacking.finish()
    _tell({})


def _refuse_read_only(place: str, mounts: Sequence[tuple[str, bool]], *, read_only: bool) -> None:
    """Refuse to write where the container is not to, in Docker's words."""
    for target, writable in sorted(mounts, reverse=True):
        if f"{place}/".startswith(target.rstrip("/") + "/"):
            if not writable:
                raise CannotCopyError("mounted volume is marked read-only")
            return
    if read_only:
        raise CannotCopyError("container rootfs is marked read-only")


def _read_some(count: int) -> bytes:
    data = os.read(0, count)
    if not data:
        os._exit(1)  # The client has gone: nobody would hear of it.
    return data


def _read(count: int) -> bytes:
    parts = []
    while count:
        parts.append(_read_some(count))
        count -= len(parts[-1])
    return b"".join(parts)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _tell(message: Any) -> None:  # noqa: ANN401 - JSON
    _write(packed(message))
