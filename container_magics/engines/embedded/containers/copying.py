"""`docker cp` on a container: a process in it gives out files, or takes them in.

One that runs is asked by its shim for such a process, as for any further command. One that does not
is mounted by the launcher for as long as the copy takes, while no shim can start it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, BinaryIO

from ....errors import (
    ConflictError,
    ContainerMagicsError,
    CorruptArchiveError,
    NotFoundError,
    SandboxError,
)
from ....oci.compression import decompressed
from ....oci.entries import Entry, clean_path
from ....oci.members import read_members
from ...containers import PathStatus
from ..sandbox.client import Process
from ..sandbox.launcher.copying.messages import Item, packed, received
from ..sandbox.launcher.shim.main import LOCK
from ..sandbox.shims import Shim
from ..storage.container_records import ContainerRow
from ..storage.record import Content, archive
from .lifecycle import Containers
from .streaming import first_fact

__all__ = ["copy_from", "copy_to", "path_status"]

_CHUNK = 1 << 20
_KINDS = (*(0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO),)
_LOOK_SECONDS = 0.01
_PATIENCE_SECONDS = 10.0
_COMMAND = {"copying": True, "argv": [], "env": {}, "cwd": "/", "user": "", "tty": False}


def path_status(containers: Containers, row: ContainerRow, path: str) -> PathStatus:
    """See `ContainerVerbs.path_status`."""
    with _talk(containers, row) as talk:
        answer = talk.ask(do="status", path=path)
    name = os.path.basename(path.rstrip("/")) or "/"
    try:
        return PathStatus(name, int(answer["size"]), int(answer["mode"]), str(answer["link"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _nonsense(row) from error


def copy_from(containers: Containers, row: ContainerRow, path: str, target: BinaryIO) -> None:
    """See `ContainerVerbs.copy_from`."""
    with _talk(containers, row) as talk:
        name = str(talk.ask(do="pack", path=path).get("name") or ".")
        for chunk in archive(_entries(talk, row, name)):
            target.write(chunk)


def copy_to(containers: Containers, row: ContainerRow, path: str, source: BinaryIO) -> None:
    """See `ContainerVerbs.copy_to`; owners are always those of the tar, as on Docker.

    Raises:
        CorruptArchiveError: the tar is damaged, or leads out of the directory.
    """
    mounts = [(mount["Destination"], mount["RW"]) for mount in row.detail["Mounts"]]
    read_only = row.detail["HostConfig"]["ReadonlyRootfs"]
    with _talk(containers, row) as talk:
        talk.ask(do="unpack", path=path, mounts=mounts, read_only=read_only)
        with suppress(BrokenPipeError):  # It has ended, and has said why.
            for member in read_members(decompressed(source.read)):
                if member.entry.mode == -1:
                    continue
                talk.tell(_item(member.entry))
                left = member.entry.size
                while left:
                    data = member.read(min(left, _CHUNK))
                    talk.write(data)
                    left -= len(data)
            talk.tell(None)
        talk.answer()


def _item(entry: Entry) -> Item:
    xattrs = {name: value.hex() for name, value in entry.xattrs.items()}
    return Item(*entry[:9], xattrs)


def _entries(talk: _Talk, row: ContainerRow, name: str) -> Iterator[tuple[Entry, Content | None]]:
    """What a container gives out, which may be anything, as entries below a name."""
    while (values := talk.answer()) is not None:
        try:
            item = Item(*values)
            path, link = _below(name, item.path), item.link
            if stat.S_IFMT(item.mode) not in _KINDS or min(item[1:5]) < 0:
                raise _nonsense(row)
            if not stat.S_IFMT(item.mode):
                link = _below(name, link)
            mode, uid, gid, size, mtime, major, minor = map(int, (*item[1:6], *item[7:9]))
            xattrs = {key: bytes.fromhex(value) for key, value in item.xattrs.items()}
            entry = Entry(path, mode, uid, gid, size, mtime, link, major, minor, xattrs)
        except (AttributeError, TypeError, ValueError, CorruptArchiveError) as error:
            raise _nonsense(row) from error
        yield entry, (lambda: nullcontext(talk)) if entry.size else None


def _below(name: str, path: str) -> str:
    return f"{name}/{clean_path(path)}".rstrip("/")


def _nonsense(row: ContainerRow) -> SandboxError:
    return SandboxError(f"a process in the container {row.name} has answered nonsense")


class _Talk:
    """The conversation with a process in a container.

    Args:
        row: the container.
        target: a descriptor to write to, closed at the end.
        source: one to read from, likewise.
        outcome: tells why it ended without a word.
    """

    def __init__(
        self, row: ContainerRow, target: int, source: int, outcome: Callable[[], str]
    ) -> None:
        self._row = row
        self._target = target
        self._source = os.fdopen(source, "rb")
        self._outcome = outcome

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            BrokenPipeError: it has ended.
        """
        view = memoryview(data)
        while view:
            view = view[os.write(self._target, view) :]

    def tell(self, message: Any) -> None:  # noqa: ANN401 - JSON
        """Send a message, likewise."""
        self.write(packed(message))

    def ask(self, **fields: Any) -> Mapping[str, Any]:  # noqa: ANN401 - JSON
        """Ask for something; the answer."""
        with suppress(BrokenPipeError):
            self.tell(fields)
        answer = self.answer()
        if not isinstance(answer, dict):
            raise _nonsense(self._row)
        return answer

    def answer(self) -> Any:  # noqa: ANN401 - JSON
        """The next message.

        Raises:
            ContainerMagicsError: it says that something cannot be done, or has ended.
        """
        try:
            answer = received(self._exactly)
        except ValueError as error:
            raise _nonsense(self._row) from error
        if not isinstance(answer, dict) or "error" not in answer:
            return answer
        text = str(answer["error"])
        if answer.get("kind") == "missing":
            raise NotFoundError(f"Could not find the file {text} in container {self._row.name}")
        raise ContainerMagicsError(text)

    def read(self, count: int) -> bytes:
        """So many bytes."""
        return self._exactly(count)

    def _exactly(self, count: int) -> bytes:
        data = self._source.read(count)
        if len(data) < count:
            self.close()
            raise SandboxError(
                f"files of the container {self._row.name} could not be copied: {self._outcome()}"
            )
        return data

    def close(self) -> None:
        """End it."""
        self._source.close()
        if self._target >= 0:
            os.close(self._target)
            self._target = -1


