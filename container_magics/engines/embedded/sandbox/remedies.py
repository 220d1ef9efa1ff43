"""How to get a rung of the isolation ladder that does not work here."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from .launcher import mapping

__all__ = [
    "PROOT",
    "allow_user_namespaces",
    "be_root",
    "be_root_of_a_container",
    "get_sub_uids",
    "install_proot",
]

PROOT = "CONTAINER_MAGICS_PROOT"
"""Environment variable with the path of PRoot, where it is not in PATH."""


def be_root() -> str:
    """For namespaces by root."""
    if os.geteuid() != 0:
        return "run as root"
    return "give this machine's root CAP_SYS_ADMIN (in a container: --privileged)"


def be_root_of_a_container() -> str:
    """For chroot."""
    if os.geteuid() != 0:
        return "run as root"
    return (
        "give this machine's root CAP_CHOWN, CAP_MKNOD and CAP_SYS_CHROOT (`docker run` does), and "
        "have the store on a file system with owners and devices"
    )


def get_sub_uids() -> str:
    """For a user namespace with sub-UIDs."""
    if os.geteuid() == 0:
        return "run as an ordinary user"
    if missing := [name for name in mapping.PROGRAMS if not mapping.has_program(name)]:
        return f"apt-get install uidmap (as root), which has {missing[0]}"
    if not all(mapping.ranges(file) for file in mapping.PROGRAMS.values()):
        options = "--add-subuids 100000-165535 --add-subgids 100000-165535"
        return f"usermod {options} {_user_name()} (as root; a range that nobody else has)"
    return allow_user_namespaces()


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "NAME (this user needs an entry in /etc/passwd first)"


def allow_user_namespaces() -> str:
    """For any namespace of an ordinary user."""
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


def install_proot() -> str:
    """For PRoot."""
    if os.environ.get(PROOT) or shutil.which("proot"):
        return (
            "allow ptrace (in a container: the default seccomp profile on Linux 4.8 or newer does)"
        )
    return f"apt-get install proot (as root), or {PROOT}=/path/of/proot"
