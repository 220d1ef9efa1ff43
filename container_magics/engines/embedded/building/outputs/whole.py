"""Files that are there when they are whole: written beside their place, then moved there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .....errors import UsageError
from ...storage.session import remove_tree

__all__ = ["beside", "whole_file"]


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write; on failure it is removed, and what was at its place stays.

    A device or a FIFO is written to as it is.

    Raises:
        UsageError: the path is a directory.
        OSError: it cannot be written.
    """
    path = path.resolve()
    if path.is_dir():
        raise UsageError(f"destination file {path} is a directory")
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    partial = _beside(path)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(partial, flags, 0o666), "wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new directory on the same file system as another, or as where that shall be.

    What is left of it is removed at the end.
    """
    directory = _beside(path / "output" if path.is_dir() else path)
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        remove_tree(directory)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}")
