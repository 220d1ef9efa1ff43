"""Stages for another platform than this machine's, and whether their RUN steps can run here.

Foreign programs run where the kernel hands them to an emulator: a `binfmt_misc` handler for their
ELF header, registered with the flag F so that the emulator need not be in the image (kernel
documentation, "binfmt-misc"). A stage without a RUN needs none.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from ....dockerfile import Run, Stage, StageGraph
from ....errors import BuildError, DockerfileError, UsageError
from ....oci.platforms import Platform

__all__ = ["check_run", "is_emulated", "stage_platforms"]

_REGISTERED = Path("/proc/sys/fs/binfmt_misc")
# architecture → bits, byte order, e_machine (System V ABI, "ELF Header")
_ELF = {
    "386": (32, "<", 3),
    "amd64": (64, "<", 62),
    "arm": (32, "<", 40),
    "arm64": (64, "<", 183),
    "loong64": (64, "<", 258),
    "mips64": (64, ">", 8),
    "mips64le": (64, "<", 8),
    "ppc64": (64, ">", 21),
    "ppc64le": (64, "<", 21),
    "riscv64": (64, "<", 243),
    "s390x": (64, ">", 22),
}
_EXECUTABLE = 2
_INSTALL = (
    "Install an emulator: apt-get install qemu-user-static, or docker run --privileged --rm "
    "tonistiigi/binfmt --install all."
)
_WITHOUT_RUN = (
    "A stage without RUN needs none; FROM --platform=$BUILDPLATFORM compiles for others here."
)


def stage_platforms(graph: StageGraph, target: Platform) -> tuple[Platform, ...]:
    """The platform of each stage: its own, that of the stage below it, or the target's.

    Raises:
        DockerfileError: a stage's is none.
    """
    platforms: list[Platform] = []
    for stage in graph.stages:
        below = stage.base_stage
        if not stage.platform:
            platforms.append(target if below is None else platforms[below])
            continue
        try:
            platforms.append(Platform.parse(stage.platform))
        except UsageError as error:
            raise DockerfileError(
                f"failed to parse platform {stage.platform}: {error.message}",
                line=stage.line,
                hint=error.hint,
            ) from None
    return tuple(platforms)


def check_run(stages: Sequence[Stage], platforms: Sequence[Platform], rung: str) -> None:
    """Refuse, before anything is built, a RUN that this machine cannot run.

    Args:
        stages: those that will be built.
        platforms: of all stages, by index.
        rung: of the isolation ladder; `proot` traces this machine's programs only.

    Raises:
        BuildError: with the line of the RUN, and what to install.
    """
    for stage in stages:
        platform = platforms[stage.index]
        run = next((i for i in stage.instructions if isinstance(i, Run)), None)
        if run is None or platform.rank_on(Platform.host()) is not None:
            continue
        if rung == "proot":
            why, hint = "the rung proot runs this machine's programs only", _WITHOUT_RUN
        elif not is_emulated(platform):
            why = "no binfmt_misc handler for its programs is registered with the flag F"
            hint = f"{_INSTALL} {_WITHOUT_RUN}"
        else:
            continue
        raise BuildError(
            f"RUN for the platform {platform} cannot run on {Platform.host()}: {why}",
            step=run.text,
            line=run.line,
            hint=hint,
        )


def is_emulated(platform: Platform, registered: Path = _REGISTERED) -> bool:
    """Whether programs of a platform run here, natively or by an emulator.

    Args:
        platform: whose programs.
        registered: where the kernel shows its `binfmt_misc` handlers.
    """
    if platform.rank_on(Platform.host()) is not None:
        return True
    elf = _ELF.get(platform.architecture)
    if platform.os != "linux" or elf is None or not registered.is_dir():
        return False
    header = _header(*elf)
    return any(
        _takes(path.read_text(errors="replace"), header)
        for path in registered.iterdir()
        if path.name not in ("register", "status")
    )


def _header(bits: int, order: str, machine: int) -> bytes:
    """The first 20 bytes of an executable: what handlers look at."""
    identity = struct.pack("4sBBBBB7x", b"\x7fELF", bits // 32, 1 if order == "<" else 2, 1, 0, 0)
    return identity + struct.pack(f"{order}HH", _EXECUTABLE, machine)


def _takes(text: str, header: bytes) -> bool:
    """Whether a handler, as the kernel describes it, takes a file of this header in any root."""
    lines = text.splitlines()
    facts = dict(line.partition(" ")[::2] for line in lines)
    if not lines or lines[0] != "enabled" or "F" not in facts.get("flags:", ""):
        return False
    try:
        offset = int(facts.get("offset", "0"))
        magic = bytes.fromhex(facts["magic"])
        mask = bytes.fromhex(facts["mask"]) if "mask" in facts else b"\xff" * len(magic)
    except (KeyError, ValueError):
        return False
    part = header[offset : offset + len(magic)].ljust(len(magic), b"\0")
    return len(mask) == len(magic) and all(
        (a ^ b) & m == 0 for a, b, m in zip(part, magic, mask, strict=True)
    )
