"""The first program of a container on the rung `proot`: a few instructions, then the command.

PRoot 5.1.0 and the container's command would share an environment (an image's LD_PRELOAD would
reach PRoot itself) and a standard error (PRoot's own messages would be in the output), and PRoot
ends with the status of whichever process ended last. So PRoot starts this static program in the
root; it deletes its own file, and then starts the command:

    argv[1]  the trampoline's own path in the root
    argv[2]  the command's path
    then     the environment, "", the command's argv
    fd 3     the container's standard error, put on 2
    fd 4     a pipe on which it says its PID, and, where the command can't be executed, -errno
             (8 bytes each, native order)

The sources are `trampoline_x86_64.s` and `trampoline_aarch64.s`; a test assembles them again.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Mapping, Sequence

__all__ = ["FACT", "REPORT", "STDERR", "arguments", "program"]

STDERR, REPORT = 3, 4
FACT = struct.Struct("=q")

_CODE = {
    "x86_64": (
        62,
        bytes.fromhex(
        "4889e3bf01000000be09000000b89d0000000f05488b7b10b8570000000f05bf03000000be020000"
        "00b8210000000f05bf03000000b8030000000f05bf04000000be02000000ba01000000b848000000"
        "0f05b8270000000f05e837000000488d73204889f2488b3e4883c608803f0075f448c746f8000000"
        "00488b7b18b83b0000000f05e80c000000bf7d000000b8e70000000f0550bf040000004889e6ba08"
        "000000b8010000000f0558c3"
        ),
    ),
    "aarch64": (
        183,
        bytes.fromhex(
        "f3030091200080d2210180d2e81480d2010000d4600c8092610a40f9020080d2680480d2010000d4"
        "600080d2410080d2020080d2080380d2010000d4600080d2280780d2010000d4800080d2410080d2"
        "220080d2280380d2010000d4881580d2010000d40e00009461820091e20301aa238440f864004039"
        "c4ffff353f801ff8600e40f9a81b80d2010000d404000094a00f80d2c80b80d2010000d4e00f1ff8"
        "800080d2e1030091020180d2080880d2010000d4e00741f8c0035fd6"
        ),
    ),
}  # fmt: skip
_ADDRESS = 0x400000
_EHDR = struct.Struct("=4sBBBBB7xHHIQQQIHHHHHH")
_PHDR = struct.Struct("=IIQQQQQQ")


def program(machine: str = "") -> bytes:
    """The trampoline as an ELF file (one loadable segment), by default for this machine."""
    architecture, code = _CODE[machine or platform.machine()]
    start = _EHDR.size + _PHDR.size
    header = _EHDR.pack(
        b"\x7fELF", 2, 1, 1, 0, 0, 2, architecture, 1, _ADDRESS + start, _EHDR.size, 0, 0,
        _EHDR.size, _PHDR.size, 1, 0, 0, 0,
    )  # fmt: skip
    size = start + len(code)
    segment = _PHDR.pack(1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x10000)
    return header + segment + code


def arguments(
    place: str, command: str, environment: Mapping[str, str], argv: Sequence[str]
) -> list[str]:
    """The trampoline's own argv[1:]; `place` is its path in the root."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    return [place, command, *variables, "", *argv]
