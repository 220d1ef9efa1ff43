"""What a rung cannot do: the table of docs/differences.md, for `container-magics doctor`."""

from __future__ import annotations

__all__ = ["LIMITS", "limits_of"]

LIMITS: dict[str, tuple[str, ...]] = {
    "`--network none`, `--shm-size` and the size of a tmpfs": ("chroot", "proot"),
    "a host name and a /dev/shm of one's own": ("chroot", "proot"),
    "read-only mounts: a container gets a copy that is thrown away": ("chroot", "proot"),
    "`-v` for writing": ("chroot",),
    "/proc of processes, /sys, /dev/stdout, /dev/fd": ("chroot",),
    "making device nodes": ("subuid",),
    "users beyond the range in /etc/subuid": ("subuid",),
    "keeping a USER from files that Docker would refuse": ("oneuid", "proot"),
    "owners of files made by 32-bit programs, openat2 or O_TMPFILE": ("oneuid", "proot"),
    "set-user-ID programs, and chroot inside a container": ("proot",),
    "ports below 1024": ("subuid", "oneuid", "proot"),
    "a security boundary": ("chroot", "oneuid", "proot"),
}
"""What is missing, and on which rungs; `root` misses nothing of it."""


def limits_of(rung: str) -> tuple[str, ...]:
    """What one rung cannot do."""
    return tuple(what for what, rungs in LIMITS.items() if rung in rungs)
