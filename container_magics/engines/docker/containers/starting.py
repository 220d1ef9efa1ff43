"""What the engine says of a process that it could not start, with docker's exit statuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ....errors import (
    ConflictError,
    ContainerMagicsError,
    EngineUnavailableError,
    NotFoundError,
    RunError,
)

__all__ = ["ENGINE_FAILED", "INTERRUPTED", "NOT_EXECUTABLE", "starting", "status_of"]

ENGINE_FAILED, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
INTERRUPTED = 130

_OF_THE_RUNTIME = re.compile(r"\boci (?:runtime|permission)\b")
_IS_NOT_THERE = re.compile(
    "executable file not found|no such file or directory|command that was not found"
)
_CANNOT_BE_RUN = re.compile("permission denied|is a directory")


@contextmanager
def starting() -> Iterator[None]:
    """Raise the engine's refusal with the exit status that `docker run` would have."""
    try:
        yield
    except (EngineUnavailableError, RunError):
        raise
    except ContainerMagicsError as error:
        words = error.message.lower()
        gone = isinstance(error, NotFoundError) and "no such container" in words
        # To Podman, what a program's start fails with is a conflict as well.
        forbidden = isinstance(error, ConflictError) and not _OF_THE_RUNTIME.search(words)
        if gone or forbidden:
            raise
        returncode = status_of(error.message, ENGINE_FAILED)
        raise RunError(error.message, returncode=returncode) from error


def status_of(message: str, otherwise: int) -> int:
    """The exit status for a refusal, told by its words."""
    words = message.lower()
    if _IS_NOT_THERE.search(words):
        return NOT_FOUND
    if _CANNOT_BE_RUN.search(words):
        return NOT_EXECUTABLE
    return otherwise
