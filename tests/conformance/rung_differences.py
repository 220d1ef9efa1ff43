"""What the lower rungs cannot have equal, and why; see `docs/differences.md`."""

from __future__ import annotations

from collections.abc import Mapping

from .judge import Argued

__all__ = ["ARGUED"]

FAILS = "the oracle built it; we raised StepFailedError"
REFUSES = "the oracle built it; we raised UnsupportedError"

ONE_UID = "there is only one UID, which owns what a process looks at"
CAPABILITIES = "other capabilities than Docker's: a user namespace's, or none at all"
UNREADABLE = "its owner cannot read a file of mode 000; nor could an ordinary user's docker"
ALWAYS_ROOT = "the kernel knows one user, who may write to all of it"
NO_NAMESPACES = (
    "no namespaces: /proc, /sys, /etc/hosts and host name are the machine's or the image's"
)
NO_MOUNTS = "no mounts: what should be read-only, or a tmpfs, is a plain directory"
NO_NETWORKS = "no namespaces: no other network than the machine's"
NOT_FIRST = "the process is not the first of a PID namespace, which signals cannot kill"
TREES_KEEP_LINKS = "working trees keep hard links, which overlayfs breaks when it copies up"
NO_DEVICES = "the kernel makes no devices in a user namespace"
PUT_IN = "/etc/hosts and its kin are put into the tree for the time of the step"
NO_GIT = "the tests' pod has no program git"
NO_TRACE = "working trees leave no trace of a mount point"

GIT_CASES = (
    "git_whole",
    "git_tag",
    "git_branch_and_directory",
    "git_commit",
    "git_directory_kept",
    "git_checksum",
)

ARGUED: Mapping[str, Mapping[str, Argued]] = {
    "subuid": {
        "run_device": {FAILS: NO_DEVICES},
        "copy_stage_devices": {FAILS: NO_DEVICES},
        "copy_stage_device_alone": {FAILS: NO_DEVICES},
        "copy_special_modes": {"the oracle built it; we raised BuildError": UNREADABLE},
    },
    "oneuid": {
        "run_limits": {"/out content": CAPABILITIES},
        "security_sandbox": {"/o content": CAPABILITIES},
        "secret_mode_and_owner": {"/o content": ONE_UID},
        "copy_special_modes": {"the oracle built it; we raised BuildError": UNREADABLE},
        "user_may_not_write": {
            "the oracle raised StepFailedError": ALWAYS_ROOT,
            "we built it": ALWAYS_ROOT,
        },
    },
    "chroot": {
        "run_limits": {FAILS: NO_NAMESPACES},
        "run_shm_tmp": {"layer 1": NO_NAMESPACES, "/sys": NO_NAMESPACES},
        "run_mount_points": {FAILS: NO_NAMESPACES},
        "run_resolv_conf": {FAILS: NO_NAMESPACES},
        "security_sandbox": {FAILS: NO_NAMESPACES},
        "builtin_host_name": {"/o ": NO_NAMESPACES},
        "option_shm_size": {REFUSES: NO_NAMESPACES},
        "run_sigsegv": {FAILS: NOT_FIRST},
        "run_killed": {FAILS: NOT_FIRST},
        "run_links_of_the_base": {"layer ": TREES_KEEP_LINKS, "/3": TREES_KEEP_LINKS},
        "run_metadata_of_the_base": {"/etc mtime": PUT_IN},
        "bind_source": {"layer 1": NO_TRACE, "/etc mtime": NO_TRACE},
        "secret_at_its_default_place": {"layer 2": NO_TRACE, "/run/secrets mtime": NO_TRACE},
        "bind_is_read_only": {FAILS: NO_MOUNTS},
        "cache_read_only": {FAILS: NO_MOUNTS},
        "tmpfs_is_dropped": {FAILS: NO_MOUNTS},
        "tmpfs_size": {REFUSES: NO_MOUNTS},
        "network_none": {REFUSES: NO_NETWORKS},
        "network_of_the_build": {REFUSES: NO_NETWORKS},
    },
    "proot": {
        "run_limits": {"/out content": CAPABILITIES},
        "security_sandbox": {"/o content": CAPABILITIES},
        "run_resolv_conf": {FAILS: NO_NAMESPACES},
        "builtin_host_name": {"/o ": NO_NAMESPACES},
        "option_shm_size": {REFUSES: NO_NAMESPACES},
        "run_sigsegv": {FAILS: NOT_FIRST},
        "run_killed": {FAILS: NOT_FIRST},
        "run_links_of_the_base": {"layer ": TREES_KEEP_LINKS, "/3": TREES_KEEP_LINKS},
        "secret_mode_and_owner": {"/o content": ONE_UID},
        "bind_is_read_only": {FAILS: NO_MOUNTS},
        "cache_read_only": {REFUSES: NO_MOUNTS},
        "tmpfs_is_dropped": {FAILS: NO_MOUNTS},
        "tmpfs_size": {REFUSES: NO_MOUNTS},
        "network_none": {REFUSES: NO_NETWORKS},
        "network_of_the_build": {REFUSES: NO_NETWORKS},
        "copy_special_modes": {"the oracle built it; we raised BuildError": UNREADABLE},
        "user_may_not_write": {
            "the oracle raised StepFailedError": ALWAYS_ROOT,
            "we built it": ALWAYS_ROOT,
        },
        **{case: {"the oracle built it; we raised BuildError": NO_GIT} for case in GIT_CASES},
    },
}
"""By rung and case: the beginnings of differences, and why."""
