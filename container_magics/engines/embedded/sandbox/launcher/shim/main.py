"""The shim's loop: what clients ask of a container.

Its configuration comes from the launcher: {"directory", "name" of its control groups, "spec",
"ports" all that are published, as in the spec, "relays": [[address, port], [address, port]] each,
"limits" as `cgroups.Limits`, "restart": {"name", "retries"}, "health": {"argv", "interval",
"timeout", "start_period", "retries"} or null, "open_stdin", "stdin_once", "log": {"max_size",
"max_files"}, "bound", "after"}. With `bound` the container ends when the client that made the shim
goes; `after` is a command to run when it is over. It ends as well when its directory is deleted.

A request is one message of JSON on a SEQPACKET socket, {"do": …}, with descriptors beside it.
Answers are messages too; what could not be done is answered with {"failed", "code"}, and shim.log
has more about what should not have happened.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from .. import kernel
from .attachments import Attachment
from .container import Container
from .journal import Journal
from .loop import Loop
from .record import Record

__all__ = ["LOCK", "LOG", "SOCKET", "serve"]

LOCK, SOCKET, LOG = "lock", "socket", "log.json"
_WORDS = "shim.log"
_MESSAGE = 1 << 18
_LOCK_SECONDS = 10.0
_HANDLES = 3
_LOOK_SECONDS = 1.0


def serve(config: Mapping[str, Any], creator: socket.socket) -> NoReturn:
    """Be the shim of a container, until it is over; never returns.

    Args:
        config: see above.
        creator: the socket of the client that made it.
    """
    code = 1
    try:
        words = os.path.join(config["directory"], _WORDS)
        log = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        for place, handle in enumerate((nothing, log, log)):
            os.dup2(handle, place)
        _Shim(config, creator).run()
        code = 0
    except BaseException:  # noqa: BLE001 - shim.log has it; the container ends with this process
        traceback.print_exc()
    finally:
        os._exit(code)


class _Client:
    """One connection; `command` and `attachment` are what it has begun."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.attachment: Attachment | None = None
        self.command = 0
        self.detached = False

    def answer(self, fact: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # It has gone.
            self.connection.send(json.dumps(fact).encode())


class _Shim:
    def __init__(self, config: Mapping[str, Any], creator: socket.socket) -> None:
        self._config = config
        self._over = False
        self._clients: set[_Client] = set()
        self._deleted = False
        self._directory = os.open(config["directory"], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._take_lock()
        self._loop = Loop()
        self._record = Record(self._directory, config["ports"])
        log = config["log"]
        self._journal = Journal(self._directory, LOG, log["max_size"], log["max_files"])
        self._container = Container(config, self._loop, self._record, self._journal, self._be_over)
        self._listen()
        self._creator = self._welcome(creator)
        self._watch_signals()
        self._look()

    def _look(self) -> None:
        """End where the directory has been deleted: nobody could ask for it any more."""
        try:
            os.stat(LOCK, dir_fd=self._directory)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESTALE):
                raise
            self._deleted = True
            self._over = self._record.state["Status"] == "created"
            self._container.kill(signal.SIGKILL, by_hand=True)
        self._loop.after(_LOOK_SECONDS, self._look)

    def _take_lock(self) -> None:
        """One shim a container: wait for one that is about to end."""
        self._lock = os.open(
            LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=self._directory
        )
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _listen(self) -> None:
        """Listen in the container's directory, whose path may be too long for an address."""
        place = f"/proc/self/fd/{self._directory}/{SOCKET}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET, dir_fd=self._directory)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(place)
        self._socket.listen(128)
        self._await_clients()

    def _await_clients(self) -> None:
        if not self._over:
            self._loop.on_readable(self._socket.fileno(), self._accept)

    def _watch_signals(self) -> None:
        wake, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kernel.become_subreaper()
        signal.signal(signal.SIGTERM, lambda *_: self._container.kill(signal.SIGKILL, by_hand=True))
        self._loop.on_readable(wake, lambda: _drain(wake))

    def run(self) -> None:
        while not self._over:
            self._loop.turn()
        self._journal.close()
        self._loop.forget(self._socket.fileno())
        self._socket.close()
        with contextlib.suppress(OSError):  # It has been deleted.
            os.unlink(SOCKET, dir_fd=self._directory)
        os.close(self._lock)
        if self._config["after"] and not self._deleted:
            subprocess.Popen(
                self._config["after"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self._serve_the_slow()

    def _serve_the_slow(self) -> None:
        """Stay for clients that have not taken everything yet; the container is no more."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for client in list(self._clients):
            if client.attachment is None or not client.attachment.waiting:
                self._part(client)
        while self._container.streams.behind:
            self._loop.turn()
            self._container.streams.detach_served()

    def _be_over(self) -> None:
        self._over = True

    # --- clients ---

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:  # There are too many open files; it waits until there are fewer.
            self._loop.forget(self._socket.fileno())
            self._loop.after(_LOOK_SECONDS, self._await_clients)
            return
        self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> _Client:
        client = _Client(connection)
        self._clients.add(client)
        self._loop.on_readable(connection.fileno(), partial(self._read, client))
        return client

    def _read(self, client: _Client) -> None:
        try:
            data, handles, _, _ = socket.recv_fds(client.connection, _MESSAGE, _HANDLES)
        except ConnectionError:
            data, handles = b"", []
        for handle in handles:
            os.set_inheritable(handle, False)
        if data and not self._over:
            try:
                asked = json.loads(data)
                getattr(self, f"_do_{asked['do']}")(client, asked, handles)
            except Exception as error:  # noqa: BLE001 - told; the container is not to end with it
                traceback.print_exc()
                client.answer({"failed": f"the container's shim: {error!r}", "code": 125})
        else:
            self._part(client)
        for handle in handles:  # Those that nobody has taken.
            os.close(handle)

    def _part(self, client: _Client) -> None:
        self._clients.discard(client)
        self._loop.forget(client.connection.fileno())
        client.connection.close()
        if client.attachment is not None:
            self._container.streams.detach(client.attachment)
        if client.command and not client.detached:
            self._container.signal_command(client.command, signal.SIGKILL)
        if client is self._creator and self._config["bound"]:
            self._container.kill(signal.SIGKILL, by_hand=True)
        if client is self._creator and self._record.state["Status"] == "created":
            self._over = True

    def _do_start(self, client: _Client, _: Mapping[str, Any], __: list[int]) -> None:
        self._container.start(client.answer)

    def _do_wait(self, client: _Client, _: Mapping[str, Any], __: list[int]) -> None:
        self._container.when_ended(client.answer)

    def _do_attach(self, client: _Client, asked: Mapping[str, Any], handles: list[int]) -> None:
        """Streams: output and error, or with a terminal one for both; then input, if any."""
        outputs = {1: handles[0], 2: handles[0 if asked["tty"] else 1]}
        more = handles[len(set(outputs.values())) :]
        client.attachment = Attachment(self._loop, outputs, more[0] if more else -1)
        handles.clear()
        self._container.streams.attach(client.attachment)
        self._container.when_ended(client.answer)

    def _do_resize(self, _: _Client, asked: Mapping[str, Any], __: list[int]) -> None:
        self._container.streams.resize(asked["rows"], asked["columns"])

    def _do_kill(self, client: _Client, asked: Mapping[str, Any], _: list[int]) -> None:
        self._container.kill(asked["signal"], by_hand=asked["by_hand"])
        client.answer({})

    def _do_stop(self, client: _Client, asked: Mapping[str, Any], _: list[int]) -> None:
        self._container.when_ended(client.answer)
        self._container.stop(asked["signal"], asked["seconds"])

    def _do_pause(self, client: _Client, _: Mapping[str, Any], __: list[int]) -> None:
        client.answer({"still": self._container.pause()})

    def _do_unpause(self, client: _Client, _: Mapping[str, Any], __: list[int]) -> None:
        self._container.unpause()
        client.answer({})

    def _do_update(self, client: _Client, asked: Mapping[str, Any], _: list[int]) -> None:
        self._container.policy.change(asked["name"], asked["retries"])
        client.answer({})

    def _do_exec(self, client: _Client, asked: Mapping[str, Any], handles: list[int]) -> None:
        """A further command; its streams are not this process' matter."""
        command = asked["command"]
        if len(handles) != (1 if command["tty"] else 3):
            raise ValueError("its streams have not come: are there too many open files?")
        streams = tuple(handles)
        handles.clear()
        client.detached = asked["detach"]
        client.command = self._container.execute(command, streams, client.answer)


def _drain(handle: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(handle, _MESSAGE)
