"""What goes over the two pipes between a client and the process in a container.

A message is JSON behind a four-byte length. A file is an `Item`; as many bytes as it has follow it.

    {"do": "status", "path"}  → {"size", "mode", "link"}
    {"do": "pack", "path"}    → {"name"}, an item each, null
    {"do": "unpack", "path", "read_only", "mounts": [[path, writable], …]}
                              → {}; then an item each, and null; → {}

In place of any answer {"error": text, "kind"} may come, where the kind is `missing` for a path that
is not there. Names that are not UTF-8 are surrogate-escaped.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Item", "packed", "received"]

_LENGTH = struct.Struct("<I")
_MOST = 4 << 20
_NO_XATTRS: Mapping[str, str] = {}


class Item(NamedTuple):
    """A file, as `oci.entries.Entry` describes it.

    Attributes:
        path: relative to the one that was asked for, "" for that itself.
        mode: as in `stat.st_mode`; a hard link has no type.
        mtime: seconds since the epoch.
        link: a symlink's text, or the path of a file with more names.
        xattrs: values in hexadecimal.
    """

    path: str
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    link: str = ""
    major: int = 0
    minor: int = 0
    xattrs: Mapping[str, str] = _NO_XATTRS


def packed(message: Any) -> bytes:  # noqa: ANN401 - JSON
    """A message as bytes."""
    data = json.dumps(message).encode()
    return _LENGTH.pack(len(data)) + data


def received(read: Callable[[int], bytes]) -> Any:  # noqa: ANN401 - JSON
    """The next message.

    Args:
        read: gives exactly so many bytes, unless it raises.

    Raises:
        ValueError: it is none.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > _MOST:
        raise ValueError(f"a message of {length} bytes")
    return json.loads(read(length))
