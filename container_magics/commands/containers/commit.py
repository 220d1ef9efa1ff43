"""`docker commit`: an image of what a container has become."""

from __future__ import annotations

from ...engines.containers import CommitRequest
from ...errors import UsageError
from ...reference import parse
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar

__all__ = ["COMMIT"]


def _commit(arguments: Arguments, call: Call) -> str:
    container, *names = arguments.operands
    reference = names[0] if names else ""
    if reference and parse(reference).digest:
        raise UsageError("refusing to create a tag with a digest reference")
    image = call.engine.commit(
        container,
        CommitRequest(
            reference,
            arguments.all("change"),
            arguments.one("message"),
            arguments.one("author"),
            pause=arguments.on("pause") and not arguments.on("no-pause"),
        ),
    )
    call.surface.write(f"{image}\n")
    return image


COMMIT = Command(
    Grammar(
        "commit",
        "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
        "Create a new image from a container's changes",
        least=1,
        most=2,
        flags=(
            Flag("author", 'who made it, such as "Ada <ada@example.org>"', "a", "NAME"),
            Flag("change", "apply a Dockerfile instruction to the image", "c", "INSTRUCTION"),
            Flag("message", "set the comment in the image's history", "m", "TEXT"),
            Flag("no-pause", "let the container run on meanwhile"),
            Flag("pause", "pause the container meanwhile", "p", default="true"),
        ),
    ),
    _commit,
)
