"""One run of a container, from fork to exit status.

The supervisor is a child of the launcher or of a shim, and the parent of the container's first
process, and of those that are executed in it later. It adopts the container's orphans, and when the
first process ends, or whoever started it asks or dies, it kills whatever is left before it ends
itself. Its exit status is the container's.

What it tells are lines of JSON, with the `id` of a process, 0 for the first: {"id", "listener"} for
the process of a listener beside it, {"id", "pid"} once one
there is, for a shim {"id", "started"} once it executes its command, {"id", "failed", "code"} where
that could not be, {"id", "exit"} for the end of a later one. What
it is asked, where it has a control socket, is an `Asked` as JSON, with the streams beside it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from . import chroot, kernel, namespaces, proot
from .entering import become, tell
from .listening import process as listener
from .program import CannotStartError

__all__ = ["descendants_of", "supervise"]

_KILL_AGAIN_SECONDS = 0.02
_MESSAGE = 1 << 18
_KILLED = 128 + signal.SIGKILL


def supervise(
    spec: Mapping[str, Any],
    streams: Sequence[int],
    status: int,
    control: int = -1,
    doors: Sequence[int] = (),
) -> NoReturn:
    """Run the container of `spec` and exit as it does; never returns.

    Args:
        spec: what `sandbox.client.Spec` sends.
        streams: descriptors for its standard input, output and error; with a terminal one socket
            that gets its other end.
        status: a pipe to tell what happens.
        control: a SEQPACKET socket on which further commands are asked for, {"id", "argv", "env",
            "cwd", "user", "tty"} with their streams, and {"id", "signal"} to one of them; or -1.
        doors: of its control groups (`cgroups.open_doors`).
    """
    code = 125
    try:
        code = _Supervisor(spec, status, control, doors).run(streams)
    except CannotStartError as error:
        tell(status, id=0, failed=str(error), code=error.code)
    except OSError as error:
        tell(status, id=0, failed=str(error), code=125)
    finally:
        os._exit(code)


class _Process:
    """A process that the supervisor has started in the container.

    Attributes:
        number: 0 for the first.
        pid: of the child; under PRoot that is PRoot's.
        own: of the process itself, once it is known.
        following: what PRoot and its trampoline tell, on the rung `proot`.
    """

    def __init__(self, number: int, pid: int, following: proot.Following | None) -> None:
        self.number = number
        self.pid = pid
        self.own = 0 if following else pid
        self.following = following


class _Supervisor:
    def __init__(
        self, spec: Mapping[str, Any], status: int, control: int, doors: Sequence[int]
    ) -> None:
        self._spec = spec
        self._status = status
        self._control = control
        self._doors = doors
        self._rung = spec["rung"]
        self._listening: listener.Listening | None = None
        self._processes: dict[int, _Process] = {}
        self._code: int | None = None
        self._stopping = False
        self._selector = selectors.DefaultSelector()

    def run(self, streams: Sequence[int]) -> int:
        """The container from its first process to its end; the exit status."""
        os.setsid()
        kernel.become_subreaper()
        # First of all, so that it holds nothing that others wait for the end of.
        if self._spec["records"] or self._spec["ports"]:
            handles = (*streams, self._status, self._control, *self._doors)
            mine = [handle for handle in handles if handle >= 0]
            self._listening = listener.start(self._spec, mine)
            tell(self._status, id=0, listener=self._listening.pid)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        for root in (self._spec["root"], *self._spec["views"].values()):
            _hold_tree(root)
        shown = chroot.Shown(self._spec) if self._rung == "chroot" else None
        if shown is not None:
            shown.put_in()
        if self._rung in namespaces.RUNGS:
            namespaces.leave_host(self._rung, self._spec["network"])
        self._watch()
        first = self._start(0, self._spec, streams)
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        while first.pid in self._processes:
            ending = self._stopping or (first.following and first.following.code is not None)
            for key, _ in self._selector.select(_KILL_AGAIN_SECONDS if ending else None):
                if key.fd in self._selector.get_map():  # Another of these may have ended it.
                    key.data()
            if ending and self._rung == "proot":
                self._kill_all()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        if self._listening is not None and not self._listening.finish():
            tell(self._status, id=0, failed="the listener for owners has failed", code=125)
        self._end_the_others()
        if shown is not None:
            shown.take_out()
        return 125 if self._code is None else self._code

    def _watch(self) -> None:
        wake, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake, selectors.EVENT_READ, lambda: self._reap(wake))
        if self._control >= 0 and self._rung == "proot":
            self._listen()

    def _listen(self) -> None:
        """Take further commands.

        Where there are namespaces, not before the first process has made the container's root:
        a child that is forked while it does could keep the host's (pivot_root(2)).
        """
        self._selector.register(self._control, selectors.EVENT_READ, self._asked)

    # --- starting ---

    def _start(self, number: int, spec: Mapping[str, Any], streams: Sequence[int]) -> _Process:
        pipes, executed, unwatch = None, -1, None
        try:
            if self._rung == "proot" and not spec["copying"]:
                pipes = proot.Pipes()
            elif self._control >= 0:
                executed, unwatch = self._watch_start(number)
            pid = os.fork()
        except OSError:
            for stream in streams:
                os.close(stream)
            if pipes is not None:
                pipes.close()
            if unwatch is not None:
                unwatch()
                os.close(executed)
            raise
        if pid == 0:
            become(spec, streams, self._status, number, pipes, self._listening, self._doors)
        for stream in streams:
            os.close(stream)
        following = None if pipes is None else proot.Following(pid, pipes, spec["argv"][0])
        process = _Process(number, pid, following)
        self._processes[pid] = process
        if following is not None:
            for handle in following.descriptors:
                self._selector.register(
                    handle, selectors.EVENT_READ, partial(self._hear, process, handle)
                )
        else:
            tell(self._status, id=number, pid=pid)
        if executed >= 0:
            os.close(executed)
        return process

    def _watch_start(self, number: int) -> tuple[int, Callable[[], None]]:
        """Tell when the next child executes its command: this descriptor closes then.

        Beside it, what ends the watch.
        """
        ready, executed = os.pipe2(os.O_CLOEXEC)

        def unwatch() -> None:
            self._selector.unregister(ready)
            os.close(ready)

        def tell_it() -> None:
            unwatch()
            tell(self._status, id=number, started=True)
            if number == 0:
                self._listen()

        self._selector.register(ready, selectors.EVENT_READ, tell_it)
        return executed, unwatch

    def _hear(self, process: _Process, handle: int) -> None:
        """PRoot or its trampoline tell something."""
        following = process.following
        if following is None:
            return
        messages, _ = following.descriptors
        more = following.read_messages() if handle == messages else following.read_facts()
        if not more:
            self._selector.unregister(handle)
        if following.first and not process.own:
            process.own = following.first
            tell(self._status, id=process.number, pid=process.own, started=True)

    def _asked(self) -> None:
        """Start a further command, or send a signal to one."""
        connection = socket.socket(fileno=self._control)
        try:
            data, handles, _, _ = socket.recv_fds(connection, _MESSAGE, 3)
        finally:
            connection.detach()
        if not data:
            self._selector.unregister(self._control)
            return
        asked = json.loads(data)
        if "signal" in asked:
            for process in self._processes.values():
                if process.number == asked["id"] and process.own:
                    with suppress(ProcessLookupError):
                        os.kill(process.own, asked["signal"])
            return
        for handle in handles:
            os.set_inheritable(handle, False)
        number = asked.pop("id")
        if len(handles) != (1 if asked["tty"] else 3):  # The kernel drops those with no room here.
            for handle in handles:
                os.close(handle)
            tell(self._status, id=number, failed=os.strerror(errno.EMFILE), code=126)
            return
        try:
            self._start(number, {**self._spec, **asked}, handles)
        except OSError as error:
            failed = str(error)
            if error.errno == errno.ENOMEM and self._rung in namespaces.RUNGS:
                # Without its first process a PID namespace takes no other.
                failed = "the container is not running"
            tell(self._status, id=number, failed=failed, code=126)

    # --- ending ---

    def _stop(self) -> None:
        self._stopping = True
        if self._rung in namespaces.RUNGS:
            # It is PID 1 of its namespace and takes everything in it along. The others could not
            # be found: /proc is the container's since the pivot of the mount namespace.
            for process in self._processes.values():
                if process.number == 0:
                    os.kill(process.pid, signal.SIGKILL)
        else:
            self._kill_all()

    def _kill_all(self) -> None:
        """Kill everything below but the listener.

        Tracers go last, for what they trace must not outlive them.
        """
        spared = {self._listening.pid} if self._listening else set()
        tracers = {process.pid for process in self._processes.values() if process.following}
        found = set(descendants_of(os.getpid())) - spared
        for pid in (found - tracers) or found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _reap(self, wake: int) -> None:
        with suppress(BlockingIOError):
            os.read(wake, 1 << 12)
        while True:
            try:
                pid, outcome = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._note_end(pid, outcome)
            if self._code is not None:
                return

    def _note_end(self, pid: int, outcome: int) -> None:
        if self._listening is not None and pid == self._listening.pid:
            self._listening.outcome = outcome
        process = self._processes.pop(pid, None)
        if process is None:
            return
        code = os.waitstatus_to_exitcode(outcome)
        code = 128 - code if code < 0 else code
        if process.following is not None:
            for handle in process.following.descriptors:
                with suppress(KeyError):  # It had been closed on the other side.
                    self._selector.unregister(handle)
            refused = process.following.finish()
            if process.following.code is not None:
                code = process.following.code
            if refused is not None and not self._stopping:
                tell(self._status, id=process.number, failed=str(refused), code=refused.code)
                code = refused.code
        if process.number:
            tell(self._status, id=process.number, exit=code)
        else:
            self._code = code

    def _end_the_others(self) -> None:
        """Kill and reap until nothing is left, also what forks while it is being killed."""
        while True:
            try:
                pid, outcome = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    if self._rung not in namespaces.RUNGS:  # There the kernel does it.
                        self._kill_all()
                    pid, outcome = os.waitpid(-1, 0)
            except ChildProcessError:
                break
            self._note_end(pid, outcome)
        for process in self._processes.values():
            tell(self._status, id=process.number, exit=_KILLED)


def _hold_tree(root: Mapping[str, Any]) -> None:
    """Say that a working tree is in use until every process of the container has ended."""
    if "busy" in root:
        fcntl.flock(os.open(root["busy"], os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)


def descendants_of(top: int) -> list[int]:
    """Every process below one that adopts orphans, which can't escape, as /proc shows them."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = (
                    Path(f"/proc/{name}/stat")
                    .read_text(errors="replace")
                    .rpartition(")")[2]
                    .split()
                )
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    todo = [top]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found
