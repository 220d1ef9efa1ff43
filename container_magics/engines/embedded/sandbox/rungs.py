"""Choosing a rung of the isolation ladder, by trying.

Namespaces, mounts, /proc, overlayfs and its whiteouts can each be missing alone (AppArmor, seccomp,
NFS, overlay on overlay), and only in some directories. So each rung runs its whole sequence once,
in the store's own directory, through the launcher that will run the containers.

    root    namespaces and mounts by root                  true owners    overlayfs, else trees
    chroot  root without CAP_SYS_ADMIN: no mounts          true owners    trees
    subuid  namespaces of a user with sub-UIDs             true owners    overlayfs, else trees
    oneuid  the same in a user namespace with one UID      one owner      overlayfs, else trees
    proot   ptrace                                         one owner      trees
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ....errors import SandboxError
from ..storage.holding import Holding
from ..storage.store import default_root
from . import attempts, remedies
from .attempts import Kind, Rung, UnavailableError
from .client import Launcher
from .limits import limits_of
from .remedies import PROOT

__all__ = ["FORCE", "PROOT", "Rung", "RungReport", "choose", "diagnose"]

FORCE = "CONTAINER_MAGICS_RUNG"
"""Environment variable that names the only rung to try."""


@dataclass(frozen=True, slots=True)
class RungReport:
    """What `container-magics doctor` says of one rung.

    Attributes:
        reason: what happened when it was tried.
        remedy: how to get it, "" where it is there.
        chosen: whether containers run on it.
        limits: what containers cannot do on it.
    """

    name: str
    available: bool
    reason: str
    remedy: str
    chosen: bool
    limits: tuple[str, ...]


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
    ladder = [kind for kind in _LADDER if not forced or kind.name == forced]
    if not ladder:
        names = ", ".join(kind.name for kind in _LADDER)
        raise SandboxError(f"{FORCE}={forced}: there is no such rung here", hint=f"Rungs: {names}.")
    refused = []
    for kind in ladder:
        try:
            return kind.attempt(kind, root.absolute(), launcher)
        except UnavailableError as error:
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
            except UnavailableError as error:
                reason, remedy = str(error), kind.remedy()
                reports.append(
                    RungReport(kind.name, False, reason, remedy, False, limits_of(kind.name))
                )
                continue
            chosen = forced in ("", kind.name) and not any(report.chosen for report in reports)
            reports.append(RungReport(kind.name, True, rung.why, "", chosen, limits_of(kind.name)))
    finally:
        launcher.close()
    return reports


_LADDER = (
    Kind(
        "root",
        "namespaces by root",
        Holding("true"),
        attempts.try_namespaces,
        remedies.be_root,
    ),
    Kind(
        "chroot",
        "chroot by root",
        Holding("bare"),
        attempts.try_chroot,
        remedies.be_root_of_a_container,
    ),
    Kind(
        "subuid",
        "a user namespace with sub-UIDs",
        Holding("mapped"),
        attempts.try_subuid,
        remedies.get_sub_uids,
    ),
    Kind(
        "oneuid",
        "a user namespace with one UID",
        Holding("user"),
        attempts.try_namespaces,
        remedies.allow_user_namespaces,
    ),
    Kind(
        "proot",
        "PRoot, without namespaces",
        Holding("user"),
        attempts.try_proot,
        remedies.install_proot,
    ),
)
