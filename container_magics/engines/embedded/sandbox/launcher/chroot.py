"""A container's file system on the rung `chroot`: root without CAP_SYS_ADMIN, so no mounts.

What other rungs mount is put into the working tree for the time of the process, and taken out
again when all its processes have ended, so that it never ends up in a layer. What the image has at
those places lies beside the tree meanwhile, in `aside`. Directories get their times back, unless
the container has changed them itself. `shown`, beside the tree too, tells which files are as they
were although their change time is not: lines of JSON, [path, stamp before, stamp after]. If the
supervisor is killed, the tree stays wrong; whoever leases it next compares it with its state and
mends it.

/dev is a directory with the usual nodes. /proc has a few files that hold for the whole machine, as
they were at the start, and no processes; /sys is empty.
"""

from __future__ import annotations

import json
import os
import posixpath
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from . import files, namespaces
from .inroot import open_in_root
from .program import CannotStartError

__all__ = ["Shown"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PROC = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version")
_CLOCK_REALTIME_COARSE = 5  # Linux' number; what file systems stamp with


class _Put(NamedTuple):
    """Something in the tree: in which directory, as what, where it goes back to, what it covers.

    `was` and `aside` are what it covers before and after that was put aside. `leaves` is whether a
    directory stays in its place, as a mount point does on the other rungs.
    """

    parent: int
    name: str
    origin: str
    was: os.stat_result | None
    aside: os.stat_result | None
    leaves: bool = False


class Shown:
    """What a container is shown besides its tree.

    Args:
        spec: as `sandbox.client.Spec` sends it.

    Raises:
        CannotStartError: it asks for what can't be had without mounts or namespaces.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        if spec["network"] == "none":
            raise CannotStartError(
                "the rung chroot shares the host's network: --network none needs namespaces", 125
            )
        if spec["shm_size"]:
            raise CannotStartError(
                "the rung chroot has no tmpfs on /dev/shm: --shm-size needs namespaces", 125
            )
        self._spec = spec
        tree = spec["root"]["tree"]
        self._root = os.open(tree, _DIRECTORY)
        self._path = os.path.realpath(tree)
        self._aside = posixpath.join(posixpath.dirname(tree), "aside")
        self._report = posixpath.join(posixpath.dirname(tree), "shown")
        self._store = os.path.realpath(posixpath.dirname(spec["mount"]))
        self._views = [os.path.realpath(view["tree"]) for view in spec["views"].values()]
        self._makers = [self._maker(*bind) for bind in spec["binds"]]
        self._puts: list[_Put] = []
        self._made: list[tuple[int, str]] = []
        self._before: dict[int, os.stat_result] = {}
        self._placed: dict[int, os.stat_result] = {}

    def put_in(self) -> None:
        """Put everything into the tree.

        Raises:
            OSError: it could not be done, and has been undone.
        """
        os.umask(0o022)
        if os.path.lexists(self._aside):
            files.remove(self._aside)
        os.mkdir(self._aside, 0o700)
        try:
            if not self._spec["copying"]:
                self._put("/dev", _make_dev)
                self._put("/proc", _make_proc)
            for target, source in self._spec["files"].items():
                self._put(target, partial(files.copy, source))
            for path, uid, gid in self._spec["owners"]:
                os.chown(path, uid, gid, follow_symlinks=False)
            self._put_volumes()
        except BaseException:
            self.take_out()
            raise
        self._placed = {handle: os.fstat(handle) for handle in self._before}
        newest = max(status.st_ctime_ns for status in self._placed.values())
        while time.clock_gettime_ns(_CLOCK_REALTIME_COARSE) <= newest:
            time.sleep(0.001)

    def _put_volumes(self) -> None:
        """Binds and empty directories in the order of their targets: one may be inside another."""
        volumes = [
            (target, origin, make)
            for (_, target, _), (origin, make) in zip(
                self._spec["binds"], self._makers, strict=True
            )
        ]
        volumes += [(target, "", _make_temporary) for target, _ in self._spec["tmpfs"]]
        for target, origin, make in sorted(volumes, key=lambda volume: volume[0]):
            self._put(self._behind_symlinks(target), make, origin, volume=True)

    def _maker(
        self, source: str, target: str, read_only: bool
    ) -> tuple[str, Callable[[str], None]]:
        """Where something goes back to, or "" if it is a copy, and how it gets to its place."""
        real = os.path.realpath(source)
        if stat.S_ISSOCK(os.stat(real).st_mode):
            return "", partial(os.link, real)
        # What is moved in is lost with its tree when the supervisor is killed: no volume is.
        ours = real.startswith(f"{self._store}/") and not real.startswith(f"{self._store}/volumes/")
        if read_only or any(f"{real}/".startswith(view + "/") for view in self._views):
            return "", partial(files.copy, real)
        if ours:
            return real, partial(os.rename, real)
        raise CannotStartError(
            f"the rung chroot can't mount {source!r} on {target!r} for writing: nothing can be "
            "mounted here. Read-only (`:ro`) it is a copy; COPY puts it into an image.",
            125,
        )

    def _behind_symlinks(self, target: str) -> str:
        """Where a path of the container leads to, if anything is there."""
        try:
            handle = open_in_root(self._root, target, os.O_PATH)
        except FileNotFoundError:
            return target
        path = self._inside(handle)
        os.close(handle)
        return path

    def _put(
        self, target: str, make: Callable[[str], None], origin: str = "", *, volume: bool = False
    ) -> None:
        directory, name = posixpath.split(posixpath.normpath("/" + target.lstrip("/")))
        if not name:
            raise CannotStartError("the rung chroot can't mount anything on /", 125)
        parent = self._open_directory(directory, stays=volume)
        was = aside = None
        if name in os.listdir(parent):
            was = os.stat(name, dir_fd=parent, follow_symlinks=False)
            covered = self._covered(len(self._puts))
            os.rename(name, covered, src_dir_fd=parent)
            aside = os.lstat(covered)
        place = f"/proc/self/fd/{parent}/{name}"
        self._puts.append(_Put(parent, name, origin, was, aside))
        make(place)
        self._puts[-1] = self._puts[-1]._replace(leaves=volume and os.path.isdir(place))

    def _covered(self, number: int) -> str:
        return f"{self._aside}/covered-{number}"

    def _inside(self, handle: int) -> str:
        """The path of something open inside the root."""
        return os.readlink(f"/proc/self/fd/{handle}")[len(self._path) :]

    def _open_directory(self, path: str, *, stays: bool) -> int:
        """A directory inside the root, made if it is missing, for good or not; times are noted."""
        here = os.dup(self._root)
        done = ""
        for part in path.split("/"):
            if not part:
                continue
            done += "/" + part
            flags = _DIRECTORY & ~os.O_NOFOLLOW
            try:
                below = open_in_root(self._root, done, flags)
            except FileNotFoundError:
                self._note(here)
                os.mkdir(part, 0o755, dir_fd=here)
                if not stays:
                    self._made.append((here, part))
                below = open_in_root(self._root, done, flags)
            here = below
        self._note(here)
        return here

    def _note(self, handle: int) -> None:
        status = os.fstat(handle)
        if not any(
            (known.st_dev, known.st_ino) == (status.st_dev, status.st_ino)
            for known in self._before.values()
        ):
            self._before[handle] = status

    def take_out(self) -> None:
        """Take everything out again; no process of the container is left."""
        after = {handle: os.fstat(handle) for handle in self._before}
        same: list[tuple[str, os.stat_result, os.stat_result]] = []
        for number, put in reversed(list(enumerate(self._puts))):
            gone = put.origin or f"{self._aside}/gone-{number}"
            with suppress(FileNotFoundError):  # The container has removed or moved it.
                os.rename(put.name, gone, src_dir_fd=put.parent)
            if put.origin:
                os.makedirs(put.origin, exist_ok=True)
            if put.was and put.aside:
                untouched = os.lstat(self._covered(number)).st_ctime_ns == put.aside.st_ctime_ns
                with suppress(FileNotFoundError):  # The container has removed the directory.
                    os.rename(self._covered(number), put.name, dst_dir_fd=put.parent)
                    if untouched:
                        now = os.stat(put.name, dir_fd=put.parent, follow_symlinks=False)
                        same.append((f"{self._inside(put.parent)}/{put.name}", put.was, now))
            elif put.leaves:
                with suppress(OSError):  # The container has put something else there.
                    os.mkdir(put.name, 0o755, dir_fd=put.parent)
        for parent, name in reversed(self._made):
            with suppress(OSError):  # The container has put something there, or has removed it.
                os.rmdir(name, dir_fd=parent)
        for handle, before in self._before.items():
            now, placed = after[handle], self._placed.get(handle)
            changed = placed is not None and placed.st_ctime_ns != now.st_ctime_ns
            status = now if changed else before
            os.utime(handle, ns=(status.st_atime_ns, status.st_mtime_ns))
            if not changed:
                same.append((self._inside(handle), before, os.fstat(handle)))
        with open(self._report, "a") as report:
            for path, was, now in same:
                row = (path.lstrip("/"), files.stamp_of(was), files.stamp_of(now))
                report.write(json.dumps(row) + "\n")
        files.remove(self._aside)


def _make_temporary(place: str) -> None:
    os.mkdir(place)
    os.chmod(place, 0o1777)  # noqa: S103 - as /tmp is


def _make_proc(place: str) -> None:
    os.mkdir(place)
    for name in _PROC:
        try:
            text = Path("/proc", name).read_bytes()
        except OSError:
            continue
        Path(place, name).write_bytes(text)
        os.chmod(f"{place}/{name}", 0o444)
    os.chmod(place, 0o555)  # noqa: S103 - as /proc is


def _make_dev(place: str) -> None:
    os.mkdir(place, 0o755)
    for name, (major, minor) in namespaces.NODES.items():
        os.mknod(f"{place}/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(f"{place}/{name}", 0o666)  # noqa: S103 - /dev/null is everybody's
    for name, target in namespaces.LINKS.items():
        os.symlink(target, f"{place}/{name}")
    for name in ("shm", "mqueue"):
        _make_temporary(f"{place}/{name}")
    os.mkdir(f"{place}/pts")
