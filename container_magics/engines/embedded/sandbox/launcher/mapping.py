"""A user namespace with a range of sub-UIDs: real owners for an ordinary user (rung `subuid`).

ID 0 is the user, 1 and up are the ranges that /etc/subuid and /etc/subgid give them (subuid(5),
user_namespaces(7)). Only `newuidmap` and `newgidmap` may write such a map, from outside the
namespace, so a child that has stayed there runs them. `setgroups` stays allowed.
"""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path

from . import kernel
from .program import CannotStartError, find_program

__all__ = ["PROGRAMS", "SUBGID", "SUBUID", "can_map", "count", "has_program", "ranges", "unshare"]

SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"
PROGRAMS = {"newuidmap": SUBUID, "newgidmap": SUBGID}
"""The programs that write the two maps, and the files in which they look."""


def ranges(file: str) -> list[tuple[int, int]]:
    """The ranges (first ID, how many) that a file such as /etc/subuid gives this user."""
    uid = os.geteuid()
    names = {str(uid)}
    with suppress(KeyError):  # A user without an entry in /etc/passwd.
        names.add(pwd.getpwuid(uid).pw_name)
    try:
        rows = [line.split(":") for line in Path(file).read_text().splitlines()]
    except OSError:
        return []
    return [
        (int(row[1]), int(row[2]))
        for row in rows
        if len(row) == 3 and row[0] in names and row[1].isdigit() and row[2].isdigit()
    ]


def count(file: str) -> int:
    """How many IDs a namespace of this user has: 0 to `count - 1`."""
    return 1 + sum(size for _, size in ranges(file))


def can_map() -> bool:
    """Whether this is an ordinary user who has all that a map needs."""
    return os.geteuid() != 0 and all(
        has_program(program) and ranges(file) for program, file in PROGRAMS.items()
    )


def has_program(name: str) -> bool:
    """Whether a program is in PATH."""
    try:
        find_program(name, os.environ.get("PATH", os.defpath), os.stat)
    except CannotStartError:
        return False
    return True


def unshare(flags: int) -> None:
    """Leave namespaces (unshare(2)), also for a user namespace with this user's whole map.

    Raises:
        OSError: the kernel, `newuidmap` or `newgidmap` refuses; the text says what it said.
    """
    pid, ids = os.getpid(), {"newuidmap": os.geteuid(), "newgidmap": os.getegid()}
    go_read, go_write = os.pipe2(os.O_CLOEXEC)
    said_read, said_write = os.pipe2(os.O_CLOEXEC)
    helper = os.fork()
    if helper == 0:
        code = 1
        try:
            os.close(go_write)
            os.dup2(said_write, 1)
            os.dup2(said_write, 2)
            if os.read(go_read, 1):
                code = int(any(_write_map(name, pid, own) for name, own in ids.items()))
        except OSError as error:
            os.write(2, str(error).encode())
        finally:
            os._exit(code)
    os.close(go_read)
    os.close(said_write)
    try:
        kernel.unshare(flags | kernel.CLONE_NEWUSER)
        os.write(go_write, b"1")
    finally:
        os.close(go_write)
        with os.fdopen(said_read, "rb") as said:
            words = said.read().decode("utf-8", "replace").strip()
        _, outcome = os.waitpid(helper, 0)
    if outcome:
        raise OSError(f"the user namespace got no map: {words}")


def _write_map(program: str, pid: int, own: int) -> int:
    """Run one of the two programs; its exit status."""
    words, inside = [0, own, 1], 1
    for first, size in ranges(PROGRAMS[program]):
        words += [inside, first, size]
        inside += size
    return os.spawnvp(  # noqa: S606 - a program, without a shell on purpose
        os.P_WAIT, program, [program, str(pid), *(str(word) for word in words)]
    )
