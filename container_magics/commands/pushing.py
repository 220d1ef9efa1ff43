"""`docker push`."""

from __future__ import annotations

from ..engines.base import ImageSummary
from ..errors import UsageError
from ..reference import parse
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .transfer import carry

__all__ = ["PUSH"]


def _push(arguments: Arguments, call: Call) -> ImageSummary | list[ImageSummary]:
    typed = parse(arguments.operands[0])
    all_tags, quiet = arguments.on("all-tags"), arguments.on("quiet")
    if typed.digest:
        raise UsageError("cannot push a digest reference")
    if typed.tag and all_tags:
        raise UsageError("tag can't be used with --all-tags/-a")
    reference = typed if all_tags else typed.with_default_tag()
    if not quiet and reference != typed:
        call.surface.write(f"Using default tag: {reference.tag}\n")
    name = reference.familiar
    carry(
        lambda emit, cancel: call.engine.push(name, emit, cancel, all_tags=all_tags),
        call,
        quiet=quiet,
    )
    if quiet:
        call.surface.write(f"{reference.name if all_tags else reference.full}\n")
    if not all_tags:
        return call.engine.image(name).summary
    return [
        image
        for image in call.engine.images()
        if any(parse(each).name == reference.name for each in image.names)
    ]


PUSH = Command(
    Grammar(
        "push",
        "[OPTIONS] NAME[:TAG]",
        "Upload an image to a registry",
        least=1,
        most=1,
        flags=(
            Flag("all-tags", "push every tag of the repository", "a"),
            Flag("quiet", "show nothing but the image's name", "q"),
        ),
        refused={
            **refuse("platform", "An image here is for one platform."),
            **refuse("disable-content-trust"),
        },
    ),
    _push,
)
