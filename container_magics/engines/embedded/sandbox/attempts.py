"""Trying a rung of the isolation ladder: its whole sequence, once, in the store's own directory."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ....errors import StoreError
from ..storage import deputy
from ..storage.holding import OPAQUE_VALUE, Holding
from ..storage.store import remove_tree
from .client import Launcher, Spec
from .launcher import mapping, probe, trampoline
from .remedies import PROOT

__all__ = [
    "Kind",
    "Rung",
    "UnavailableError",
    "try_chroot",
    "try_namespaces",
    "try_proot",
    "try_subuid",
]

_ROOM = 1 << 18  # bytes: more than an attempt writes, or a full disk would look like a lower rung


@dataclass(frozen=True, slots=True)
class Rung:
    """The rung that containers run on.

    Attributes:
        name: `root`, `chroot`, `subuid`, `oneuid`, `proot`: `Spec.rung`.
        holding: how its layers are kept.
        overlay: whether overlayfs makes its root file systems; else working trees do.
        why: for people: why this one.
        proot: PRoot's path, for `Spec.proot`.
    """

    name: str
    holding: Holding
    overlay: bool
    why: str
    proot: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the ladder: how to try it, and how to get it."""

    name: str
    summary: str
    holding: Holding
    attempt: Callable[[Kind, Path, Launcher], Rung]
    remedy: Callable[[], str]


class UnavailableError(Exception):
    """A rung does not work here; the text says why."""


def try_namespaces(kind: Kind, root: Path, launcher: Launcher) -> Rung:
    """The rungs of namespaces: with overlayfs, else with working trees.

    Raises:
        UnavailableError: neither works.
        StoreError: the store's directory cannot be written to. So do all attempts.
    """
    if kind.holding.true_owners and os.geteuid() != 0:
        raise UnavailableError("not root")
    with _Place(root) as place:
        try:
            _try_overlay(kind, place, launcher)
            rung = Rung(kind.name, kind.holding, True, f"{kind.summary}, overlayfs")
        except UnavailableError as overlay_error:
            tree = place.directory("tree")
            _try_tree(kind, place, tree, launcher)
            why = f"{kind.summary}, working trees ({overlay_error})"
            rung = Rung(kind.name, kind.holding, False, why)
        if not kind.holding.keeps_records:
            return rung
        tree = place.directory("listened")
        spec = Spec(kind.name, {"tree": str(tree)}, str(place.mount), (), {}, probe=True)
        return _try_listener(rung, spec, place, launcher)


def try_chroot(kind: Kind, root: Path, launcher: Launcher) -> Rung:
    """Root without mounts: whether it may make device nodes, and set owners in the store.

    Raises:
        UnavailableError: it may not.
    """
    if os.geteuid() != 0:
        raise UnavailableError("not root")
    with _Place(root) as place:
        tree = place.directory("tree")
        try:
            os.chown(tree, 1, 1)
        except OSError as error:
            raise UnavailableError(f"owners of files can't be set: {error.strerror}") from error
        _try_tree(kind, place, tree, launcher)
    return Rung(kind.name, kind.holding, False, f"{kind.summary}, working trees")


def try_subuid(kind: Kind, root: Path, launcher: Launcher) -> Rung:
    """Namespaces of an ordinary user with sub-UIDs, and whether the store can hold their files.

    Raises:
        UnavailableError: there are none, or it cannot.
    """
    if os.geteuid() == 0:
        raise UnavailableError("root has all UIDs, and needs no others")
    for program, file in mapping.PROGRAMS.items():
        if not mapping.ranges(file):
            raise UnavailableError(f"no entry for this user in {file}")
        if not mapping.has_program(program):
            raise UnavailableError(f"no {program} in PATH")
    rung = try_namespaces(kind, root, launcher)
    with _Place(root) as place:
        (place.directory("tree") / probe.WRITTEN).touch()
        try:
            deputy.give(place.path / "tree", [deputy.Fact(probe.WRITTEN, 1, 1, 0o600, {})])
        except OSError as error:
            raise UnavailableError(f"owners of files can't be set: {error.strerror}") from error
    return rung


