"""Where a build's result goes, on engines that keep images: what the builder writes, and the rest.

image, docker ──► the engine keeps it;  docker,dest= ──► and is then saved from there
local, tar, oci, cacheonly ──► the builder's own affair
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...build_request import BuildOutput, BuildRequest
from .flags import refuse

if TYPE_CHECKING:
    from ..engine import DockerEngine

__all__ = ["Outputs"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a request, by who sees to them.

    Attributes:
        kept: whether the engine keeps an image.
        names: what the outputs name it, beside its tags.
        saved: archives to save it into.
        exported: what the builder writes.
    """

    kept: bool
    names: tuple[str, ...]
    saved: tuple[BuildOutput, ...]
    exported: tuple[BuildOutput, ...]

    @classmethod
    def of(cls, request: BuildRequest) -> Outputs:
        """Sort the outputs of a request.

        Raises:
            UnsupportedError: an attribute of an image's that an engine's own cannot have.
        """
        images = [output for output in request.outputs if output.type in ("image", "docker")]
        names: list[str] = []
        for output in images:
            for key, value in output.attributes.items():
                if key == "name":
                    names += value.split(",")
                else:
                    raise refuse(
                        f"output type={output.type},{key}={value}",
                        "images of this engine have no such attribute",
                        "Leave it out",
                    )
        return cls(
            kept=bool(images) or not request.outputs,
            names=tuple(names),
            saved=tuple(output for output in images if output.destination),
            exported=tuple(output for output in request.outputs if output not in images),
        )

    def in_folder(self, folder: Path) -> tuple[BuildOutput, ...]:
        """What the builder writes, standard output being a file in the folder."""
        return tuple(
            replace(output, destination=folder / f"output-{number}")
            if output.destination == Path("-")
            else output
            for number, output in enumerate(self.exported)
        )

    def pass_on(self, written: Iterable[BuildOutput]) -> None:
        """Copy the files that stood in for standard output to it."""
        for output in written:
            if output.stream is not None and output.destination is not None:
                with output.destination.open("rb") as file:
                    shutil.copyfileobj(file, output.stream)

    def save(self, engine: DockerEngine, image: str, tags: Iterable[str]) -> None:
        """Write the image's archives, under its names or else its ID."""
        names = [*tags, *self.names] or [image]
        for output in self.saved:
            if output.stream is not None:
                engine.save(names, output.stream)
            elif output.destination is not None:
                with output.destination.open("wb") as file:
                    engine.save(names, file)