@contextmanager
def _talk(containers: Containers, row: ContainerRow) -> Iterator[_Talk]:
    """A process in a container that answers one request, and has ended afterwards.

    Raises:
        ConflictError: the container is between two states, and stays there.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if time.monotonic() > deadline:
            raise ConflictError(f"Container {row.id} neither takes a process nor stands still")
        state = row.state()
        if state["Restarting"]:
            raise ConflictError(
                f"Container {row.id} is restarting, wait until the container is running"
            )
        if state["Running"]:
            shim = Shim.of(row.directory)
            if shim is not None:
                with shim, _in_one_that_runs(row, shim) as talk:
                    if talk is not None:
                        yield talk
                        return
        elif (lock := _keep_from_starting(row)) >= 0:
            break
        time.sleep(_LOOK_SECONDS)
    try:
        with _in_one_that_does_not(containers, row) as talk:
            yield talk
    finally:
        os.close(lock)


def _keep_from_starting(row: ContainerRow) -> int:
    """The lock of a container's shim, while none has it; else -1."""
    if row.transient:
        raise ConflictError(f"Container {row.id} is not running")
    try:
        lock = os.open(row.directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        raise NotFoundError(f"No such container: {row.id}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return -1
    return lock


@contextmanager
def _in_one_that_runs(row: ContainerRow, shim: Shim) -> Iterator[_Talk | None]:
    """In one that runs; None if it does not any more. Who hangs up ends the process."""
    streams, target, source = _pipes()
    talk = _Talk(row, target, source, lambda: "it has ended")
    try:
        yield talk if _is_started(shim, streams) else None
    finally:
        talk.close()


def _is_started(shim: Shim, streams: tuple[int, int, int]) -> bool:
    try:
        shim.ask("exec", streams, command=_COMMAND, detach=False)
    except SandboxError:
        return False
    finally:
        for handle in streams:
            os.close(handle)
    try:
        return "started" in first_fact(shim)
    except SandboxError:
        return False


@contextmanager
def _in_one_that_does_not(containers: Containers, row: ContainerRow) -> Iterator[_Talk]:
    start = containers.to_copy(row)
    streams, target, source = _pipes()
    talk = _Talk(row, target, source, lambda: _why(process))
    try:
        process = start(streams)
        try:
            yield talk
        except BaseException:
            process.kill()
            raise
        finally:
            talk.close()
            process.wait()
    finally:
        talk.close()


def _why(process: Process) -> str:
    code, failed = process.wait()
    return failed or f"the process that does it has ended with status {code}"


def _pipes() -> tuple[tuple[int, int, int], int, int]:
    """Standard streams for a process, and the ends of the first two."""
    given, target = os.pipe()
    source, output = os.pipe()
    return (given, output, os.open(os.devnull, os.O_WRONLY)), target, source
