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
from typing import BinaryIO

from ..base import Cancellation, Mount
from .sandbox.client import Launcher, Process, Spec
from .sandbox.rungs import Rung
from .snapshots.base import Workspace
from .store import Store

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


class Runner:
    """Runs commands on one rung of the isolation ladder."""

    def __init__(self, store: Store, launcher: Launcher, rung: Rung) -> None:
        self._store = store
        self._launcher = launcher
        self._rung = rung

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
                files = {**_network_files(scratch, command), **_scripts(scratch, command)}
            spec = Spec(
                rung=self._rung.name,
                root=workspace.root,
                mount=os.fspath(self._store.root / "mount"),
                argv=tuple(command.argv),
                env=dict(command.env),
                cwd=command.workdir,
                user=command.user,
                hostname=command.hostname,
                files=files,
                binds=tuple((os.fspath(m.source), m.target, m.read_only) for m in command.mounts),
                network=command.network,
                proot=self._rung.proot,
            )
            return self._follow(spec, command.stdin, output, cancel)

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
            process = self._launcher.start(spec, (in_read, out_write, err_write))
        except BaseException:
            for handle in (out_read, err_read, *((in_write,) if in_write >= 0 else ())):
                os.close(handle)
            raise
        finally:
            for handle in (in_read, out_write, err_write):
                os.close(handle)
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
    texts = {
        "resolv.conf": _host_file("resolv.conf"),
        "hosts": f"{hosts or _LOCAL_HOSTS}127.0.1.1\t{command.hostname}\n",
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
