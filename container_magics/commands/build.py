"""`docker build`, and the cell that is a Dockerfile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.base import BuildRequest, Image, ImageSummary
from ..engines.follow import finish, follow
from ..errors import NotFoundError, UnsupportedError, UsageError
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse

if TYPE_CHECKING:
    from ..views.widget import LiveView

__all__ = ["BUILD", "build_cell"]

_FLAGS = (
    Flag("build-arg", "set a build-time variable; NAME alone takes yours", "", "NAME[=VALUE]"),
    Flag("iidfile", "write the image ID to a file", value="FILE"),
    Flag("label", "set a label of the image", value="NAME=VALUE"),
    Flag("network", "the network of RUN: host, none or default", "", "NETWORK", "default"),
    Flag("no-cache", "do not use the cache when building the image"),
    Flag("platform", "the platform to build for", value="OS/ARCH"),
    Flag("pull", "always ask for a newer version of the base images"),
    Flag("quiet", "show nothing but the image ID", "q"),
    Flag("tag", "name, and optionally a tag, as name:tag", "t", "NAME"),
    Flag("target", "the build stage to build", value="STAGE"),
)
_REFUSED = {
    **refuse("progress", "Each step's log is folded below it: open it, or build in a terminal."),
    **refuse(
        "secret ssh build-context", "Give what the build needs as --build-arg or in the context."
    ),
    **refuse(
        "output/o push load", "The image is kept by the engine: `save -o FILE` writes it out."
    ),
    **refuse("squash", "To flatten an image: run it, then `export -o x.tar` and `import x.tar`."),
    **refuse("cache-from cache-to no-cache-filter", "The engine keeps its own cache; --no-cache."),
    **refuse("rm force-rm compress isolation add-host annotation attest sbom provenance"),
    **refuse("builder allow call check metadata-file security-opt shm-size ulimit cgroup-parent"),
    **refuse("memory/m memory-swap cpu-period cpu-quota cpu-shares/c cpuset-cpus cpuset-mems"),
    **refuse("disable-content-trust"),
}
_SUMMARY = "Build an image from a Dockerfile"

_GRAMMAR = Grammar(
    "build",
    "[OPTIONS] PATH | -",
    _SUMMARY,
    most=1,
    flags=(
        *_FLAGS,
        Flag("file", "the Dockerfile; - is standard input (default PATH/Dockerfile)", "f", "FILE"),
    ),
    refused=_REFUSED,
)


def _build(arguments: Arguments, call: Call) -> Image:
    if not arguments.operands:
        raise UsageError(
            '"docker build" requires exactly 1 argument.',
            hint="Name the build context; the present folder is `.`: docker build .",
        )
    place = arguments.operands[0]
    file = arguments.one("file")
    if place == "-":
        if file and file != "-":
            raise UsageError("invalid argument: can't use -f with a Dockerfile from standard input")
        return _perform(arguments, call, _request(arguments, _from_input(call), None, "-"))
    context = _context(place)
    if file == "-":
        return _perform(arguments, call, _request(arguments, _from_input(call), context, "-"))
    path = Path(file) if file else context / "Dockerfile"
    return _perform(arguments, call, _request(arguments, _read(path), context, str(path)))


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
        "[OPTIONS] [PATH]",
        f"{_SUMMARY}: this cell's",
        most=1,
        flags=(
            *_FLAGS,
            Flag("file", "refused: the cell is the Dockerfile", "f", "FILE"),
            Flag("as", "the variable to bind the image to", value="NAME"),
            Flag("write", "also write the cell to a file", value="PATH"),
            Flag("stages", "build, then show the stages as a graph"),
            Flag("step", "walk through the build, instruction by instruction"),
            Flag("break", "with --step: stop before the instruction on this line", value="LINE"),
        ),
        refused=_REFUSED,
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
        context = _context(place)
        if arguments.given("write"):
            _write(Path(arguments.one("write")), text if text.endswith("\n") else text + "\n")
        if name:
            bind(name, None)
        request = _request(arguments, text, context, "cell")
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
    for flag in ("quiet", "iidfile"):
        if arguments.given(flag):
            raise UsageError(f"--{flag} and --{'step' if step else 'stages'} exclude each other")
    if stages and step:
        raise UsageError("--stages and --step exclude each other: they are two views")
    if stages:
        from .stages import stages_of

        return stages_of(call.engine, request, call.surface.progress())
    from .step import step_of

    lines = [_line(text) for text in arguments.all("break")]
    return step_of(call.engine, request, call.surface.progress(), lines)


def _line(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f'invalid argument "{text}" for "--break" flag: it is a line, from 1')
    return int(text)


def _request(
    arguments: Arguments, dockerfile: str, context: Path | None, origin: str
) -> BuildRequest:
    return BuildRequest(
        dockerfile=dockerfile,
        context=context,
        tags=arguments.all("tag"),
        target=arguments.one("target"),
        build_args=dict(_pair(text, "--build-arg") for text in arguments.all("build-arg")),
        labels={
            key: value or ""
            for key, value in (_pair(text, "--label") for text in arguments.all("label"))
        },
        no_cache=arguments.on("no-cache"),
        pull=arguments.on("pull"),
        network=_network(arguments.one("network")),
        platform=arguments.one("platform"),
        origin=origin,
    )


def _perform(arguments: Arguments, call: Call, request: BuildRequest) -> Image:
    engine = call.engine
    before = _before(request, call)
    if arguments.on("quiet"):
        result = finish(partial(engine.build, request))
        call.surface.write(f"{result.image.id}\n")
    else:
        following = follow(partial(engine.build, request))
        result = call.surface.progress().follow(following, before)
    if iidfile := arguments.one("iidfile"):
        _write(Path(iidfile), result.image.id)
    return result.image


def _before(request: BuildRequest, call: Call) -> ImageSummary | None:
    """The image that bears the first tag now."""
    if not request.tags:
        return None
    try:
        return call.engine.image(request.tags[0]).summary
    except NotFoundError:
        return None


def _network(name: str) -> str:
    if name not in ("host", "none", "default"):
        raise UnsupportedError(
            f"docker build --network {name} is not available in this version of container-magics",
            hint="host, none and default are.",
        )
    return name


def _pair(text: str, flag: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f'invalid argument "{text}" for "{flag}" flag: a name is missing')
    return name, value if equals else None


def _context(place: str) -> Path:
    if "://" in place or place.startswith(("git@", "github.com/")):
        raise UnsupportedError(
            f"a build context from the network ({place}) is not available in this version of "
            "container-magics",
            hint="Fetch it first (git clone, curl) and name the folder.",
        )
    path = Path(place).absolute()
    if not path.exists():
        raise UsageError(f'unable to prepare context: path "{place}" not found')
    if not path.is_dir():
        raise UsageError(f"unable to prepare context: context must be a directory: {path}")
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"failed to read dockerfile: open {path}: no such file or directory",
            hint="Name it with -f, or start a cell with %%dockerfile.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"failed to read dockerfile: {path}: {error}") from error


def _from_input(call: Call) -> str:
    data = call.stdin.read() if call.stdin is not None else b""
    if not data.strip():
        raise UsageError(
            "the Dockerfile should come from standard input, but there is none",
            hint="Start the cell with %%docker build: its body is the Dockerfile.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnsupportedError(
            "standard input is no text: a context as an archive is not available in this version "
            "of container-magics",
            hint="Unpack it and name the folder.",
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
