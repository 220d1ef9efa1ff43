"""`docker build`, and the cell that is a Dockerfile."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...engines.build_request import BuildRequest
from ...engines.follow import finish, follow
from ...engines.images import Image, ImageSummary
from ...engines.results import BuildResult
from ...errors import NotFoundError, UnsupportedError, UsageError
from ...reference import parse
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar
from ..pushing import push
from .arguments import build_request, keeps_git_dir
from .check import check_build
from .context import build_source
from .flags import FLAGS, REFUSED, only_checks
from .outputs import pushed, without_push

if TYPE_CHECKING:
    from ...views.widget import LiveView

__all__ = ["BUILD", "build_cell"]

_SUMMARY = "Build an image from a Dockerfile"

_GRAMMAR = Grammar(
    "build",
    "[OPTIONS] PATH | URL | -",
    _SUMMARY,
    most=1,
    flags=(
        *FLAGS,
        Flag("file", "the Dockerfile; - is standard input (default PATH/Dockerfile)", "f", "FILE"),
    ),
    refused=REFUSED,
)


def _build(arguments: Arguments, call: Call) -> object:
    if not arguments.operands:
        raise UsageError(
            '"docker build" requires exactly 1 argument.',
            hint="Name the build context; the present folder is `.`: docker build .",
        )
    request = build_request(arguments)
    with build_source(
        arguments.operands[0],
        arguments.one("file"),
        call.stdin,
        keep_git_dir=keeps_git_dir(arguments),
    ) as source:
        request = source.built_by(request)
        if only_checks(arguments):
            return check_build(request, call)
        return _perform(arguments, call, request)


def _reads_input(arguments: Arguments) -> bool:
    return arguments.operands == ("-",) or arguments.one("file") == "-"


BUILD = Command(_GRAMMAR, _build, reads_input=_reads_input)


def build_cell(text: str, bind: Callable[[str, Image | None], None]) -> Command:
    """The command of a cell that is a Dockerfile.

    Args:
        text: the cell.
        bind: gives the image a name in the notebook, for `--as`; None when the build failed.
    """
    grammar = Grammar(
        "build",
        "[OPTIONS] [PATH | URL]",
        f"{_SUMMARY}: this cell's",
        most=1,
        flags=(
            *FLAGS,
            Flag("file", "refused: the cell is the Dockerfile", "f", "FILE"),
            Flag("as", "the variable to bind the image to", value="NAME"),
            Flag("write", "also write the cell to a file", value="PATH"),
            Flag("stages", "build, then show the stages as a graph"),
            Flag("step", "walk through the build, instruction by instruction"),
            Flag("break", "with --step: stop before the instruction on this line", value="LINE"),
        ),
        refused=REFUSED,
        called="%%dockerfile",
    )

    def action(arguments: Arguments, call: Call) -> object:
        if arguments.given("file"):
            raise UnsupportedError(
                "%%dockerfile takes no -f (--file): the cell is the Dockerfile",
                hint="To build from a file: %docker build -f FILE . To write the cell to one: "
                "--write FILE.",
            )
        name = arguments.one("as")
        if arguments.given("as") and not name.isidentifier():
            raise UsageError(f"--as {name}: no name for a variable")
        place = arguments.operands[0] if arguments.operands else "."
        if place == "-":
            raise UsageError(
                "the cell is the Dockerfile already, so - cannot be the context",
                hint="Leave the context out for the present folder.",
            )
        if not text.strip():
            raise UsageError("the cell holds no Dockerfile", hint="Start with FROM.")
        request = build_request(arguments)
        if arguments.given("write"):
            _write(Path(arguments.one("write")), text if text.endswith("\n") else text + "\n")
        if name:
            bind(name, None)
        with build_source(
            place, "", None, cell=text, keep_git_dir=keeps_git_dir(arguments)
        ) as source:
            if arguments.on("step") and source.is_fetched:
                raise UsageError(
                    f"--step needs the build context {place} for as long as the view lives",
                    hint="Fetch it first (git clone, curl), and name the folder.",
                )
            request = source.built_by(request)
            if only_checks(arguments):
                return check_build(request, call)
            image, shown = _looked_at(arguments, call, request)
        if name:
            bind(name, image)
        return image if shown is None else shown

    return Command(grammar, action)


def _looked_at(
    arguments: Arguments, call: Call, request: BuildRequest
) -> tuple[Image | None, LiveView | None]:
    """Build a cell; the image, and the view that was asked for."""
    stages, step = arguments.on("stages"), arguments.on("step")
    if arguments.given("break") and not step:
        raise UsageError("--break is for --step: only a walk stops before a line")
    if not (stages or step):
        return _perform(arguments, call, request), None
    for flag in ("quiet", "iidfile", "metadata-file", "output", "push"):
        if arguments.given(flag):
            raise UsageError(f"--{flag} and --{'step' if step else 'stages'} exclude each other")
    if stages and step:
        raise UsageError("--stages and --step exclude each other: they are two views")
    if stages:
        from ..stages import stages_of

        return stages_of(call.engine, request, call.surface.progress())
    from ..step import step_of

    lines = [_line(text) for text in arguments.all("break")]
    return step_of(call.engine, request, call.surface.progress(), lines)


def _line(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f'invalid argument "{text}" for "--break" flag: it is a line, from 1')
    return int(text)


def _perform(arguments: Arguments, call: Call, request: BuildRequest) -> Image | None:
    engine = call.engine
    names = pushed(request)
    request = _streamed(without_push(request), call)
    before = _before(request, call)
    iidfile, metadata_file = arguments.one("iidfile"), arguments.one("metadata-file")
    for file in filter(None, (iidfile, metadata_file)):
        _remove(Path(file))
    quiet = arguments.on("quiet") or arguments.one("progress") == "quiet"
    streams = any(output.stream for output in request.outputs)
    if quiet:
        result = finish(partial(engine.build, request))
    else:
        following = follow(partial(engine.build, request))
        result = call.surface.progress().follow(following, before)
    digests = [push(name, call, quiet=quiet or streams) for name in names]
    if quiet and result.image is not None and not streams:
        call.surface.write(f"{result.image.id}\n")
    if iidfile:
        _write(Path(iidfile), result.image.id if result.image is not None else "")
    if metadata_file:
        _write(Path(metadata_file), _metadata(request, result, *digests[:1]))
    return result.image


def _streamed(request: BuildRequest, call: Call) -> BuildRequest:
    """The request with standard output where `--output` names it.

    Raises:
        UsageError: people would see the archive.
    """
    stream = call.surface.binary_output()
    named = [output for output in request.outputs if output.destination == Path("-")]
    if named and stream is None:
        kind = named[0].type
        raise UsageError(
            f"dest file is required for {kind} exporter. refusing to write to console",
            hint=f"Name one: -o type={kind},dest=FILE.",
        )
    outputs = (
        replace(output, stream=stream) if output in named else output for output in request.outputs
    )
    return replace(request, outputs=tuple(outputs))


def _metadata(request: BuildRequest, result: BuildResult, digest: str = "") -> str:
    """What buildx writes of an image; the ID of one that was not pushed stands for its digest."""
    if result.image is None:
        return "{}\n"
    names = [parse(name).full for name in request.tags]
    document = {
        "containerimage.config.digest": result.image.id,
        "containerimage.digest": digest or result.image.id,
        **({"image.name": ",".join(names)} if names else {}),
    }
    return json.dumps(document, indent=2) + "\n"


def _before(request: BuildRequest, call: Call) -> ImageSummary | None:
    """The image that bears the first tag now; a stand-in that is found by it does not."""
    if not request.tags:
        return None
    try:
        found = call.engine.image(request.tags[0]).summary
    except NotFoundError:
        return None
    return None if found.stands_in(request.tags[0]) else found


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _remove(path: Path) -> None:
    """Take away what an earlier build wrote: a failed one must not look as if it had succeeded."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
