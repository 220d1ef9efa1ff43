"""How the kernel's process starts a program of this package: apart, and dying with it.

This is the one module here that is for the process outside.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import IO

__all__ = ["start"]

_KEPT = {"HOME", "LANG", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER"}
_KEPT_KINDS = ("CONTAINER_MAGICS_", "LC_", "PROOT_", "PYTHON", "XDG_")

_START = "import sys; sys.path.insert(0, sys.argv[1]); from launcher.{} import main; main()"


def start(module: str, control: socket.socket, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a module's `main` with nothing but the standard library, in a session of its own.

    Args:
        module: `main` or `deputy`.
        control: the program's end of its socket; closed here.
        log: gets what it writes.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    child = subprocess.Popen(
        [
            sys.executable, "-I", "-S", "-c", _START.format(module), os.path.dirname(package),
            str(control.fileno()), str(os.getpid()),
        ],
        pass_fds=(control.fileno(),),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        cwd="/",
        env=_environment(),
    )  # fmt: skip
    control.close()
    return child


def _environment() -> dict[str, str]:
    """What the program needs: who is in a container may read it, and a notebook's has tokens."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_KINDS)
    }
