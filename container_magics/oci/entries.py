"""A file system object as a layer describes it, and the paths that it may have.

Times are whole seconds since the epoch, as Docker writes layers; sizes are bytes.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import CorruptArchiveError

__all__ = ["MAX_PATH", "NO_XATTRS", "Entry", "clean_path"]

MAX_PATH = 4096
NO_XATTRS: Mapping[str, bytes] = {}
_CLEAN = re.compile(r"(?:[^./\0][^/\0]*/)*[^./\0][^/\0]*")


class Entry(NamedTuple):
    """One file system object as a layer describes it.

    Attributes:
        path: relative, clean (no `.`, `..`, leading or doubled slash); bytes that are not UTF-8
            are surrogate-escaped, as `os.fsdecode` does.
        mode: file type and permission bits, as in `stat.st_mode`; type 0 is a hard link.
        size: bytes of content of a regular file, else 0.
        link: target of a symlink as written, or of a hard link as a clean path.
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
    xattrs: Mapping[str, bytes] = NO_XATTRS

    @property
    def kind(self) -> int:
        """The file type: `stat.S_IFREG`, …; 0 for a hard link."""
        return stat.S_IFMT(self.mode)


def clean_path(path: str) -> str:
    """A member's path as a clean relative one; the root itself is "".

    Raises:
        CorruptArchiveError: it climbs out with `..`, holds a zero byte, or is too long for Linux.
    """
    if len(path) > MAX_PATH:
        raise CorruptArchiveError(
            f"archive member with a path of {len(path)} characters: {path[:80]}…"
        )
    if "\0" in path:
        raise CorruptArchiveError(f"archive member with a zero byte in its path: {path[:80]!r}")
    parts: list[str] = []
    if _CLEAN.fullmatch(path):
        return path
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                raise CorruptArchiveError(f"archive member climbs out of the root: {path!r}")
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
