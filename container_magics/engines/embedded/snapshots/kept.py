"""What a kept container has changed, read from the directory that `Workspace.keep` left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ....oci.split import read_entries
from ....oci.tar import Entry
from ..holding import Holding
from ..record import changes

__all__ = ["kept_changes"]


def kept_changes(directory: Path, holding: Holding) -> Iterator[Entry]:
    """The changes in tar order, whiteouts included; their content lies in the directory's `fs`."""
    split = directory / "split"
    if not split.exists():
        yield from changes(os.fspath(directory / "fs"), holding)
        return
    for entry, _ in read_entries(split):
        yield entry
