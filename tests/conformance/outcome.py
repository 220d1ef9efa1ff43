"""What becomes of a build: an image, or a failure."""

from __future__ import annotations

from dataclasses import dataclass

from container_magics.errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    StepFailedError,
)

from .saved import SavedImage

__all__ = ["Failure", "Outcome"]


@dataclass(frozen=True)
class Failure:
    """How a build failed.

    Attributes:
        kinds: names of the error's classes, its own first.
        message: for people.
        status: exit status of the step that failed, or of the command.
        line: of the instruction, 0 where none is named, None where the error has no line.
    """

    kinds: tuple[str, ...]
    message: str
    status: int
    line: int | None = None

    @classmethod
    def of(cls, error: ContainerMagicsError) -> Failure:
        """What is compared of an error."""
        return cls(
            tuple(kind.__name__ for kind in type(error).__mro__),
            str(error),
            error.returncode if isinstance(error, StepFailedError) else error.exit_code,
            error.line if isinstance(error, BuildError | DockerfileError) else None,
        )


Outcome = SavedImage | Failure