def _try_tree(kind: Kind, place: _Place, tree: Path, launcher: Launcher) -> None:
    _run(launcher, Spec(kind.name, {"tree": str(tree)}, str(place.mount), (), {}, probe=True))


def _try_overlay(kind: Kind, place: _Place, launcher: Launcher) -> None:
    try:
        below, above = place.directory("below"), place.directory("above")
        (below / probe.GONE).touch()
        for layer, name in ((below, "old"), (above, "new")):
            (layer / probe.OPAQUE).mkdir()
            (layer / probe.OPAQUE / name).touch()
        kind.holding.mark_whiteout(above / probe.GONE)
        kind.holding.mark_opaque(above / probe.OPAQUE)
        upper = place.directory("upper")
        place.directory("work")
        spec = {
            "base": str(place.path),
            "lower": ["above", "below"],
            "upper": "upper",
            "work": "work",
        }
        _run(launcher, Spec(kind.name, spec, str(place.mount), (), {}, probe=True))
        if (upper / probe.WRITTEN).read_text() != probe.WRITTEN:
            raise UnavailableError("what overlayfs writes can't be read")
        if stat.S_IFMT((upper / probe.OPAQUE).lstat().st_mode) != stat.S_IFDIR or (
            os.getxattr(upper / probe.OPAQUE, kind.holding.opaque_xattr) != OPAQUE_VALUE
        ):
            raise UnavailableError("overlayfs leaves no mark on opaque directories")
    except OSError as error:
        raise UnavailableError(str(error)) from error


def try_proot(kind: Kind, root: Path, launcher: Launcher) -> Rung:
    """PRoot, by a program that it shall start and whose files it shall change.

    Raises:
        UnavailableError: there is no PRoot, or it does not work.
    """
    program = os.environ.get(PROOT) or shutil.which("proot")
    if not program:
        raise UnavailableError("no proot in PATH")
    with _Place(root) as place:
        tree = place.directory("tree")
        # The trampoline is a static program: told to start what isn't there, it deletes the file
        # it is told to and exits with 125.
        (tree / probe.GONE).touch()
        (tree / "program").write_bytes(trampoline.program())
        (tree / "program").chmod(0o755)
        argv = ("/program", *trampoline.arguments(f"/{probe.GONE}", "/nothing", {}, ()))
        spec = Spec(kind.name, {"tree": str(tree)}, str(place.mount), argv, {}, proot=program)
        code = _run(launcher, spec)
        if code != 125 or (tree / probe.GONE).exists():
            raise UnavailableError(f"{program} can't run programs here: exit status {code}")
        rung = Rung(kind.name, kind.holding, False, kind.summary, program)
        return _try_listener(rung, spec, place, launcher)


def _try_listener(rung: Rung, spec: Spec, place: _Place, launcher: Launcher) -> Rung:
    """The rung with its listener for owners, or with why there is none."""
    try:
        _run(launcher, replace(spec, records=str(place.path / "records")))
    except UnavailableError as error:
        return replace(rung, why=f"{rung.why}; a RUN leaves no owners ({error})")
    return replace(rung, holding=replace(rung.holding, listened=True))


def _run(launcher: Launcher, spec: Spec) -> int:
    with Path(os.devnull).open("r+b") as null:
        handle = null.fileno()
        code, failed = launcher.start(spec, (handle, handle, handle)).wait()
    if failed is not None:
        raise UnavailableError(failed)
    return code


class _Place:
    """A directory below the store's root to try things in, for a `with` block."""

    def __init__(self, root: Path) -> None:
        self.path = root / f"probe-{uuid.uuid4().hex[:12]}"
        self.mount = self.path / "mount"

    def directory(self, name: str) -> Path:
        made = self.path / name
        made.mkdir()
        return made

    def __enter__(self) -> _Place:
        try:
            self.mount.mkdir(parents=True)
            (self.path / "room").write_bytes(bytes(_ROOM))
            (self.path / "room").unlink()
        except OSError as error:
            remove_tree(self.path)
            raise StoreError(
                f"the image store {self.path.parent} cannot be written to: {error}",
                hint="Set CONTAINER_MAGICS_ROOT to a directory with space that you can write to.",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        remove_tree(self.path)


# --- remedies -----------------------------------------------------------------------------------
