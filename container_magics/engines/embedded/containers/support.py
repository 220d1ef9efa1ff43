"""What a container cannot have here: refused by name before anything is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ....errors import UnsupportedError, UsageError
from ...run_request import RunRequest
from ..sandbox.launcher.namespaces import RUNGS

__all__ = ["capability_numbers", "refuse_unsupported"]

_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By number (capabilities(7))."""
_TRUE_ROOT = ("root", "chroot", "subuid")


def capability_numbers(
    added: Iterable[str], dropped: Iterable[str], usual: Collection[int]
) -> list[int]:
    """The capabilities that are left, by number.

    Raises:
        UsageError: there is no such capability.
    """
    kept = set(usual)
    if "ALL" in (plus := [_plain(name) for name in added]):
        kept = set(range(len(_CAPABILITIES)))
    if "ALL" in (minus := [_plain(name) for name in dropped]):
        kept = set()
    kept -= {_number(name) for name in minus if name != "ALL"}
    kept |= {_number(name) for name in plus if name != "ALL"}
    return sorted(kept)


def _plain(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _number(name: str) -> int:
    if name not in _CAPABILITIES:
        raise UsageError(f'invalid CapAdd: unknown capability: "CAP_{name}"')
    return _CAPABILITIES.index(name)


def refuse_unsupported(request: RunRequest, rung: str) -> None:
    """Refuse what this rung can't give.

    Raises:
        UnsupportedError: with the flag and the reason.
        UsageError: a value makes no sense.
    """
    capability_numbers(request.cap_add, request.cap_drop, ())
    namespaced = rung in RUNGS
    network = "the embedded engine's networks are host and none"
    reasons = (
        ("--volume NAME", request.volumes and rung == "chroot", _no_mounts(rung)),
        (f"--network {request.network}", not _is_known(request.network), network),
        ("--network none", request.network == "none" and not namespaced, _needs(rung)),
        ("--shm-size", request.shm_size and not namespaced, _needs(rung)),
        ("--read-only", request.read_only and not namespaced, _needs(rung)),
        ("--cap-add", request.cap_add and rung not in _TRUE_ROOT, _needs_root(rung)),
        ("--cap-drop", request.cap_drop and rung not in _TRUE_ROOT, _needs_root(rung)),
        (
            "--tmpfs with a size",
            any(each.size for each in request.tmpfs) and not namespaced,
            _needs(rung),
        ),
    )
    for flag, asked, reason in reasons:
        if asked:
            raise UnsupportedError(f"{flag}: {reason}", hint="Leave it out.")


def _is_known(network: str) -> bool:
    return network in ("default", "host", "none")


def _needs(rung: str) -> str:
    return f"that takes namespaces, and the rung {rung} has none"


def _no_mounts(rung: str) -> str:
    return f"the rung {rung} can mount nothing for writing"


def _needs_root(rung: str) -> str:
    return f"the rung {rung} has no capabilities of its own"
