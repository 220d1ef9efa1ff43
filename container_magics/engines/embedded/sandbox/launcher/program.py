"""Which file a command names, with the words and exit codes of `docker run`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

__all__ = ["CannotStartError", "cannot_execute", "find_program"]


class CannotStartError(Exception):
    """The command can't be started; `code` is the exit status that Docker gives: 125, 126, 127."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def find_program(name: str, path: str, status: Callable[[str], os.stat_result]) -> str:
    """The path of a command, found as execvp(3) does.

    Args:
        name: the command; looked up in `path` unless it holds a slash.
        path: the container's PATH.
        status: stat(2) in the container's root.

    Raises:
        CannotStartError: there is none (127), or it may not be executed (126).
    """
    if "/" in name:
        candidates = [name]
    else:
        candidates = [f"{directory or '.'}/{name}" for directory in path.split(":")]
    denied = False
    for candidate in candidates:
        try:
            found = status(candidate)
        except OSError as error:
            denied = denied or error.errno == errno.EACCES
            continue
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
            return candidate
        denied = denied or "/" in name or stat.S_ISREG(found.st_mode)
    if denied:
        raise CannotStartError(f'exec: "{name}": permission denied', 126)
    if "/" in name:
        raise CannotStartError(f'exec: "{name}": stat {name}: no such file or directory', 127)
    raise CannotStartError(f'exec: "{name}": executable file not found in $PATH', 127)


def cannot_execute(program: str, number: int) -> CannotStartError:
    """What execve(2) said, as an exception: a script without its interpreter is not found."""
    reason = os.strerror(number).lower()
    return CannotStartError(f"exec {program}: {reason}", 127 if number == errno.ENOENT else 126)
