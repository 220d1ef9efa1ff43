"""A container's namespaces and file system, on the rungs `root`, `subuid` and `oneuid`.

The order is runc's (OCI runtime-spec, "Linux Container Configuration"): root file system, /proc,
/dev, /sys, files and volumes from the host, pivot_root, masked paths. Everything is mounted in a
mount namespace that ends with the container, so nothing has to be unmounted.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import files, kernel, mapping
from .inroot import make_directories, make_mount_point, open_in_root

__all__ = [
    "KEPT_CAPABILITIES",
    "LINKS",
    "NODES",
    "RUNGS",
    "enter_root",
    "leave_host",
    "make_read_only",
]

RUNGS = ("root", "subuid", "oneuid")
"""The rungs that are made of namespaces."""

# Docker's default set, by number: chown, dac_override, fowner, fsetid, kill, setgid, setuid,
# setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
KEPT_CAPABILITIES = frozenset((0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31))

# What a container's /dev has: character devices by number, and symlinks.
NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
_MASKED = (
    "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
)  # fmt: skip
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_SHM_SIZE = 64 << 20
_QUIET = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


def leave_host(rung: str, network: str) -> None:
    """Leave the host's namespaces; the caller's next child is PID 1 of the new one."""
    uid, gid = os.geteuid(), os.getegid()
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    if network == "none":
        flags |= kernel.CLONE_NEWNET
    if rung == "subuid":
        mapping.unshare(flags)
    elif rung == "oneuid":
        kernel.unshare(flags | kernel.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    else:
        kernel.unshare(flags)
    kernel.mount("", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    if network == "none":
        kernel.raise_loopback()


def enter_root(spec: Mapping[str, Any]) -> None:
    """Mount the container's root and make it `/`; `spec` is as `sandbox.client.Spec` sends it."""
    merged, user_namespace = spec["mount"], spec["rung"] != "root"
    _mount_root(spec["root"], merged, user_namespace)
    if spec["rung"] != "oneuid":
        for path, uid, gid in spec["owners"]:
            os.chown(path, uid, gid, follow_symlinks=False)
    for directory, view in spec["views"].items():
        if "tree" not in view:
            _mount_root(view, directory, user_namespace)
    root = os.open(merged, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    if not spec["copying"]:  # What is copied there shall not be lost.
        _mount_at(root, "proc", "proc", "proc", _QUIET)
        _make_dev(root, user_namespace, spec["shm_size"] or _SHM_SIZE)
        _mount_sys(root, user_namespace)
    for target, source in spec["files"].items():
        _show(root, source, target)
    _mount_volumes(root, spec)
    os.chdir(merged)
    os.close(root)
    kernel.pivot_root(".", ".")
    kernel.umount(".", kernel.MNT_DETACH)
    os.chdir("/")
    _mask()
    kernel.sethostname(spec["hostname"])


def make_read_only() -> None:
    """Make the container's own file system read-only; what is mounted in it stays as it is."""
    flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY
    kernel.mount("", "/", flags=flags)


def _mount_root(root: Mapping[str, Any], merged: str, user_namespace: bool) -> None:
    if "tree" in root:
        kernel.mount(root["tree"], merged, flags=kernel.MS_BIND | kernel.MS_REC)
        return
    os.chdir(root["base"])
    _forget_last_mount(root["work"])
    options = f"lowerdir={':'.join(root['lower'])},upperdir={root['upper']},workdir={root['work']}"
    options += ",userxattr" if user_namespace else ",index=off,redirect_dir=off,metacopy=off"
    try:
        kernel.mount("overlay", merged, "overlay", 0, options + ",volatile")
    except OSError:
        kernel.mount("overlay", merged, "overlay", 0, options)


def _forget_last_mount(work: str) -> None:
    """Overlayfs mounts what was mounted `volatile` no second time, unless it is told to."""
    mark = f"{work}/work/incompat"
    if os.path.lexists(mark):
        files.remove(mark)


def _at(root: int, path: str, flags: int = os.O_DIRECTORY) -> int:
    return open_in_root(root, path, os.O_PATH | flags)


def _mount_at(root: int, path: str, source: str, kind: str, flags: int = 0, data: str = "") -> None:
    make_directories(root, path)
    handle = _at(root, path)
    kernel.mount(source, f"/proc/self/fd/{handle}", kind, flags, data)
    os.close(handle)


def _mount_volumes(root: int, spec: Mapping[str, Any]) -> None:
    """Binds and tmpfs in the order of their targets, so that one inside another is not hidden."""
    volumes = [(target, source, read_only) for source, target, read_only in spec["binds"]]
    volumes += [(target, "", size) for target, size in spec["tmpfs"]]
    for target, source, option in sorted(volumes):
        if source:
            _bind(root, source, target, read_only=option)
        else:
            data = f"mode=1777,size={option}" if option else "mode=1777"
            _mount_at(root, target, "tmpfs", "tmpfs", kernel.MS_NOSUID, data)


def _make_dev(root: int, user_namespace: bool, shm_size: int) -> None:
    _mount_at(
        root,
        "dev",
        "tmpfs",
        "tmpfs",
        kernel.MS_NOSUID | kernel.MS_STRICTATIME,
        "mode=755,size=65536k",
    )
    dev = _at(root, "dev")
    for name, (major, minor) in NODES.items():
        if user_namespace:
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666, dir_fd=dev))
            node = os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=dev)
            kernel.mount(f"/dev/{name}", f"/proc/self/fd/{node}", flags=kernel.MS_BIND)
            os.close(node)
        else:
            os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(major, minor), dir_fd=dev)
            os.chmod(name, 0o666, dir_fd=dev)  # noqa: S103 - /dev/null is everybody's
    for name, target in LINKS.items():
        os.symlink(target, name, dir_fd=dev)
    quiet = kernel.MS_NOSUID | kernel.MS_NOEXEC
    terminals = "newinstance,ptmxmode=0666,mode=0620" + ("" if user_namespace else ",gid=5")
    _mount_at(dev, "pts", "devpts", "devpts", quiet, terminals)
    _mount_at(dev, "shm", "shm", "tmpfs", _QUIET, f"mode=1777,size={shm_size}")
    _mount_at(dev, "mqueue", "mqueue", "mqueue", _QUIET)
    os.close(dev)


