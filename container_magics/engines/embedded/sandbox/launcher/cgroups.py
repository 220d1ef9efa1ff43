"""Control groups: how much memory, processor time and processes a container may have (cgroups(7)).

    version 1   a hierarchy for each controller; the container's group is made below this process'
    version 2   one hierarchy. A group that has processes can hand no controller on to those below,
                so the container's is made below the nearest one above this process' that does

A group that is made is gone at the container's end, with whatever is left in it. Where it was is
told before it is made, so that others can remove it should this process be killed.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Limits", "Used", "join", "make", "oom_kills", "open_doors", "plan", "remove", "used"]

_PREFIX = "container-magics-"
_PERIOD = 100_000  # microseconds, as Docker has it
_REMOVE_SECONDS = 5.0
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Limits(NamedTuple):
    """What a container may have; 0 is no limit.

    Attributes:
        memory: bytes; as much again of swap, as Docker has it.
        cpus: processors.
        pids: processes and threads.
    """

    memory: int = 0
    cpus: float = 0
    pids: int = 0

    @property
    def controllers(self) -> frozenset[str]:
        """The controllers that these need."""
        asked = {"memory": self.memory, "cpu": self.cpus, "pids": self.pids}
        return frozenset(name for name, limit in asked.items() if limit)


class Used(NamedTuple):
    """What a container's groups have counted, None where none has.

    Attributes:
        memory: bytes, without the page cache that can go.
        cpu: seconds.
        pids: processes and threads.
    """

    memory: int | None
    cpu: float | None
    pids: int | None


# --- where --------------------------------------------------------------------------------------


class _Hierarchy(NamedTuple):
    """A mounted hierarchy: where, this process' group in it, and what it controls."""

    top: str
    own: str
    controllers: frozenset[str]
    unified: bool


def plan(name: str, limits: Limits) -> dict[str, list[str]]:
    """The groups that a container is to have, and what each controls.

    Args:
        name: the last part of their names.
        limits: what they are for.

    Raises:
        OSError: there is no place for one; with the place, where it is one.
    """
    found: dict[str, list[str]] = {}
    missing = set(limits.controllers)
    for hierarchy in _hierarchies() if missing else ():
        here = missing & hierarchy.controllers
        if here:
            place = _handing_on(hierarchy, here) if hierarchy.unified else hierarchy.own
            found[f"{place}/{_PREFIX}{name}"] = sorted(here)
            missing -= here
    if missing:
        names = " and ".join(sorted(missing))
        raise OSError(errno.ENOENT, f"no hierarchy with the controller {names} is mounted")
    return found


