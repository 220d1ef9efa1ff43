"""What every engine is: a small set of verbs over immutable images.

    commands, views ──► Engine (this protocol) ◄── engines.docker, engines.embedded

    build_request, run_request ──► verb ──► results, images, containers, contents
                                    │
                                    └─────► events, while it works

Verbs block, take an `emit` callback for events, and a `Cancellation` that another thread may set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from .container_verbs import ContainerVerbs

if TYPE_CHECKING:
    from .build_request import BuildRequest
    from .contents import Contents
    from .events import Cancellation, Emit
    from .images import Image, ImageSummary
    from .results import BuildResult, PruneReport, Removal, RunResult
    from .run_request import RunRequest

__all__ = ["Engine"]


class Engine(ContainerVerbs, Protocol):
    """The verbs. Names are taken as typed (`alpine`, `alpine:3.18.0`, an ID or its prefix).

    Every verb raises `NotFoundError` for a name that is not there, in Docker's words, and
    `EngineUnavailableError` when the engine stops answering.
    """

    @property
    def name(self) -> str:
        """The context's name: `embedded`, `default`, …."""
        ...

    def build(self, request: BuildRequest, emit: Emit, cancel: Cancellation) -> BuildResult:
        """Build an image, and write it out; tags move only when all of it succeeded.

        Raises:
            DockerfileError: the text cannot be read.
            UsageError: an option makes no sense, or is not available; nothing was done.
            BuildError: a step failed, or the build was cancelled.
        """
        ...

    def run(self, request: RunRequest, emit: Emit, cancel: Cancellation) -> RunResult:
        """Run a container to its end, pulling the image if it isn't there.

        Raises:
            RunError: it could not be started (125, 126, 127).
            ConflictError: the container name is in use.
        """
        ...

    def images(self) -> list[ImageSummary]:
        """All images, newest first."""
        ...

    def image(self, name: str) -> Image:
        """One image by name or ID."""
        ...

    def contents(self, name: str) -> Contents:
        """What the layers of an image hold, or else those of a container.

        Raises:
            StoreError, CorruptArchiveError: a layer is damaged.
        """
        ...

    def inspect(self, name: str) -> dict[str, Any]:
        """The JSON object that `docker inspect` prints for an image, or else a container."""
        ...

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        ...

    def remove_image(self, name: str, *, force: bool = False, prune: bool = True) -> Removal:
        """Untag an image, and delete it with its last name.

        Without `prune` its layers stay where a build could still use them, as with docker's
        `--no-prune`.

        Raises:
            ConflictError: a container uses it, or an ID has several names, without `force`.
        """
        ...

    def prune_images(self, *, every: bool = False) -> PruneReport:
        """Delete dangling images; with `every`, all that no container uses."""
        ...

    def prune_build_cache(self, *, every: bool = False) -> PruneReport:
        """Delete what only the build cache uses; with `every`, all that it knows."""
        ...

    def pull(self, name: str, emit: Emit, cancel: Cancellation) -> ImageSummary:
        """Fetch an image from its registry.

        Raises:
            PullError: which registries were asked, and what they answered.
        """
        ...

    def push(self, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool = False) -> None:
        """Put an image into the registry that its name says; with `all_tags`, all of its tags.

        Raises:
            NotFoundError: there is no such image here.
            PushError: the registry did not take it.
        """
        ...

    def import_image(
        self, source: BinaryIO, name: str, *, changes: Sequence[str] = (), message: str = ""
    ) -> str:
        """Make a one-layer image of a tar stream (plain or compressed); returns its ID.

        `name` may be "" for an untagged image; `changes` are Dockerfile instructions (CMD, ENV …).
        """
        ...

    def export(self, container: str, target: BinaryIO) -> None:
        """Write a container's file system as a tar."""
        ...

    def save(self, names: Sequence[str], target: BinaryIO) -> None:
        """Write images as an archive that `docker load` reads."""
        ...

    def load(self, source: BinaryIO) -> list[str]:
        """Read a docker or OCI archive (plain or compressed); returns names, or IDs if untagged."""
        ...

    def version(self) -> dict[str, Any]:
        """Client and server versions, in the shape of `docker version --format json`."""
        ...

    def info(self) -> dict[str, Any]:
        """The engine's state, with the keys of `docker info --format json` that it has."""
        ...

    def close(self) -> None:
        """End what the engine started (processes, connections)."""
        ...
