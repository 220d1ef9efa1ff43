"""The mounts of a RUN: from what the Dockerfile says to what its container is given.

    RunMount ──place──► Placed (target, source, cache key) ──attach──► Volumes, while it runs

What Docker leaves in the layer of a mount is left here: the directories that it was mounted on.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from .....dockerfile import Run, RunMount, expand, parse_mount
from .....errors import BuildError, DockerfileError, UnsupportedError
from .....oci.tree import Tree
from ....run_request import Mount
from ...sandbox.launcher.inroot import remove_empty_file
from ...sandbox.launcher.namespaces import RUNGS
from ...storage import deputy
from ...storage.record import ChunkReader, archive
from ...storage.unpack import unpack
from ..state import BuildState
from ..step import Step
from .build_secrets import read_secret
from .cache_mounts import CacheMounts
from .mount_sources import PLACE, MountSource, find_source
from .ssh_agent import forward_agent

__all__ = ["Placed", "Volumes", "attach", "place"]

_SECRETS = "/run/secrets"
_AGENT = "/run/buildkit/ssh_agent.{}"
_CACHE_MODE, _SECRET_MODE, _AGENT_MODE = 0o755, 0o400, 0o600


@dataclass(frozen=True, slots=True)
class Placed:
    """A mount that is known in full.

    Attributes:
        mount: as written.
        id: of a cache, secret or agent.
        target: absolute path in the container; "" for a secret that is a variable only.
        source: of a bind, and of a cache that does not begin empty.
    """

    mount: RunMount
    id: str
    target: str
    source: MountSource | None

    @property
    def key(self) -> str:
        """What of it decides whether the step comes from the cache: no secret, no cached file."""
        facts = (*astuple(self.mount), self.id, self.target, self.source and self.source.key)
        return json.dumps(facts)


@dataclass
class Volumes:
    """What the mounts give to a container.

    Attributes:
        mounts, views, tmpfs, owners: for `Command`.
        secrets: variables that hold secrets.
        agent: the socket of the first SSH agent asked for, whether it is there or not.
    """

    mounts: list[Mount] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)
    tmpfs: list[tuple[str, int]] = field(default_factory=list)
    owners: list[tuple[str, int, int]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    agent: str = ""
    _stubs: list[str] = field(default_factory=list)

    def remove_stubs(self, files: Path) -> None:
        """Remove the empty files that had to be made to mount on, where `files` is the root."""
        root = os.open(files, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for stub in self._stubs:
                _remove_stub(root, stub, files)
        finally:
            os.close(root)

    def bind(self, source: Path, target: str, tree: Tree, *, read_only: bool) -> None:
        """Have a file or directory mounted where the target is in the image."""
        real, there = tree.resolve(target)
        self.mounts.append(Mount(source, f"/{real}", read_only))
        if there is None:
            self._stubs.append(real)


def _remove_stub(root: int, stub: str, files: Path) -> None:
    try:
        remove_empty_file(root, stub)
    except PermissionError:  # In a directory of a sub-UID's, perhaps.
        if not deputy.is_possible():
            raise
        deputy.remove_empty_file(files, stub)


def place(step: Step, instruction: Run, state: BuildState) -> list[Placed]:
    """The mounts of a RUN, in the order written.

    Raises:
        DockerfileError: one that makes no sense.
        SourceNotFoundError, PullError: what it mounts is not there.
    """

    def expanded(value: str) -> str:
        return expand(value, state.variables, step.escape)

    placed = []
    agents = 0
    for name, value in instruction.flags:
        if name != "mount":
            continue
        mount = parse_mount(value, expanded)
        mount_id, target = mount.id, mount.target
        source = None
        if mount.type == "secret":
            mount_id = mount.source or mount.id or posixpath.basename(target)
            if mount.env is None:
                target = target or f"{_SECRETS}/{posixpath.basename(mount_id)}"
        elif mount.type == "ssh":
            mount_id = mount.id or "default"
            target = target or _AGENT.format(agents)
            agents += 1
        elif mount.type == "cache":
            namespace = step.work.build_args.get("BUILDKIT_CACHE_MOUNT_NS", "")
            mount_id = posixpath.normpath(f"{namespace}/{mount.id or target}")
        if mount.type == "bind" or (mount.type == "cache" and mount.origin):
            source = find_source(step, mount)
        if target or mount.type != "secret":
            target = posixpath.normpath(posixpath.join("/", state.workdir, target))
            if target.lstrip("/") == "":
                raise DockerfileError(
                    'invalid mount target "/"', hint="Write target=/path for the mount."
                )
        placed.append(Placed(mount, mount_id, target, source))
    return placed


@contextmanager
def attach(step: Step, placed: Sequence[Placed], state: BuildState) -> Iterator[Volumes]:
    """The mounts as a container is given them, for as long as it runs.

    Raises:
        BuildError: a secret or agent that is required is not there, or can't be used.
        UnsupportedError: what this rung can't do.
    """
    with ExitStack() as stack:
        scratch = stack.enter_context(step.store.scratch())
        attaching = _Attaching(step, step.store.tree(state.layers), scratch, stack)
        # Caches last and in one order, so that no two steps wait for each other.
        ordered = sorted(placed, key=lambda p: p.target if p.mount.type == "cache" else "")
        for number, each in enumerate(ordered):
            attaching.add(number, each)
        yield attaching.volumes


class _Attaching:
    """One RUN's mounts being attached, in a scratch directory."""

    def __init__(self, step: Step, tree: Tree, scratch: Path, stack: ExitStack) -> None:
        self.volumes = Volumes()
        self._step = step
        self._tree = tree
        self._scratch = scratch
        self._stack = stack
        self._rung = step.work.tools.runner.rung

    def add(self, number: int, placed: Placed) -> None:
        """Attach a mount; `number` is its own among those of the step."""
        add: Callable[[Path, Placed], None] = {
            "bind": self._add_bind,
            "cache": self._add_cache,
            "tmpfs": self._add_tmpfs,
            "secret": self._add_secret,
            "ssh": self._add_agent,
        }[placed.mount.type]
        directory = self._scratch / str(number)
        directory.mkdir()
        add(directory, placed)

    def _bind(self, source: Path, target: str, *, read_only: bool) -> None:
        self.volumes.bind(source, target, self._tree, read_only=read_only)

    def _add_bind(self, directory: Path, placed: Placed) -> None:
        source = placed.source
        if source is None:
            return
        read_only = placed.mount.read_only and self._rung != "proot"
        own = source.as_it_is() if read_only else None
        if own is not None:
            self._bind(Path(own), placed.target, read_only=True)
            return
        layers, path = source.in_layers(self._step)
        workspace = self._step.work.tools.snapshotter.prepare(layers)
        self._stack.callback(workspace.discard)
        self.volumes.views[os.fspath(directory)] = workspace.root
        shown = Path(workspace.root.get("tree", directory), path)
        self._bind(shown, placed.target, read_only=read_only)

    def _add_cache(self, directory: Path, placed: Placed) -> None:
        mount, store = placed.mount, self._step.store
        if mount.read_only and self._rung == "proot":
            raise UnsupportedError(
                "RUN --mount=type=cache,readonly: the rung proot has no read-only mounts",
                hint="Leave readonly out.",
            )
        facts = (placed.id, placed.source and placed.source.key, mount.mode, mount.uid, mount.gid)
        key = hashlib.sha256(json.dumps((store.holding.kind, *facts)).encode()).hexdigest()
        new = False

        def make(path: Path) -> None:
            nonlocal new
            new = True
            if placed.source is None:
                path.mkdir()
                path.chmod(_CACHE_MODE)
            else:
                chunks = ChunkReader(archive(placed.source.pieces()))
                unpack(chunks.read, directory, store.holding)
                (directory / "fs" / PLACE).rename(path)
            if mount.mode is not None:
                path.chmod(mount.mode)

        caches = CacheMounts(store.root)
        if self._step.no_cache and self._step.work.begin_anew(key):
            caches.prune(key)
        # Without mounts the directory itself is in the container, and can't be in a second one.
        sharing = "locked" if self._rung == "chroot" else mount.sharing
        path = self._stack.enter_context(caches.take(key, sharing, make, self._step.work.check))
        if new:
            self._own(path, mount)
        self._bind(path, placed.target, read_only=mount.read_only)

    def _add_tmpfs(self, directory: Path, placed: Placed) -> None:
        size = placed.mount.size
        if self._rung in RUNGS:
            real = "/" + self._tree.resolve(placed.target)[0]
            self.volumes.tmpfs.append((real, size))
            return
        if size:
            raise UnsupportedError(
                "RUN --mount=type=tmpfs,size=: this rung has no tmpfs whose size could be limited",
                hint="Leave size out: the mount is then a directory on the disk.",
            )
        directory.chmod(0o1777)
        self._bind(directory, placed.target, read_only=False)

    def _add_secret(self, directory: Path, placed: Placed) -> None:
        mount = placed.mount
        value = read_secret(self._step.work.request, placed.id, required=mount.required)
        if value is None:
            return
        if mount.env is not None:
            if b"\0" in value:
                raise BuildError(f"secret {placed.id}: a variable can't hold its zero bytes")
            self.volumes.secrets[mount.env] = os.fsdecode(value)
        if placed.target:
            path = directory / "secret"
            path.touch(0o600)
            path.write_bytes(value)
            path.chmod(_SECRET_MODE if mount.mode is None else mount.mode)
            self._own(path, mount)
            self._bind(path, placed.target, read_only=self._rung != "proot")

    def _add_agent(self, directory: Path, placed: Placed) -> None:
        mount = placed.mount
        self.volumes.agent = self.volumes.agent or placed.target
        there = self._stack.enter_context(
            forward_agent(self._step.work.request, placed.id, directory, required=mount.required)
        )
        if there:
            path = directory / "agent"
            path.chmod(_AGENT_MODE if mount.mode is None else mount.mode)
            self._own(path, mount)
            self._bind(path, placed.target, read_only=False)

    def _own(self, path: Path, mount: RunMount) -> None:
        if mount.uid or mount.gid:
            self.volumes.owners.append((os.fspath(path), mount.uid or 0, mount.gid or 0))