def _hierarchies() -> list[_Hierarchy]:
    paths: dict[frozenset[str], str] = {}
    for line in _read("/proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        paths[frozenset(filter(None, names.split(",")))] = path
    found = []
    for line in _read("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        root, top = map(_unescaped, before.split()[3:5])
        kind, _, options = after.split()[:3]
        unified = kind == "cgroup2"
        if kind not in ("cgroup", "cgroup2"):
            continue
        for controllers, path in paths.items():
            within = _below(root, path)
            if within is None or unified == bool(controllers):
                continue
            if unified:
                handed = _read(f"{top}/cgroup.controllers").split()
                found.append(_Hierarchy(top, top + within, frozenset(handed), unified))
            elif controllers <= set(options.split(",")):
                found.append(_Hierarchy(top, top + within, controllers, unified))
    return found


def _unescaped(path: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), path)


def _below(root: str, path: str) -> str | None:
    """The rest of a path below a directory, "" for itself; None where it is somewhere else.

    What a cgroup namespace hides begins with `/..`.
    """
    root, path = root.rstrip("/"), path.rstrip("/")
    inside = f"{path}/".startswith(f"{root}/") and not path.startswith("/..")
    return path[len(root) :] if inside else None


def _handing_on(hierarchy: _Hierarchy, needed: Iterable[str]) -> str:
    """The nearest group, from this process' upwards, that hands controllers on to those below."""
    place = hierarchy.own
    while not set(needed) <= set(_read(f"{place}/cgroup.subtree_control").split()):
        if place == hierarchy.top:
            # The topmost one may have processes, where it is not only the topmost that we see.
            _write(f"{place}/cgroup.subtree_control", " ".join(f"+{name}" for name in needed))
            break
        place = os.path.dirname(place)
    # To move a process takes the right to do so in the group that holds both places.
    if not os.access(f"{place}/cgroup.procs", os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"{place}/cgroup.procs")
    return place


# --- making and removing ------------------------------------------------------------------------


def make(planned: Mapping[str, Iterable[str]], limits: Limits) -> bool:
    """Make groups and set their limits; whether swap is limited as well, where memory is.

    Raises:
        OSError: it cannot be done, and none of them is there.
    """
    remove(planned)
    swap = True
    try:
        for directory, controllers in planned.items():
            os.mkdir(directory, 0o755)
            unified = os.path.exists(f"{directory}/cgroup.controllers")
            values = _values(limits, unified=unified)
            for controller in controllers:
                for file, value in values[controller]:
                    _write(f"{directory}/{file}", value)
            if "memory" in controllers:
                swap = _limit_swap(directory, limits.memory, unified=unified)
    except OSError:
        remove(planned)
        raise
    return swap


def _values(limits: Limits, *, unified: bool) -> dict[str, list[tuple[str, str]]]:
    quota = round(limits.cpus * _PERIOD)
    if unified:
        return {
            "memory": [("memory.max", str(limits.memory))],
            "cpu": [("cpu.max", f"{quota} {_PERIOD}")],
            "pids": [("pids.max", str(limits.pids))],
        }
    return {
        "memory": [("memory.limit_in_bytes", str(limits.memory))],
        "cpu": [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", str(quota))],
        "pids": [("pids.max", str(limits.pids))],
    }


def _limit_swap(directory: str, memory: int, *, unified: bool) -> bool:
    """Let a container swap as much as it may have in memory; False where swap is not counted."""
    file, value = ("swap.max", memory) if unified else ("memsw.limit_in_bytes", 2 * memory)
    if not os.path.exists(f"{directory}/memory.{file}"):
        return False
    _write(f"{directory}/memory.{file}", str(value))
    return True


def remove(directories: Iterable[str]) -> None:
    """Remove groups, and kill what still runs in them; one that is not there is no error.

    Raises:
        OSError: one has a process that does not end.
    """
    deadline = time.monotonic() + _REMOVE_SECONDS
    for directory in directories:
        while os.path.isdir(directory):
            try:
                os.rmdir(directory)
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > deadline:
                    raise
                _kill_all(directory)
                time.sleep(0.01)


def _kill_all(directory: str) -> None:
    for pid in map(int, _read(f"{directory}/cgroup.procs").split()):
        if pid:  # Else it is of a PID namespace that is not ours to see.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


# --- what is in one -----------------------------------------------------------------------------


def open_doors(directories: Iterable[str]) -> list[int]:
    """Descriptors by which a process joins groups, also one that sees no /sys/fs/cgroup."""
    flags = os.O_WRONLY | os.O_CLOEXEC
    return [os.open(f"{directory}/cgroup.procs", flags) for directory in directories]


def join(doors: Iterable[int]) -> None:
    """Join groups."""
    for door in doors:
        os.write(door, b"0")  # this process, whatever its ID is called here


def oom_kills(directories: Iterable[str]) -> int:
    """How many processes the kernel has killed because groups had no memory left."""
    killed = 0
    for directory in directories:
        for file in ("memory.events", "memory.oom_control"):
            killed += _fields(f"{directory}/{file}").get("oom_kill", 0)
    return killed


def used(directories: Iterable[str]) -> Used:
    """What groups have counted until now."""
    memory = cpu = pids = None
    for directory in directories:
        cache = _fields(f"{directory}/memory.stat")
        for file, key in (
            ("memory.current", "inactive_file"),
            ("memory.usage_in_bytes", "total_inactive_file"),
        ):
            if text := _read(f"{directory}/{file}"):
                memory = max(0, int(text) - cache.get(key, 0))
        if microseconds := _fields(f"{directory}/cpu.stat").get("usage_usec"):
            cpu = microseconds / 1e6
        if nanoseconds := _read(f"{directory}/cpuacct.usage"):
            cpu = int(nanoseconds) / 1e9
        if text := _read(f"{directory}/pids.current"):
            pids = int(text)
    return Used(memory, cpu, pids)


def _fields(path: str) -> dict[str, int]:
    lines = (line.split() for line in _read(path).splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) == 2}


def _read(path: str) -> str:
    """The text of a file; "" where it is not, or is no more, there."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return ""


def _write(path: str, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, text.encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(handle)
