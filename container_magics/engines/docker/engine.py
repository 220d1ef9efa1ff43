"""`DockerEngine`: the verbs of `engines.base.Engine` on a Docker or Podman socket."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from ...errors import ContainerMagicsError, CorruptArchiveError, NotFoundError
from ...reference import familiar, is_image_id, parse
from ..build_request import BuildRequest
from ..events import Cancellation, Emit
from ..images import Image, ImageSummary
from ..results import BuildResult, PruneReport, Removal
from . import images
from .containers.verbs import ContainerVerbs

if TYPE_CHECKING:
    from ..contents import Contents

__all__ = ["DockerEngine"]

_LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")


@contextmanager
def _reading_archive() -> Iterator[None]:
    """The engine has no status of its own for a bad archive: what it cannot place is one."""
    try:
        yield
    except ContainerMagicsError as error:
        if type(error) is not ContainerMagicsError or "no space left" in error.message:
            raise
        raise CorruptArchiveError(error.message) from error


class DockerEngine(ContainerVerbs):
    """The verbs on a Docker engine, or Podman's compatible one; see `Connection`."""

    def build(self, request: BuildRequest, emit: Emit, cancel: Cancellation) -> BuildResult:
        """Build with BuildKit where a docker CLI can, else with the engine's own builder."""
        from ..excerpts import excerpts
        from .building.build import build

        with excerpts(request):
            return build(self, request, emit, cancel)

    def pull(self, name: str, emit: Emit, cancel: Cancellation) -> ImageSummary:
        """Pull an image through the engine."""
        from .pulling import pull

        pull(self, name, emit, cancel)
        return self.image(name).summary

    def push(self, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool = False) -> None:
        """Push an image, or all tags of a repository, through the engine."""
        from .pushing import push

        push(self, name, emit, cancel, all_tags=all_tags)

    def images(self) -> list[ImageSummary]:
        """All images but intermediate ones, newest first."""
        with self.calling() as api:
            rows = api.images()
        # The engine gives no order to images of one second; ours must not change between calls.
        found = sorted((images.summary(row) for row in rows), key=lambda image: image.id)
        return sorted(found, key=lambda i: i.created.timestamp() if i.created else 0, reverse=True)

    def image(self, name: str) -> Image:
        """One image by name or ID."""
        with self.calling() as api:
            data = api.inspect_image(name)
            return images.image(data, api.history(data["Id"]))

    def contents(self, name: str) -> Contents:
        """What the layers of an image hold, or else those of a container."""
        from .contents import contents

        return contents(self, name)

    def inspect(self, name: str) -> dict[str, Any]:
        """The engine's own description of an image, or else of a container."""
        try:
            with self.calling() as api:
                return dict(api.inspect_image(name))
        except NotFoundError:
            pass
        try:
            with self.calling() as api:
                return dict(api.inspect_container(name))
        except NotFoundError as error:
            raise NotFoundError(f"No such object: {name}") from error

    def tag(self, source: str, target: str) -> None:
        """Give an image another name."""
        reference = parse(target).with_default_tag()
        with self.calling() as api:
            api.tag(source, reference.familiar_name, tag=reference.tag)

    def remove_image(self, name: str, *, force: bool = False, prune: bool = True) -> Removal:
        """Untag an image, and delete it with its last name; without `prune` not its parents."""
        with self.calling() as api:
            return images.removal(api.remove_image(name, force=force, noprune=not prune))

    def prune_images(self, *, every: bool = False) -> PruneReport:
        """Delete dangling images; with `every`, all that no container uses."""
        with self.calling() as api:
            answer = api.prune_images(filters={"dangling": not every})
        return PruneReport(
            images.removal(answer.get("ImagesDeleted")), int(answer.get("SpaceReclaimed") or 0)
        )

    def prune_build_cache(self, *, every: bool = False) -> PruneReport:
        """Delete the builder's cache that no image shares; with `every`, all of it."""
        with self.calling() as api:
            answer = api.prune_builds(all=every)
        deleted = tuple(map(str, answer.get("CachesDeleted") or ()))
        return PruneReport(Removal(deleted=deleted), int(answer.get("SpaceReclaimed") or 0))

    def import_image(
        self, source: BinaryIO, name: str, *, changes: Sequence[str] = (), message: str = ""
    ) -> str:
        """Make a one-layer image of a tar stream; returns its ID."""
        params: dict[str, Any] = {"changes": list(changes), "message": message}
        if name:
            params["repo"] = parse(name).with_default_tag().familiar
        with _reading_archive(), self.calling() as api:
            events = api.import_tar(source, params)
        identifiers = [str(event.get("status", "")).strip() for event in events]
        return next(text for text in reversed(identifiers) if is_image_id(text))

    def export(self, container: str, target: BinaryIO) -> None:
        """Write a container's file system as a tar."""
        with self.calling() as api:
            for chunk in api.export(container):
                target.write(chunk)

    def save(self, names: Sequence[str], target: BinaryIO) -> None:
        """Write images as an archive that `docker load` reads."""
        with self.calling() as api:
            for name in names:
                api.inspect_image(name)
            for chunk in api.save_tar(names):
                target.write(chunk)

    def load(self, source: BinaryIO) -> list[str]:
        """Read an archive; returns the names it brought, or IDs where it has none."""
        loaded: list[str] = []
        with _reading_archive(), self.calling() as api:
            for event in api.load_tar(source):
                loaded += _LOADED.findall(str(event.get("stream", "")))
        return [familiar(name) for name in loaded]

    def version(self) -> dict[str, Any]:
        """Versions of this client and of the engine."""
        from ... import __version__

        with self.calling() as api:
            return {
                "Client": {
                    "Platform": {"Name": "container-magics"},
                    "Version": __version__,
                    "ApiVersion": api.api_version,
                    "Os": platform.system().lower(),
                    "Arch": platform.machine(),
                    "Context": self._name,
                },
                "Server": dict(api.version()),
            }

    def info(self) -> dict[str, Any]:
        """The engine's state, as it gives it."""
        with self.calling() as api:
            return dict(api.info())
