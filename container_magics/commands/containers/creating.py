"""Making a container: its image is there, its ID is written where `--cidfile` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ...engines.follow import follow
from ...engines.run_request import RunRequest
from ...errors import NotFoundError, UsageError
from ..call import Call
from ..grammar import Arguments
from .streaming import Streaming

__all__ = ["create", "id_file", "pull"]


def pull(arguments: Arguments, call: Call) -> None:
    """Have the image here or not, as `--pull` says; where it says nothing the engine pulls it.

    Raises:
        UsageError: another word than docker's.
        NotFoundError: it is not here, and was not to be pulled.
    """
    when, image = arguments.one("pull"), arguments.operands[0]
    if when == "never":
        found = call.engine.image(image).summary
        if found.stands_in(image):
            raise NotFoundError(
                f"No such image: {image}",
                hint="There is a stand-in, which is taken where no registry gives the image.",
            )
    elif when == "always":
        streaming = Streaming(call.surface, quiet=arguments.on("quiet"))
        try:
            for event in follow(lambda emit, cancel: call.engine.pull(image, emit, cancel)):
                streaming.take(event)
        finally:
            streaming.close()
    elif when != "missing":
        raise UsageError(
            f'invalid pull option: \'{when}\': must be one of "always", "missing" or "never"'
        )


def create(arguments: Arguments, call: Call, request: RunRequest) -> str:
    """Make the container; its ID.

    Raises:
        ConflictError: its name is in use.
        UnsupportedError: the engine cannot do what is asked.
    """
    with id_file(arguments.one("cidfile")) as write_id:
        pull(arguments, call)
        streaming = Streaming(call.surface, quiet=arguments.on("quiet"))
        following = follow(lambda emit, cancel: call.engine.create(request, emit, cancel))
        try:
            for event in following:
                streaming.take(event)
        finally:
            streaming.close()
        write_id(following.result)
    return following.result


@contextmanager
def id_file(path: str) -> Iterator[Callable[[str], object]]:
    """A `--cidfile`, which is not there again if nothing was written to it; "" is none.

    Raises:
        UsageError: there is such a file, or it cannot be written.
    """
    if not path:
        yield lambda _: None
        return
    file = Path(path)
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        raise UsageError(
            f"container ID file found, make sure the other container isn't running or delete {path}"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"failed to create the container ID file: {path}: {reason}") from error
    try:
        yield file.write_text
    finally:
        if not file.stat().st_size:
            file.unlink()
