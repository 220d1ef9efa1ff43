"""A working tree on the rung `chroot`, after files were shown in it and taken out again.

    ROOT/trees/N/shown   what the supervisor tells of that (see sandbox.launcher.chroot)

What an image has where a file was shown was put aside and back, and directories got their times
back. That sets change times, by which alone the files would be taken for changed.
"""

from __future__ import annotations

import json
from pathlib import Path

from .scan import Known, Stamp

__all__ = ["note_shown"]


def note_shown(directory: Path, paths: dict[str, Known]) -> bool:
    """Bring what is known of a tree up to date; whether there was anything to tell.

    Args:
        directory: the tree's, with `fs` in it.
        paths: what is known, as of before the files were shown.
    """
    report = directory / "shown"
    try:
        lines = report.read_text().splitlines()
    except FileNotFoundError:
        return False
    for line in lines:
        path, before, after = json.loads(line)
        known = paths.get(path)
        if known is not None and known.stamp == Stamp(*before):
            paths[path] = known._replace(stamp=Stamp(*after))
    report.unlink()
    return True
