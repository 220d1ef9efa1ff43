"""What a container needs of its root, tried in one: the launcher's side of choosing a rung.

`sandbox.rungs` makes the directories; this runs as the container's first process, in the root.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["GONE", "OPAQUE", "WRITTEN", "check"]

GONE = "gone"
OPAQUE = "opaque"
WRITTEN = "written"


def check(*, overlay: bool, processes: bool) -> None:
    """Read, write, and on an overlay hide and remove files of lower layers.

    Args:
        overlay: whether the root is an overlay.
        processes: whether /proc must show processes.

    Raises:
        OSError: something does not work; the message says what.
    """
    Path(WRITTEN).write_text(WRITTEN)
    Path("/dev/null").write_text(WRITTEN)
    if processes and not Path("/proc/self/status").exists():
        raise OSError("/proc is empty")
    if not overlay:
        return
    if os.path.lexists(GONE):
        raise OSError("overlayfs does not see whiteouts")
    if (found := [path.name for path in Path(OPAQUE).iterdir()]) != ["new"]:
        raise OSError(f"overlayfs does not see opaque directories: {found}")
    Path(OPAQUE, "new").unlink()
    Path(OPAQUE).rmdir()
    Path(OPAQUE).mkdir()
