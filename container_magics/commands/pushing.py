"""`docker push`."""

from __future__ import annotations

import re

from ..engines.events import Cancellation, Emit, EngineEvent, Message
from ..engines.images import ImageSummary
from ..errors import UsageError
from ..reference import parse
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .transfer import carry

__all__ = ["PUSH", "push"]

_CLOSING = re.compile(r".*: digest: (sha256:[0-9a-f]{64}) size: [0-9]+")


def push(name: str, call: Call, *, all_tags: bool = False, quiet: bool = False) -> str:
    """Push an image, or all tags of a repository, and show how far it is unless `quiet`.

    Returns:
        The digest by which the registry knows the last one, or "" where the engine did not say.

    Raises:
        NotFoundError, PushError: see `Engine.push`.
    """
    digests = [""]

    def verb(emit: Emit, cancel: Cancellation) -> None:
        def heard(event: EngineEvent) -> None:
            if isinstance(event, Message) and (closing := _CLOSING.fullmatch(event.text)):
                digests.append(closing[1])
            emit(event)

        call.engine.push(name, heard, cancel, all_tags=all_tags)

    carry(verb, call, quiet=quiet)
    return digests[-1]


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
    push(name, call, all_tags=all_tags, quiet=quiet)
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
