"""The rung `proot`: ptrace in place of namespaces, for pods that have none.

    supervisor ──fork──► PRoot ──fork──► trampoline ──exec──► the command

Written for Debian 12's PRoot 5.1.0. What it lacks is made up for here: it doesn't translate the
newer system calls (a filter hides them), it has no `--kill-on-exit` and ends with the status of
whichever process ended last (its messages say how the first one ended), and it puts its temporary
files in /tmp whatever it is told (they bear its PID, and are removed after it).

A process that outlives its tracer goes on with the host's view of every path, so whatever is to
be killed is killed before PRoot.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import re
import secrets
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from . import filters, kernel, trampoline
from .accounts import look_up
from .inroot import make_directories, make_mount_point, open_in_root
from .limits import set_limits
from .listening.process import Listening
from .program import CannotStartError, cannot_execute, find_program

__all__ = ["Following", "Pipes", "become", "binds_of"]

_SHOWN = ("/dev", "/proc", "/sys")
_END = re.compile(rb"^proot info: pid (\d+): (exited with status|terminated with signal) (\d+)$")
_TEMPORARY = "/tmp"  # noqa: S108 - where PRoot 5.1.0 puts its files; we only remove them
_TAIL = 2000


class Pipes:
    """What connects the supervisor with PRoot (its messages) and the trampoline (its facts)."""

    def __init__(self) -> None:
        self.messages, self._messages_in = os.pipe2(os.O_CLOEXEC)
        self.facts, self._facts_in = os.pipe2(os.O_CLOEXEC)

    def keep_reading_ends(self) -> None:
        """For the supervisor, after the fork."""
        os.close(self._messages_in)
        os.close(self._facts_in)

    def close(self) -> None:
        """For a fork that failed."""
        self.keep_reading_ends()
        os.close(self.messages)
        os.close(self.facts)

    def place(self) -> None:
        """For the child: PRoot's standard error is ours from here on."""
        spare = [
            fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 2 * trampoline.REPORT)
            for handle in (2, self._facts_in, self._messages_in)
        ]
        for handle, place in zip(spare, (trampoline.STDERR, trampoline.REPORT, 2), strict=True):
            os.dup2(handle, place)


class _View:
    """The container's file system as PRoot will show it: a tree, and host paths bound over it."""

    def __init__(self, root: int, cwd: str, binds: Mapping[str, str]) -> None:
        self._root = root
        self._cwd = cwd
        self._binds = binds

    def bound(self, path: str) -> str | None:
        """The host path behind a container path, if a bind covers it."""
        target = max(
            (t for t in self._binds if path == t or path.startswith(t.rstrip("/") + "/")),
            key=len,
            default=None,
        )
        return None if target is None else self._binds[target] + path[len(target.rstrip("/")) :]

    def status(self, path: str) -> os.stat_result:
        """stat(2) as a process of the container would see it."""
        path = posixpath.normpath(posixpath.join(self._cwd, path))
        host = self.bound(path)
        if host is not None:
            return os.stat(host)
        handle = open_in_root(self._root, path, os.O_PATH)
        try:
            return os.fstat(handle)
        finally:
            os.close(handle)


def become(
    spec: Mapping[str, Any],
    pipes: Pipes,
    environment: Mapping[str, str],
    listening: Listening | None,
) -> NoReturn:
    """Turn this process into PRoot running the command of `spec`; `environment` gives defaults.

    Where nobody listens, PRoot itself pretends to be the user.

    Raises:
        CannotStartError: as `find_program` and `set_limits`, or for what this rung can't do.
        UnknownAccountError: the spec's user is not in the image.
        OSError: PRoot can't be executed, or the tree not be written.
    """
    if spec["network"] == "none":
        raise CannotStartError(
            "the rung proot shares the host's network: --network none needs namespaces", 125
        )
    if spec["shm_size"]:
        raise CannotStartError(
            "the rung proot shows the host's /dev/shm: --shm-size needs namespaces", 125
        )
    tree = spec["root"]["tree"]
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    binds = {**{path: path for path in _SHOWN}, **binds_of(spec, root)}
    account = look_up(root, spec["user"])
    cwd = _absolute(spec["cwd"])
    view = _View(root, cwd, binds)
    if view.bound(cwd) is None:
        make_directories(root, cwd)
    variables = {"HOME": account.home, **environment, **spec["env"]}
    program = find_program(spec["argv"][0], variables["PATH"], view.status)
    place = _put_trampoline(root)
    identity = []
    if listening is None:
        root_s = account.uid == account.gid == 0
        identity = ["-0"] if root_s else ["-i", f"{account.uid}:{account.gid}"]
    shown = [word for target, source in binds.items() for word in ("-b", _bind(source, target))]
    if listening is not None:
        listening.attach(account, capable=False)
    kernel.no_new_privileges()
    filters.install(filters.hide_new_calls())
    set_limits(spec["ulimits"])
    pipes.place()
    os.execve(  # noqa: S606 - a program and its arguments, without a shell on purpose
        spec["proot"],
        [
            "proot", "-v", "1", *identity, *shown, "-w", cwd, "-r", tree, place,
            *trampoline.arguments(place, posixpath.join(cwd, program), variables, spec["argv"]),
        ],
        {"PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def binds_of(spec: Mapping[str, Any], root: int) -> dict[str, str]:
    """What a container shows of the host besides devices and processes: its path → the host's.

    Args:
        spec: of the container.
        root: a descriptor of its tree, in which places for them are made.

    Raises:
        CannotStartError: one is to be read-only.
    """
    binds = {_absolute(target): source for target, source in spec["files"].items()}
    for source, target, read_only in spec["binds"]:
        if read_only:
            raise CannotStartError(
                f"the rung proot can't mount {target} read-only: leave out `:ro`, or copy it",
                125,
            )
        binds[_absolute(target)] = source
    covered = {**{path: path for path in _SHOWN}, **binds}
    for source, target, _ in spec["binds"]:
        # Of itself PRoot would show it to whoever knows the path, but not to `ls`.
        if _View(root, "/", covered).bound(posixpath.dirname(_absolute(target))) is None:
            make_mount_point(root, target, directory=os.path.isdir(source))
    return binds


def _absolute(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))


def _bind(source: str, target: str) -> str:
    """PRoot's words for a bind; `!`: a symlink in the image is covered, not followed."""
    if ":" in source + target:
        raise CannotStartError(
            f"the rung proot can't mount {source!r} on {target!r}: no colons", 125
        )
    return f"{source}:{target}!"


def _put_trampoline(root: int) -> str:
    name = f".container-magics-{secrets.token_hex(8)}"
    handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o700, dir_fd=root)
    with os.fdopen(handle, "wb") as file:
        file.write(trampoline.program())
    return f"/{name}"


