"""Images in and out: `docker pull`, `import`, `export`, `save`, `load`."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from ..engines.events import Cancellation, Emit
from ..engines.follow import follow
from ..engines.images import ImageSummary
from ..errors import ContainerMagicsError, UsageError
from ..reference import parse
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .looking import say_if_stand_in

__all__ = ["EXPORT", "IMPORT", "LOAD", "PULL", "SAVE", "carry"]

T = TypeVar("T")

_URL_TIMEOUT_SECONDS = 60


# --- pull ---------------------------------------------------------------------------------------


def _pull(arguments: Arguments, call: Call) -> ImageSummary:
    reference = parse(arguments.operands[0])
    quiet = arguments.on("quiet")
    if not quiet and not reference.tag and not reference.digest:
        call.surface.write(f"Using default tag: {reference.with_default_tag().tag}\n")
    name = reference.with_default_tag().familiar
    image = carry(lambda emit, cancel: call.engine.pull(name, emit, cancel), call, quiet=quiet)
    call.surface.write(f"{reference.full}\n")
    return image


def carry(verb: Callable[[Emit, Cancellation], T], call: Call, *, quiet: bool) -> T:
    """Do a pull or a push, and show how far it is; what it gives."""
    following = follow(verb)
    view = None if quiet else call.surface.transfer()
    try:
        for event in following:
            if view is not None:
                view.update(event)
    finally:
        if view is not None:
            view.close()
    return following.result


PULL = Command(
    Grammar(
        "pull",
        "[OPTIONS] NAME[:TAG|@DIGEST]",
        "Download an image from a registry",
        least=1,
        most=1,
        flags=(Flag("quiet", "show nothing but the image's name", "q"),),
        refused={
            **refuse("all-tags/a", "Pull one tag at a time."),
            **refuse("platform", "This machine's platform is taken."),
            **refuse("disable-content-trust"),
        },
    ),
    _pull,
)


# --- import and export --------------------------------------------------------------------------


def _import(arguments: Arguments, call: Call) -> str:
    source, *names = arguments.operands
    name = names[0] if names else ""
    if name:
        parse(name)
    with _source(source, call) as file:
        image = call.engine.import_image(
            file, name, changes=arguments.all("change"), message=arguments.one("message")
        )
    call.surface.write(f"{image}\n")
    return image


@contextlib.contextmanager
def _source(text: str, call: Call) -> Iterator[BinaryIO]:
    """What `import` reads: a file, a URL, or standard input."""
    if text == "-":
        if call.stdin is None:
            raise UsageError(
                "the archive should come from standard input, but there is none",
                hint="Name the file: docker import FILE NAME.",
            )
        yield call.stdin
    elif text.startswith(("http://", "https://")):
        from urllib.request import urlopen

        try:
            response = urlopen(text, timeout=_URL_TIMEOUT_SECONDS)  # noqa: S310 - http(s), see above
        except OSError as error:
            raise ContainerMagicsError(f"cannot fetch {text}: {error}") from error
        with response:
            yield cast("BinaryIO", response)
    else:
        with _open(Path(text)) as file:
            yield file


IMPORT = Command(
    Grammar(
        "import",
        "[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]",
        "Import the contents of a tarball to create a file system image",
        least=1,
        most=2,
        flags=(
            Flag("change", "apply a Dockerfile instruction to the image", "c", "INSTRUCTION"),
            Flag("message", "set the comment in the image's history", "m", "TEXT"),
        ),
        refused=refuse("platform", "This machine's platform is taken."),
    ),
    _import,
    reads_input=lambda arguments: arguments.operands[:1] == ("-",),
)


def _export(arguments: Arguments, call: Call) -> None:
    container = arguments.operands[0]
    _write(
        arguments, call, "export container", lambda target: call.engine.export(container, target)
    )


EXPORT = Command(
    Grammar(
        "export",
        "[OPTIONS] CONTAINER",
        "Export a container's file system as a tar archive",
        least=1,
        most=1,
        flags=(Flag("output", "the file to write", "o", "FILE"),),
    ),
    _export,
)


# --- save and load ------------------------------------------------------------------------------


def _save(arguments: Arguments, call: Call) -> None:
    _write(
        arguments, call, "save image", lambda target: call.engine.save(arguments.operands, target)
    )
    for name in arguments.operands:
        say_if_stand_in(name, call)


SAVE = Command(
    Grammar(
        "save",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Save images to a tar archive",
        least=1,
        most=None,
        flags=(Flag("output", "the file to write", "o", "FILE"),),
        refused=refuse("platform", "Everything the engine has of an image is saved."),
    ),
    _save,
)


def _load(arguments: Arguments, call: Call) -> list[str]:
    before = _named(call)
    if arguments.given("input"):
        with _open(Path(arguments.one("input"))) as file:
            loaded = call.engine.load(file)
    elif call.stdin is not None and not _interactive(call.stdin):
        loaded = call.engine.load(call.stdin)
    else:
        raise UsageError(
            "requested load from stdin, but stdin is empty", hint="Name a file: -i FILE."
        )
    now = _named(call)
    for name in loaded:
        previous = before.get(name)
        if previous and previous != now.get(name):
            call.surface.write(
                f"The image {name} already exists, renaming the old one with ID {previous} "
                "to empty string\n"
            )
        label = "Loaded image ID" if name.startswith("sha256:") else "Loaded image"
        call.surface.write(f"{label}: {name}\n")
    return loaded


def _named(call: Call) -> dict[str, str]:
    """Which image each name means now."""
    return {name: image.id for image in call.engine.images() for name in image.names}


def _interactive(stdin: BinaryIO) -> bool:
    return stdin.isatty()


LOAD = Command(
    Grammar(
        "load",
        "[OPTIONS]",
        "Load images from a tar archive",
        flags=(
            Flag("input", "the archive to read", "i", "FILE"),
            Flag("quiet", "show the names alone, as without it", "q"),
        ),
        refused=refuse("platform", "Of several the engine takes this machine's, or all of them."),
    ),
    _load,
    reads_input=lambda arguments: not arguments.given("input"),
)


# --- files --------------------------------------------------------------------------------------


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"open {path}: {reason}") from error


def _write(arguments: Arguments, call: Call, what: str, write: Callable[[BinaryIO], None]) -> None:
    """Write an archive to `-o FILE` (whole or not at all), or to where output is piped.

    `what` is done, in the words of an error.
    """
    if not arguments.given("output"):
        target = call.surface.binary_output()
        if target is None:
            raise UsageError(
                "cowardly refusing to save to a terminal. Use the -o flag or redirect",
                hint="Name a file: -o FILE.",
            )
        with _told(what, "standard output"):
            write(target)
            target.flush()
        return
    path = Path(arguments.one("output"))
    if not path.parent.is_dir():
        raise UsageError(
            f'failed to {what}: invalid output path: directory "{path.parent}" does not exist'
        )
    if path.is_dir():
        raise UsageError(f'failed to {what}: invalid output path: "{path}" is a directory')
    if path.exists() and not path.is_file():
        with _told(what, path), path.open("wb") as device:
            write(device)
        return
    try:
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    try:
        with _told(what, path), os.fdopen(handle, "wb") as file:
            write(file)
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


@contextlib.contextmanager
def _told(what: str, target: Path | str) -> Iterator[None]:
    """Say that a target could not be written; who reads no more of a pipe needs no word."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ContainerMagicsError(f"failed to {what}: write {target}: {reason}") from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
