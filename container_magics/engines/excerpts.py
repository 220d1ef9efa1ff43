r"""The Dockerfile's own lines in an error, as BuildKit shows them.

    Dockerfile:2
    --------------------
       1 |     FROM busybox
       2 | >>> RUN false \
       3 | >>>   || exit 1
       4 |     COPY . .
    --------------------

Every line of the instruction is marked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..dockerfile import parse
from ..errors import ContainerMagicsError, DockerfileError
from .build_request import BuildRequest

__all__ = ["excerpt", "excerpts"]

_RULE = "-" * 20


@contextmanager
def excerpts(request: BuildRequest) -> Iterator[None]:
    """Give an error that has a line the lines of its instruction, and one on either side."""
    try:
        yield
    except ContainerMagicsError as error:
        if error.line and not error.excerpt:
            error.excerpt = excerpt(request, error.line, _end_line(request.dockerfile, error))
        raise


def excerpt(request: BuildRequest, first: int, last: int) -> str:
    """The lines of an instruction, marked, and one on either side."""
    lines = request.dockerfile.removesuffix("\n").split("\n")
    shown = [
        f" {number:3} | {'>>>' if first <= number <= last else '   '} {line}".rstrip()
        for number, line in enumerate(lines, 1)
        if first - 1 <= number <= last + 1
    ]
    return "\n".join([f"{request.origin}:{first}", _RULE, *shown, _RULE])


def _end_line(text: str, error: ContainerMagicsError) -> int:
    if isinstance(error, DockerfileError) and error.end_line:
        return error.end_line
    try:
        instructions = parse(text).instructions
    except DockerfileError:
        return error.line
    return next((i.end_line for i in instructions if i.line == error.line), error.line)