# --- in the supervisor --------------------------------------------------------------------------


class Following:
    """What PRoot says of one command, and the trampoline.

    Args:
        pid: PRoot's.
        pipes: between the fork and here.
        command: its name, for a message.

    Attributes:
        descriptors: the two to read from.
        first: the PID of the command's process, 0 until it is known.
        code: that process' exit status, 128 + N after signal N, once PRoot has told.
    """

    def __init__(self, pid: int, pipes: Pipes, command: str) -> None:
        pipes.keep_reading_ends()
        self.descriptors = (pipes.messages, pipes.facts)
        for handle in self.descriptors:
            os.set_blocking(handle, False)
        self.first = 0
        self.code: int | None = None
        self._pid = pid
        self._command = command
        self._facts = b""
        self._text = b""
        self._tail = b""

    def read_facts(self) -> bool:
        """Read what the trampoline has told; whether there may be more."""
        data = _read(self.descriptors[1])
        self._facts += data or b""
        if not self.first and len(self._facts) >= trampoline.FACT.size:
            (self.first,) = trampoline.FACT.unpack_from(self._facts)
        return data != b""

    def read_messages(self) -> bool:
        """Read what PRoot has told; whether there may be more."""
        data = _read(self.descriptors[0])
        *lines, self._text = (self._text + (data or b"")).split(b"\n")
        for line in lines:
            end = _END.match(line)
            if end is None and not line.startswith(b"proot info: "):
                self._tail = (self._tail + line + b"\n")[-_TAIL:]
            elif end is not None and int(end[1]) == self.first:
                number = int(end[3])
                self.code = number if end[2].startswith(b"exited") else 128 + number
        return data != b""

    def finish(self) -> CannotStartError | None:
        """Read the rest, once PRoot has ended; why the command could not be started, if so."""
        while self.read_facts() and _waiting(self.descriptors[1]):
            continue
        while self.read_messages() and _waiting(self.descriptors[0]):
            continue
        for handle in self.descriptors:
            os.close(handle)
        _remove_temporary(self._pid)
        words = (self._tail + self._text).decode("utf-8", "replace").strip()
        if not self.first and words:
            return CannotStartError(f"PRoot could not start: {words}", 125)
        if len(self._facts) < 2 * trampoline.FACT.size:
            return None
        (refused,) = trampoline.FACT.unpack_from(self._facts, trampoline.FACT.size)
        return cannot_execute(self._command, -refused)


def _read(handle: int) -> bytes | None:
    """What is there to read; None for nothing yet, b"" for nothing any more."""
    try:
        return os.read(handle, 1 << 16)
    except BlockingIOError:
        return None


def _waiting(handle: int) -> bool:
    return bool(select.select([handle], [], [], 0)[0])


def _remove_temporary(proot: int) -> None:
    """What PRoot leaves in /tmp when it is killed: its loader, and its empty "glue" directories."""
    for pattern in (f"prooted-{proot}-??????", f"proot-{proot}-??????"):
        for path in Path(_TEMPORARY).glob(pattern):
            _remove_own(path)


def _remove_own(path: Path) -> None:
    status = path.lstat()
    if status.st_uid != os.geteuid():
        return
    if not path.is_dir():
        path.unlink()
        return
    for directory, names, files in os.walk(path, topdown=False):
        for name in [*names, *files]:
            below = Path(directory, name)
            below.rmdir() if below.is_dir() and not below.is_symlink() else below.unlink()
    path.rmdir()