def _mount_sys(root: int, user_namespace: bool) -> None:
    """A read-only /sys; a user namespace that shares the host's network borrows the host's."""
    if not user_namespace:
        _mount_at(root, "sys", "sysfs", "sysfs", _QUIET | kernel.MS_RDONLY)
        return
    make_directories(root, "sys")
    handle = _at(root, "sys")
    kernel.mount("/sys", f"/proc/self/fd/{handle}", flags=kernel.MS_BIND | kernel.MS_REC)
    os.close(handle)


def _show(root: int, source: str, target: str) -> None:
    """Bind a file of the host; a symlink in the image is covered, its target is not made."""
    try:
        handle = _at(root, target, os.O_NOFOLLOW)
        kernel.mount(source, f"/proc/self/fd/{handle}", flags=kernel.MS_BIND)
        os.close(handle)
    except OSError:  # Nothing is there, or this kernel mounts nothing on a symlink.
        _bind(root, source, target, read_only=False)


def _bind(root: int, source: str, target: str, *, read_only: bool) -> None:
    """Bind a file or directory of the host; what is missing in the container is made."""
    directory = Path(source).is_dir()
    make_mount_point(root, target, directory=directory)
    handle = _at(root, target, os.O_DIRECTORY if directory else 0)
    place = f"/proc/self/fd/{handle}"
    kernel.mount(source, place, flags=kernel.MS_BIND | kernel.MS_REC)
    os.close(handle)
    if read_only:
        handle = _at(root, target, os.O_DIRECTORY if directory else 0)
        _remount_read_only(f"/proc/self/fd/{handle}")
        os.close(handle)


def _remount_read_only(path: str) -> None:
    """Make a mount read-only, and those in it where Linux can (5.12).

    Before that, one remounts, with the flags that a user namespace may not clear
    (mount_namespaces(7)).
    """
    try:
        kernel.set_read_only(path)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
    else:
        return
    have = os.statvfs(path).f_flag
    kept = have & (kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    times = (0x400, 0x800, 0x200000)
    locked = sum(flag for flag, bit in zip(times, (1024, 2048, 4096), strict=True) if have & bit)
    kernel.mount(
        "", path, flags=kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kept | locked
    )


def _mask() -> None:
    for path in _MASKED:
        if not os.path.lexists(path):
            continue
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", kernel.MS_RDONLY)
        else:
            kernel.mount("/dev/null", path, flags=kernel.MS_BIND)
    for path in _READ_ONLY:
        if os.path.lexists(path):
            kernel.mount(path, path, flags=kernel.MS_BIND | kernel.MS_REC)
            _remount_read_only(path)
