"""The launcher's protocol and its list of running containers.

Messages are JSON behind a four-byte length. A request is {"id": n, "spec": …} with the three
standard streams passed beside it (SCM_RIGHTS), or {"id": n, "signal": number}. The answers
are {"id": n, "pid": …} once it runs, and at its end {"id": n, "exit": code, "failed": text|null}.
{"shim": …} makes a process that stays with a container (see `shim.main`), with its client's socket
beside it; nothing is answered here.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any

from . import kernel
from .forking import forget_everything_but, fork
from .shim.main import serve
from .supervisor import supervise

__all__ = ["main"]

_LENGTH = struct.Struct("<I")


@dataclass
class _Container:
    number: int
    supervisor: int
    status: int
    pid: int = 0
    failed: str | None = None
    code: int | None = None
    text: bytes = field(default=b"")


class _Launcher:
    def __init__(self, control: socket.socket, parent: int) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._containers: dict[int, _Container] = {}
        self._input = b""
        self._handles: list[int] = []
        self._selector.register(control, selectors.EVENT_READ, self._request)
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._end())
        self._selector.register(wake_read, selectors.EVENT_READ, lambda: self._reap(wake_read))
        watch = os.pidfd_open(parent)
        self._selector.register(watch, selectors.EVENT_READ, self._end)

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _end(self) -> None:
        """The kernel is gone: so is everything that runs."""
        for container in self._containers.values():
            os.kill(container.supervisor, signal.SIGTERM)
        for container in self._containers.values():
            os.waitpid(container.supervisor, 0)
        os._exit(0)

    def _request(self) -> None:
        try:
            data, handles, _, _ = socket.recv_fds(self._control, 1 << 16, 16)
        except ConnectionError:
            data, handles = b"", []
        if not data:
            self._end()
        self._input += data
        for handle in handles:
            os.set_inheritable(handle, False)
        self._handles += handles
        while len(self._input) >= 4:
            (length,) = _LENGTH.unpack_from(self._input)
            if len(self._input) < 4 + length:
                return
            request = json.loads(self._input[4 : 4 + length])
            self._input = self._input[4 + length :]
            if "spec" in request:
                self._start(request)
            elif "shim" in request:
                self._start_shim(request["shim"])
            else:
                self._signal(request)

    def _start(self, request: dict[str, Any]) -> None:
        streams = (self._handles.pop(0), self._handles.pop(0), self._handles.pop(0))
        status_read, status_write = os.pipe2(os.O_CLOEXEC)
        me = os.getpid()
        pid = fork()
        if pid == 0:
            try:
                forget_everything_but((*streams, status_write))
                kernel.die_with_parent(me, signal.SIGTERM)
                supervise(request["spec"], streams, status_write)
            finally:
                os._exit(125)
        for stream in streams:
            os.close(stream)
        os.close(status_write)
        container = _Container(request["id"], pid, status_read)
        self._containers[container.number] = container
        self._selector.register(status_read, selectors.EVENT_READ, lambda: self._status(container))

    def _start_shim(self, config: dict[str, Any]) -> None:
        """A process that is nobody's child, and so outlives this one."""
        creator = self._handles.pop(0)
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                if os.fork() == 0:
                    forget_everything_but((creator,))
                    serve(config, socket.socket(fileno=creator))
            finally:
                os._exit(0)
        os.close(creator)
        os.waitpid(child, 0)

    def _status(self, container: _Container) -> None:
        data = os.read(container.status, 1 << 16)
        if data:
            *lines, container.text = (container.text + data).split(b"\n")
            for line in lines:
                self._note(container, json.loads(line))
            return
        self._selector.unregister(container.status)
        os.close(container.status)
        container.status = -1
        if container.code is not None:
            self._finish(container)

    def _note(self, container: _Container, fact: dict[str, Any]) -> None:
        container.failed = fact.get("failed", container.failed)
        if "pid" in fact:
            container.pid = fact["pid"]
            self._answer({"id": container.number, "pid": container.pid})

    def _reap(self, wake: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 1 << 12)
        for container in list(self._containers.values()):
            if container.code is not None:
                continue
            ended, outcome = os.waitpid(container.supervisor, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(outcome)
                container.code = 128 - code if code < 0 else code
                if container.status == -1:
                    self._finish(container)

    def _finish(self, container: _Container) -> None:
        del self._containers[container.number]
        self._answer({"id": container.number, "exit": container.code, "failed": container.failed})

    def _signal(self, request: dict[str, Any]) -> None:
        container = self._containers.get(request["id"])
        if container is None or container.code is not None:
            return
        if request["signal"] == signal.SIGKILL or not container.pid:
            os.kill(container.supervisor, signal.SIGTERM)
        else:
            try:
                os.kill(container.pid, request["signal"])
            except ProcessLookupError:
                return

    def _answer(self, fact: dict[str, Any]) -> None:
        data = json.dumps(fact).encode()
        try:
            self._control.sendall(_LENGTH.pack(len(data)) + data)
        except ConnectionError:
            self._end()


def main() -> None:
    """Serve the socket whose descriptor is the second argument until the parent is gone."""
    control = socket.socket(fileno=int(sys.argv[2]))
    control.set_inheritable(False)
    _Launcher(control, int(sys.argv[3])).run()
