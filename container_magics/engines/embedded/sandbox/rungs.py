"""Choosing a rung of the isolation ladder, by trying.

Namespaces, mounts, /proc, overlayfs and its whiteouts can each be missing alone (AppArmor, seccomp,
NFS, overlay on overlay), and only in some directories. So each rung runs its whole sequence once,
in the store's own directory, through the launcher that will run the containers.

    root    namespaces and mounts by root                  true owners    overlayfs, else trees
    oneuid  the same in a user namespace with one UID      one owner      overlayfs, else trees
    proot   ptrace                                         one owner      trees
"""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ....errors import SandboxError, StoreError
from ..holding import OPAQUE_VALUE, Holding
from ..store import default_root, remove_tree
from .client import Launcher, Spec
from .launcher import probe, trampoline

__all__ = ["FORCE", "PROOT", "Rung", "RungReport", "choose", "diagnose"]

FORCE = "CONTAINER_MAGICS_RUNG"
"""Environment variable that names the only rung to try."""
PROOT = "CONTAINER_MAGICS_PROOT"
"""Environment variable with the path of PRoot, where it is not in PATH."""

_ROOM = 1 << 18  # bytes: more than an attempt writes, or a full disk would look like a lower rung


@dataclass(frozen=True, slots=True)
class Rung:
    """The rung that containers run on.

    Attributes:
        name: `root`, `oneuid`, `proot`: `Spec.rung`.
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
class RungReport:
    """What `container-magics doctor` says of one rung.

    Attributes:
        reason: what happened when it was tried.
        remedy: how to get it, "" where it is there.
        chosen: whether containers run on it.
    """

    name: str
    available: bool
    reason: str
    remedy: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """One row of the ladder: how to try it, and how to get it."""

    name: str
    summary: str
    holding: Holding
    attempt: Callable[[_Kind, Path, Launcher], Rung]
    remedy: Callable[[], str]


class _UnavailableError(Exception):
    """A rung does not work here; the text says why."""


def choose(root: Path, launcher: Launcher) -> Rung:
    """The best rung that works here.

    Args:
        root: the store's directory; tried in, nothing stays there.
        launcher: runs the attempts.

    Raises:
        SandboxError: none works, or the one that `CONTAINER_MAGICS_RUNG` names does not.
        StoreError: the store's directory cannot be written to.
    """
    forced = os.environ.get(FORCE, "")
    ladder = [
        kind
        for kind in _LADDER
        if (kind.name == forced if forced else kind.attempt is not _try_nothing)
    ]
    if not ladder:
        names = ", ".join(kind.name for kind in _LADDER)
        raise SandboxError(f"{FORCE}={forced}: there is no such rung here", hint=f"Rungs: {names}.")
    refused = []
    for kind in ladder:
        try:
            return kind.attempt(kind, root.absolute(), launcher)
        except _UnavailableError as error:
            refused.append(f"  {kind.name}: {error}\n    {kind.remedy()}")
    what = (
        f"the rung {forced} ({FORCE}) does not work here"
        if forced
        else "nothing here can run containers"
    )
    raise SandboxError("\n".join([what + ":", *refused]))


def diagnose() -> list[RungReport]:
    """Try every rung where the store is, also those below the chosen one; best first.

    Raises:
        StoreError: the store's directory cannot be written to.
    """
    forced = os.environ.get(FORCE, "")
    reports: list[RungReport] = []
    launcher = Launcher()
    try:
        for kind in _LADDER:
            try:
                rung = kind.attempt(kind, default_root().absolute(), launcher)
            except _UnavailableError as error:
                reports.append(RungReport(kind.name, False, str(error), kind.remedy(), False))
                continue
            chosen = forced in ("", kind.name) and not any(report.chosen for report in reports)
            reports.append(RungReport(kind.name, True, rung.why, "", chosen))
    finally:
        launcher.close()
    return reports


# --- attempts -----------------------------------------------------------------------------------


def _try_namespaces(kind: _Kind, root: Path, launcher: Launcher) -> Rung:
    if kind.holding.true_owners and os.geteuid() != 0:
        raise _UnavailableError("not root")
    with _Place(root) as place:
        try:
            _try_overlay(kind, place, launcher)
            return Rung(kind.name, kind.holding, True, f"{kind.summary}, overlayfs")
        except _UnavailableError as overlay_error:
            tree = place.directory("tree")
            _run(
                launcher, Spec(kind.name, {"tree": str(tree)}, str(place.mount), (), {}, probe=True)
            )
            why = f"{kind.summary}, working trees ({overlay_error})"
            return Rung(kind.name, kind.holding, False, why)


def _try_nothing(kind: _Kind, root: Path, launcher: Launcher) -> Rung:
    raise _UnavailableError("not in this version of container-magics")


def _try_overlay(kind: _Kind, place: _Place, launcher: Launcher) -> None:
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
            raise _UnavailableError("what overlayfs writes can't be read")
        if stat.S_IFMT((upper / probe.OPAQUE).lstat().st_mode) != stat.S_IFDIR or (
            os.getxattr(upper / probe.OPAQUE, kind.holding.opaque_xattr) != OPAQUE_VALUE
        ):
            raise _UnavailableError("overlayfs leaves no mark on opaque directories")
    except OSError as error:
        raise _UnavailableError(str(error)) from error


def _try_proot(kind: _Kind, root: Path, launcher: Launcher) -> Rung:
    program = os.environ.get(PROOT) or shutil.which("proot")
    if not program:
        raise _UnavailableError("no proot in PATH")
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
            raise _UnavailableError(f"{program} can't run programs here: exit status {code}")
    return Rung(kind.name, kind.holding, False, kind.summary, program)


def _run(launcher: Launcher, spec: Spec) -> int:
    with Path(os.devnull).open("r+b") as null:
        handle = null.fileno()
        code, failed = launcher.start(spec, (handle, handle, handle)).wait()
    if failed is not None:
        raise _UnavailableError(failed)
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


def _be_root() -> str:
    if os.geteuid() != 0:
        return "run as root"
    return "give this machine's root CAP_SYS_ADMIN (in a container: --privileged)"


def _allow_user_namespaces() -> str:
    for switch, off, on in (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("user/max_user_namespaces", "0", "10000"),
    ):
        try:
            value = Path("/proc/sys", switch).read_text().strip()
        except OSError:
            continue
        if value == off:
            return f"sysctl {switch.replace('/', '.')}={on} (by root)"
    return "allow user namespaces (in a container: a seccomp profile with unshare and mount)"


def _install_proot() -> str:
    if os.environ.get(PROOT) or shutil.which("proot"):
        return (
            "allow ptrace (in a container: the default seccomp profile on Linux 4.8 or newer does)"
        )
    return f"apt-get install proot (as root), or {PROOT}=/path/of/proot"


_LADDER = (
    _Kind("root", "namespaces by root", Holding("true"), _try_namespaces, _be_root),
    _Kind("chroot", "chroot by root", Holding("true"), _try_nothing, str),
    _Kind("subuid", "a user namespace with sub-UIDs", Holding("true"), _try_nothing, str),
    _Kind(
        "oneuid",
        "a user namespace with one UID",
        Holding("user"),
        _try_namespaces,
        _allow_user_namespaces,
    ),
    _Kind("proot", "PRoot, without namespaces", Holding("user"), _try_proot, _install_proot),
)
