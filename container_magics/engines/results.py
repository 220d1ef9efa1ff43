"""What the verbs of an engine answer with. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..reference import parse
from .images import Image

__all__ = [
    "BuildResult",
    "PruneReport",
    "Removal",
    "RunResult",
    "names_given",
]


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build made, and how many of its steps came from the cache.

    Attributes:
        image: what was made. Where the request's outputs do not keep it, it is a value without a
            name, which the engine does not have; or None, if the engine tells nothing of it.
        tags: the names that this build gave it; it may have had others before.
    """

    image: Image | None
    steps: int
    cached_steps: int
    seconds: float
    tags: tuple[str, ...] = ()

    @property
    def made(self) -> Image:
        """The image, for whoever asked for one.

        Raises:
            UsageError: the outputs kept none.
        """
        if self.image is None:
            raise UsageError(
                "the build was written out, and no image was made of it",
                hint="Leave --output out, or add --output type=image.",
            )
        return self.image


def names_given(tags: Sequence[str], image: Image | None) -> tuple[str, ...]:
    """Those of an image's names that a build has asked for; it may have others from before."""
    asked = (parse(tag).with_default_tag().familiar for tag in tags)
    return tuple(name for name in asked if image is not None and name in image.names)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a container ended: its ID and its exit status, 128 + N after signal N."""

    container: str
    returncode: int


@dataclass(frozen=True, slots=True)
class Removal:
    """What `rmi` and `image prune` did, in order: names untagged, IDs and layers deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What a prune removed, and the bytes it freed."""

    removal: Removal
    reclaimed: int
