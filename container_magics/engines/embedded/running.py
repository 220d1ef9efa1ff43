"""A process in a workspace: what RUN steps and containers have in common."""

from __future__ import annotations

import os
import selectors
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..events import Cancellation
from ..run_request import Mount
from .sandbox.client import Launcher, Process, Spec
from .sandbox.launcher.namespaces import KEPT_CAPABILITIES
from .sandbox.rungs import Rung
from .sandbox.shims import Shim
from .snapshots.base import Workspace
from .storage.store import Store

__all__ = ["Command", "Runner"]

_CHUNK = 1 << 16
_LOCAL_HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and as whom.

    Attributes:
        argv: program and arguments; the program is looked up in the container's PATH.
        env: the environment.
        user: as a USER instruction names it; "" is root.
        network: `host` or `none`.
        scripts: text of executable files to show in the container, by absolute path.
        views, tmpfs, owners, shm_size, ulimits, ports, capabilities, read_only, tty, init, copying:
            as in `Spec`.
        hosts: further names and addresses for /etc/hosts.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    workdir: str = "/"
    user: str = ""
    hostname: str = "localhost"
    network: str = "host"
    mounts: Sequence[Mount] = field(default_factory=tuple)
    stdin: BinaryIO | None = None
    scripts: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tmpfs: Sequence[tuple[str, int]] = ()
    owners: Sequence[tuple[str, int, int]] = ()
    shm_size: int = 0
    ulimits: Sequence[tuple[str, int, int]] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[tuple[int, str, str, int]] = ()
    capabilities: Sequence[int] = tuple(sorted(KEPT_CAPABILITIES))
    read_only: bool = False
    tty: bool = False
    init: bool = False
    copying: bool = False


class Runner:
    """Runs commands on one rung of the isolation ladder."""

    def __init__(self, store: Store, launcher: Launcher, rung: Rung) -> None:
        self._store = store
        self._launcher = launcher
        self._rung = rung

    @property
    def rung(self) -> str:
        """The name of the rung."""
        return self._rung.name

    def run(
        self,
        workspace: Workspace,
        command: Command,
        output: Callable[[int, bytes], None],
        cancel: Cancellation,
    ) -> tuple[int, str | None]:
        """Run a command to its end.

        Args:
            workspace: its root file system; changes stay there.
            command: what to run.
            output: called with 1 or 2 and what was written, as it comes, in this thread.
            cancel: kills the container.

        Returns:
            The exit status, and why it could not start (then 125, 126 or 127) or None.

        Raises:
            SandboxError: the launcher is gone.
        """
        with ExitStack() as stack:
            with self._store.writing("the container's network files"):
                scratch = stack.enter_context(self._store.scratch())
                spec = self.spec(workspace, command, scratch)
            return self._follow(spec, command.stdin, output, cancel)

    def spec(self, workspace: Workspace, command: Command, directory: Path) -> Spec:
        """A command as the launcher wants it.

        Args:
            workspace: its root file system.
            command: what to run.
            directory: gets the files that are made for it, which it may change.
        """
        return Spec(
            rung=self._rung.name,
            root=workspace.root,
            mount=os.fspath(self._store.root / "mount"),
            argv=tuple(command.argv),
            env=dict(command.env),
            cwd=command.workdir,
            user=command.user,
            hostname=command.hostname,
            files={**_network_files(directory, command), **_scripts(directory, command)},
            binds=tuple((os.fspath(m.source), m.target, m.read_only) for m in command.mounts),
            views=command.views,
            tmpfs=tuple(command.tmpfs),
            owners=tuple(command.owners),
            shm_size=command.shm_size,
            ulimits=tuple(command.ulimits),
            network=command.network,
            proot=self._rung.proot,
            records=os.fspath(workspace.records) if self._rung.holding.listened else "",
            ports=tuple(command.ports),
            capabilities=tuple(command.capabilities),
            read_only=command.read_only,
            tty=command.tty,
            init=command.init,
            copying=command.copying,
        )

    def start(self, spec: Spec, streams: tuple[int, int, int]) -> Process:
        """Start a container that ends with this process; the streams are closed here.

        Raises:
            SandboxError: the launcher is gone.
        """
        try:
            return self._launcher.start(spec, streams)
        finally:
            for handle in streams:
                os.close(handle)

    def start_shim(self, config: Mapping[str, Any]) -> Shim:
        """Make a shim (see `launcher.shim.main`).

        Raises:
            SandboxError: the launcher is gone.
        """
        return self._launcher.start_shim(config)

    def _follow(
        self,
        spec: Spec,
        stdin: BinaryIO | None,
        output: Callable[[int, bytes], None],
        cancel: Cancellation,
    ) -> tuple[int, str | None]:
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        if stdin is None:
            in_read, in_write = os.open(os.devnull, os.O_RDONLY), -1
        else:
            in_read, in_write = os.pipe()
        try:
            process = self.start(spec, (in_read, out_write, err_write))
        except BaseException:
            for handle in (out_read, err_read, *((in_write,) if in_write >= 0 else ())):
                os.close(handle)
            raise
        if stdin is not None:
            threading.Thread(target=_feed, args=(stdin, in_write), daemon=True).start()
        cancel.on_cancel(process.kill)
        return _collect(process, {out_read: 1, err_read: 2}, output)


def _collect(
    process: Process, streams: Mapping[int, int], output: Callable[[int, bytes], None]
) -> tuple[int, str | None]:
    """Pass on what comes until both streams are closed, then wait for the end."""
    open_streams = dict(streams)
    try:
        with selectors.DefaultSelector() as selector:
            for handle in open_streams:
                selector.register(handle, selectors.EVENT_READ)
            while open_streams:
                for key, _ in selector.select():
                    data = os.read(key.fd, _CHUNK)
                    if data:
                        output(open_streams[key.fd], data)
                    else:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                        del open_streams[key.fd]
    except BaseException:
        process.kill()
        raise
    finally:
        for handle in open_streams:
            os.close(handle)
    return process.wait()


def _feed(source: BinaryIO, target: int) -> None:
    """Copy standard input into the container; it may close its end at any time."""
    with os.fdopen(target, "wb", buffering=0) as pipe:
        try:
            shutil.copyfileobj(source, pipe)
        except BrokenPipeError:
            return


def _network_files(directory: Path, command: Command) -> dict[str, str]:
    """The three files by which a container knows the network, as copies that it may change."""
    hosts = _host_file("hosts") if command.network == "host" else ""
    extra = "".join(f"{address}\t{name}\n" for name, address in command.hosts.items())
    texts = {
        "resolv.conf": _host_file("resolv.conf"),
        "hosts": f"{hosts or _LOCAL_HOSTS}127.0.1.1\t{command.hostname}\n{extra}",
        "hostname": f"{command.hostname}\n",
    }
    shown = {}
    for name, text in texts.items():
        path = directory / name
        path.write_text(text)
        shown[f"etc/{name}"] = os.fspath(path)
    return shown


def _scripts(directory: Path, command: Command) -> dict[str, str]:
    shown = {}
    for number, (target, text) in enumerate(command.scripts.items()):
        path = directory / f"script-{number}"
        path.write_text(text)
        path.chmod(0o755)
        shown[target.lstrip("/")] = os.fspath(path)
    return shown


def _host_file(name: str) -> str:
    """A file of the host's /etc, ending in a newline; "" where there is none."""
    try:
        return Path("/etc", name).read_text(errors="replace").rstrip("\n") + "\n"
    except FileNotFoundError:
        return ""
