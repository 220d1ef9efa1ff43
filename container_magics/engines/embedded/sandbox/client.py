"""The kernel's side of the launcher: start it, ask it for containers, wait for them."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import struct
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ....errors import SandboxError
from .launcher.namespaces import KEPT_CAPABILITIES
from .launcher.start import start
from .shims import Shim

__all__ = ["Launcher", "Process", "Spec"]

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Spec:
    """What the launcher needs to know of one container.

    Attributes:
        rung: `root`, `chroot`, `subuid`, `oneuid`, `proot`.
        root: {"base", "lower", "upper", "work"} for overlayfs, or {"tree"}.
        mount: an empty directory to mount the root on.
        argv: the command; `argv[0]` is looked up in the container's PATH.
        env: its environment; PATH and HOME get Docker's defaults where they are missing.
        user: `name|uid[:group]`, "" for root.
        files: path in the container → host file to show there.
        binds: (host path, container path, read only); what lies inside another one comes after it.
        views: host directory → a root as above, there for `binds` to take things from. An overlay
            is mounted on the directory; a tree is only kept from being used elsewhere.
        tmpfs: (container path, bytes that it may hold or 0).
        owners: (host path, UID, GID) to set first, or to record where the rung has one owner.
        shm_size: bytes of /dev/shm; 0 for Docker's 64 MiB.
        ulimits: (name as docker has it, soft, hard); -1 is no limit.
        network: `host` or `none`.
        proot: PRoot's path, for the rung `proot`.
        records: where a listener shall write the owners that no file can have (`launcher.owners`);
            "" for none, and for rungs with true owners.
        ports: published ones: (port of the container, protocol, address of the host, its port).
        capabilities: by number, those that root has, where root has any (capabilities(7)).
        read_only: whether the root can't be written to.
        tty: whether the command has a terminal, whose other end goes over the one stream.
        init: whether another process, which reaps orphans, is the first one.
        probe: in place of the command, try what containers need of the root (`launcher.probe`).
        copying: in place of the command, give out files or take them in (`launcher.copying`).
    """

    rung: str
    root: Mapping[str, Any]
    mount: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"
    user: str = ""
    hostname: str = "localhost"
    files: Mapping[str, str] = field(default_factory=dict)
    binds: tuple[tuple[str, str, bool], ...] = ()
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tmpfs: tuple[tuple[str, int], ...] = ()
    owners: tuple[tuple[str, int, int], ...] = ()
    shm_size: int = 0
    ulimits: tuple[tuple[str, int, int], ...] = ()
    network: str = "host"
    proot: str = ""
    records: str = ""
    ports: tuple[tuple[int, str, str, int], ...] = ()
    capabilities: tuple[int, ...] = tuple(sorted(KEPT_CAPABILITIES))
    read_only: bool = False
    tty: bool = False
    init: bool = False
    probe: bool = False
    copying: bool = False


class Process:
    """A container's first process, as seen from the kernel."""

    def __init__(self, launcher: Launcher, number: int) -> None:
        self._launcher = launcher
        self._number = number
        self._ended = threading.Event()
        self._code = 125
        self._failed: str | None = None

    def wait(self) -> tuple[int, str | None]:
        """Wait for the end: exit status (128 + N after signal N), and why it could not start."""
        self._ended.wait()
        return self._code, self._failed

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; SIGKILL goes to everything in the container."""
        self._launcher.send({"id": self._number, "signal": int(number)})

    def finish(self, code: int, failed: str | None) -> None:
        """For the launcher's reader: note the end."""
        self._code, self._failed = code, failed
        self._ended.set()


class Launcher:
    """One launcher process; started by the constructor, ended by `close` or the kernel's death."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the launcher is
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._processes: dict[int, Process] = {}
        self._closed = False
        self._control, theirs = socket.socketpair()
        self._child = start("main", theirs, self._log)
        threading.Thread(target=self._read, name="container-magics-launcher", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether it still takes requests."""
        return not self._closed and self._child.poll() is None

    def start(self, spec: Spec, streams: tuple[int, int, int]) -> Process:
        """Start a container; the caller closes its copies of the streams.

        Raises:
            SandboxError: the launcher is gone.
        """
        number = next(self._numbers)
        process = Process(self, number)
        self._processes[number] = process
        self.send({"id": number, "spec": asdict(spec)}, streams)
        return process

    def start_shim(self, config: Mapping[str, Any]) -> Shim:
        """Make the process that stays with a container (see `launcher.shim.main`).

        Raises:
            SandboxError: the launcher is gone.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.send({"shim": config}, (theirs.fileno(),))
        return Shim(ours)

    def send(self, request: Mapping[str, Any], handles: tuple[int, ...] = ()) -> None:
        """Send a request; descriptors travel with its first bytes."""
        data = json.dumps(request).encode()
        data = _LENGTH.pack(len(data)) + data
        try:
            with self._lock:
                sent = socket.send_fds(self._control, [data], handles) if handles else 0
                self._control.sendall(data[sent:])
        except OSError as error:
            raise SandboxError(f"the launcher process is gone: {self._last_words()}") from error

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._control.recv(1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            buffer += data
            while len(buffer) >= 4:
                (length,) = _LENGTH.unpack_from(buffer)
                if len(buffer) < 4 + length:
                    break
                answer = json.loads(buffer[4 : 4 + length])
                buffer = buffer[4 + length :]
                if "exit" in answer:
                    self._processes.pop(answer["id"]).finish(answer["exit"], answer["failed"])
        self._closed = True
        for process in list(self._processes.values()):
            process.finish(125, f"the launcher process ended: {self._last_words()}")

    def _last_words(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 2000))
        return self._log.read().decode("utf-8", "replace").strip() or "it said nothing"

    def close(self) -> None:
        """End the launcher and all that it runs."""
        self._closed = True
        with contextlib.suppress(OSError):  # It has ended by itself.
            self._control.shutdown(socket.SHUT_RDWR)
        self._child.wait()
        self._control.close()
