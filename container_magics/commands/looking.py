"""What the functions of `cm` share: images by value or name, builds by text or file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.contents import Contents
from ..engines.images import Image, ImageSummary
from ..errors import NotFoundError, UsageError
from ..lab.aliases import STAND_IN_LABEL
from .building.context import own_ignore_file
from .call import Call
from .grammar import nearest

__all__ = ["build_request", "contents_of", "name_of"]


def name_of(image: str | Image | ImageSummary) -> str:
    """What to call an image: as typed, else its first name, else its short ID."""
    if isinstance(image, str):
        return image
    return image.names[0] if image.names else image.id.removeprefix("sha256:")[:12]


def build_request(
    dockerfile: str | Path,
    context: str | os.PathLike[str] | None,
    *,
    tags: tuple[str, ...] = (),
    target: str = "",
    build_args: Mapping[str, str | None] | None = None,
) -> BuildRequest:
    """What to build, as Python says it.

    Args:
        dockerfile: the text itself (more than one line, or its first word is FROM or ARG); else
            the path of a file, or of a folder with a `Dockerfile`.
        context: the build context's folder; None for an empty one.
        tags: as in `BuildRequest`.
        target: as in `BuildRequest`.
        build_args: as in `BuildRequest`.

    Raises:
        UsageError: the Dockerfile cannot be read, or the context is no folder.
    """
    text, path = _dockerfile_text(dockerfile)
    folder = None if context is None else Path(context).absolute()
    if folder is not None and not folder.is_dir():
        raise UsageError(f"unable to prepare context: {context} is no folder")
    return BuildRequest(
        text,
        folder,
        ignore_file=own_ignore_file(path) if path is not None else None,
        tags=tags,
        target=target,
        build_args=dict(build_args or {}),
        origin=str(path or "Dockerfile"),
    )


def _dockerfile_text(dockerfile: str | Path) -> tuple[str, Path | None]:
    """The text, and the file that it is from."""
    if isinstance(dockerfile, str) and (
        "\n" in dockerfile or dockerfile.strip().partition(" ")[0].upper() in ("FROM", "ARG")
    ):
        return dockerfile, None
    path = Path(dockerfile)
    if path.is_dir():
        path /= "Dockerfile"
    try:
        return path.read_text(encoding="utf-8-sig"), path
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"failed to read dockerfile: {path}: {error}") from error


def say_if_stand_in(name: str, call: Call) -> None:
    """Say that an upstream name means a stand-in here, where it does."""
    try:
        summary = call.engine.image(name).summary
    except NotFoundError:  # It means a repository.
        return
    if summary.stands_in(name):
        what = summary.labels[STAND_IN_LABEL]
        call.surface.write(f"{name}: a stand-in, not the image itself: {what}\n", 2)


def contents_of(engine: Engine, image: str | Image | ImageSummary) -> Contents:
    """The layers of an image or container.

    Raises:
        NotFoundError: there is none; the hint has the nearest names.
    """
    try:
        return engine.contents(image if isinstance(image, str) else image.id)
    except NotFoundError as error:
        raise _with_hint(engine, error, name_of(image)) from None


def _with_hint(engine: Engine, error: NotFoundError, name: str) -> NotFoundError:
    if error.hint:
        return error
    names = [known for image in engine.images() for known in image.names]
    near = nearest(name if ":" in name else f"{name}:latest", names) or nearest(
        name, {known.rpartition(":")[0] for known in names}
    )
    hint = f"Did you mean {near}?" if near else "`%docker images` lists what is there."
    return NotFoundError(error.message, hint=hint)
