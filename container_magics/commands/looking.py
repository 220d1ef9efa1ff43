"""What the commands that look at images share: an image value or a name, and the nearest ones."""

from __future__ import annotations

from pathlib import Path

from ..engines.base import Engine, Image, ImageSummary
from ..engines.contents import Contents
from ..errors import NotFoundError, UsageError
from .grammar import nearest

__all__ = ["contents_of", "dockerfile_text", "image_of", "name_of"]


def name_of(image: str | Image | ImageSummary) -> str:
    """What to call an image: as typed, else its first name, else its short ID."""
    if isinstance(image, str):
        return image
    return image.names[0] if image.names else image.id.removeprefix("sha256:")[:12]


def dockerfile_text(dockerfile: str | Path) -> tuple[str, str]:
    """A Dockerfile's text, and what to call it in messages.

    Args:
        dockerfile: the text itself (more than one line, or its first word is FROM or ARG); else
            the path of a file, or of a folder with a `Dockerfile`.

    Raises:
        UsageError: the file cannot be read.
    """
    if isinstance(dockerfile, str) and (
        "\n" in dockerfile or dockerfile.strip().partition(" ")[0].upper() in ("FROM", "ARG")
    ):
        return dockerfile, "Dockerfile"
    path = Path(dockerfile)
    if path.is_dir():
        path /= "Dockerfile"
    try:
        return path.read_text(encoding="utf-8-sig"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"failed to read dockerfile: {path}: {error}") from error


def contents_of(engine: Engine, image: str | Image | ImageSummary) -> Contents:
    """The layers of an image or container.

    Raises:
        NotFoundError: there is none; the hint has the nearest names.
    """
    try:
        return engine.contents(image if isinstance(image, str) else image.id)
    except NotFoundError as error:
        raise _with_hint(engine, error, name_of(image)) from None


def image_of(engine: Engine, image: str | Image | ImageSummary) -> Image:
    """The image itself.

    Raises:
        NotFoundError: there is none; the hint has the nearest names.
    """
    try:
        return engine.image(image if isinstance(image, str) else image.id)
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
