"""`compare`: images side by side, in size, performance, security and cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from ..analysis.comparison import compare_contents
from ..engines.base import Engine
from ..engines.contents import Contents
from ..engines.images import Image, ImageSummary
from ..errors import ContainerMagicsError, UsageError
from ..views.compare.view import CompareView
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar
from .looking import contents_of, name_of
from .results import Document
from .session import Session, current
from .terminal import TerminalSurface

__all__ = ["COMPARE", "compare"]

_Named = str | Image | ImageSummary


def compare(
    *images: _Named | Mapping[str, _Named],
    reference: Mapping[str, float] | None = None,
    session: Session | None = None,
) -> CompareView:
    """Compare images, or containers that ended and were kept.

    Args:
        *images: names, IDs or image values; or one mapping of these by the labels to show.
        reference: megabytes (10^6 bytes) that a book gives; a key is a label, or just its tag.
        session: whose engine to ask; the notebook's by default.

    Raises:
        NotFoundError: there is no such image; the hint has the nearest names.
        UsageError: there is nothing to compare, or a reference names none of the images.
        CorruptArchiveError, StoreError: a layer is damaged.
    """
    labelled = _labelled(images)
    engine = (session or current()).engine
    contents: dict[str, Contents] = {label: contents_of(engine, image) for label, image in labelled}
    return CompareView(compare_contents(contents, _known(engine)), reference)


def _labelled(images: tuple[_Named | Mapping[str, _Named], ...]) -> list[tuple[str, _Named]]:
    """Each image with a label of its own: one that is named twice gets a number."""
    if len(images) == 1 and isinstance(images[0], Mapping):
        pairs = [(str(label), image) for label, image in images[0].items()]
    else:
        pairs = [(name_of(_image(each)), _image(each)) for each in images]
    if not pairs:
        raise UsageError("there are no images to compare", hint="Name some: compare(first, second)")
    labelled: dict[str, _Named] = {}
    for label, image in pairs:
        unique, number = label, 1
        while unique in labelled:
            number += 1
            unique = f"{label} ({number})"
        labelled[unique] = _image(image)
    return list(labelled.items())


def _image(image: object) -> _Named:
    if isinstance(image, str | Image | ImageSummary):
        return image
    raise UsageError(
        f"a {type(image).__name__} is no image",
        hint="Give names, IDs or image values one by one: compare(first, second); or one mapping "
        "of label to image.",
    )


def _known(engine: Engine) -> list[Image]:
    """Images that others may be built on; one that is gone or damaged meanwhile is none."""
    known = []
    for summary in engine.images():
        if summary.names:
            with suppress(ContainerMagicsError):
                known.append(engine.image(summary.id))
    return known


class _Json(Document):
    """JSON that any terminal can print."""

    def __str__(self) -> str:
        return json.dumps(self, indent=2)


def _compare(arguments: Arguments, call: Call) -> CompareView | _Json:
    reference = dict(_pair(text) for text in arguments.all("reference"))
    view = compare(*arguments.operands, reference=reference, session=call.session)
    if arguments.on("json"):
        return _Json(view.document())
    if len(view.comparison.images) == 2 and isinstance(call.surface, TerminalSurface):
        # A terminal has no live view to ask in later; its text has what was compared.
        view.files()
    return view


def _pair(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        megabytes = float(number)
    except ValueError:
        megabytes = -1.0
    if not name or not 0 <= megabytes < 1e9:
        raise UsageError(
            f'invalid argument "{text}" for "--reference" flag: it is NAME=MB, such as '
            "multi_stage=9.17"
        )
    return name, megabytes


COMPARE = Command(
    Grammar(
        "compare",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Compare images: size, bytes to pull, what is there for an intruder, cost",
        least=1,
        most=None,
        flags=(
            Flag("json", "print JSON: an object for each image"),
            Flag(
                "reference", "a size in MB to show beside an image's, by name or tag", "", "NAME=MB"
            ),
        ),
        called="compare",
    ),
    _compare,
)
