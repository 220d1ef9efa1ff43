"""BuildKit through a docker CLI: which one can build, and one build with it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ....errors import BuildError
from ...build_request import BuildRequest
from ...events import Cancellation, Emit
from .flags import cli_words
from .outputs import Outputs
from .progress import PlainProgress, Progress, RawJsonProgress

if TYPE_CHECKING:
    from ..engine import DockerEngine

__all__ = ["BuildCli", "Failed", "build", "find_cli"]

PROBE_SECONDS = 10
KILL_AFTER_SECONDS = 3.0
MAX_LINE_BYTES = 1 << 20

_FLAG = re.compile(r"--([a-z][a-z-]+)")


@dataclass(frozen=True, slots=True)
class BuildCli:
    """A docker CLI that can build with BuildKit.

    Attributes:
        program: its path.
        buildx: by the buildx plugin; else BuildKit's client is built in (20.10 and older).
        rawjson: whether it can print BuildKit's own events.
        flags: those it lists, without dashes; to others it says nothing, and does nothing.
    """

    program: str
    buildx: bool
    rawjson: bool
    flags: frozenset[str]


class Failed(Exception):  # noqa: N818 - never leaves the package; `building` reads it
    """The CLI ended with an error; `words` are the lines that belong to no step."""

    def __init__(self, words: list[str]) -> None:
        super().__init__("\n".join(words))
        self.words = words


def find_cli() -> BuildCli | None:
    """The best of the docker CLIs on PATH, or None where none can build with BuildKit."""
    return _find_cli(os.environ.get("PATH", os.defpath), os.environ.get("DOCKER_CONFIG", ""))


@lru_cache(maxsize=4)
def _find_cli(path: str, _config: str) -> BuildCli | None:
    programs = dict.fromkeys(
        str(program.resolve())
        for folder in path.split(os.pathsep)
        if folder and os.access(program := Path(folder) / "docker", os.X_OK)
    )
    found = [cli for program in programs if (cli := _probe(program))]
    return max(found, key=lambda cli: (cli.rawjson, cli.buildx), default=None)


def _probe(program: str) -> BuildCli | None:
    # A CLI without the command prints its general help, also with status 0.
    for words in (("buildx", "build"), ("build",)):
        text = _help(program, *words)
        flags = frozenset(_FLAG.findall(text))
        if "progress" in flags:
            return BuildCli(program, "buildx" in words, "rawjson" in text, flags)
    return None


def _help(program: str, *words: str) -> str:
    try:
        return subprocess.run(
            [program, *words, "--help"],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            env={**os.environ, "DOCKER_BUILDKIT": "1"},
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def build(
    engine: DockerEngine,
    cli: BuildCli,
    request: BuildRequest,
    outputs: Outputs,
    emit: Emit,
    cancel: Cancellation,
) -> str:
    """Build with the CLI; returns the image's ID, or "" where the outputs keep none.

    The CLI must have the request's options: `build_flags.check_cli`.

    Raises:
        Failed: the build failed, or the CLI could not start one.
        BuildError: it was cancelled.
    """
    progress: Progress = RawJsonProgress() if cli.rawjson else PlainProgress()
    with tempfile.TemporaryDirectory(prefix="container-magics-") as folder:
        work = Path(folder)
        exported = outputs.in_folder(work)
        command = _command(cli, request, work, kept=outputs.kept)
        command += cli_words(request, exported, buildx=cli.buildx)
        command += ["--", str(request.context or work / "context")]
        _write(request, work)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(engine),
            start_new_session=True,
        )
        cancel.on_cancel(lambda: _stop(process))
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            for line in _lines(process.stdout):
                for event in progress.feed(line):
                    emit(event)
            returncode = process.wait()
        finally:
            _stop(process)
            process.stdout.close()
        if cancel.cancelled:
            raise BuildError("build cancelled")
        if returncode:
            raise Failed(progress.rest or [f"{cli.program} exited with status {returncode}"])
        outputs.pass_on(exported)
        return (work / "iid").read_text().strip() if outputs.kept else ""


def _write(request: BuildRequest, work: Path) -> None:
    """The Dockerfile, its own rules beside it, and an empty context for builds without one."""
    (work / "Dockerfile").write_text(request.dockerfile, encoding="utf-8")
    if request.ignore_file is not None:
        rules = request.ignore_file.read_bytes()
        # BuildKit takes an empty file for none, and looks into the context.
        (work / "Dockerfile.dockerignore").write_bytes(rules or b"#\n")
    (work / "context").mkdir()


def _command(cli: BuildCli, request: BuildRequest, work: Path, *, kept: bool) -> list[str]:
    # Should this process be killed, the kernel interrupts the CLI, which ends its build.
    setpriv = shutil.which("setpriv")
    words = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    words.append(cli.program)
    # The builder of the context `default` is the engine that DOCKER_HOST names.
    words += ["buildx", "build", "--builder", "default"] if cli.buildx else ["build"]
    words += ["--load"] if cli.buildx and kept else []
    words += [f"--progress={'rawjson' if cli.rawjson else 'plain'}"]
    words += ["--file", str(work / "Dockerfile")]
    if kept:
        words += ["--iidfile", str(work / "iid")]
    for tag in request.tags:
        words += ["--tag", tag]
    for name, value in request.build_args.items():
        words += ["--build-arg", name if value is None else f"{name}={value}"]
    for name, value in request.labels.items():
        words += ["--label", f"{name}={value}"]
    if request.target:
        words += ["--target", request.target]
    if request.no_cache:
        words.append("--no-cache")
    if request.pull:
        words.append("--pull")
    if request.network != "default":
        words += ["--network", request.network]
    if request.platform:
        words += ["--platform", request.platform]
    return words


def _environment(engine: DockerEngine) -> dict[str, str]:
    """This process's, with the CLI pointed at the engine, whatever the user's own is."""
    names = ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
    environment = {k: v for k, v in os.environ.items() if k not in names}
    environment |= {"DOCKER_HOST": engine.base_url, "DOCKER_BUILDKIT": "1"}
    if engine.tls is not None:
        environment["DOCKER_CERT_PATH"] = str(engine.tls.folder)
        environment["DOCKER_TLS"] = "1"
        if engine.tls.verify:
            environment["DOCKER_TLS_VERIFY"] = "1"
    return environment


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Lines without their ending; one that is longer than a mebibyte comes in pieces."""
    while line := stream.readline(MAX_LINE_BYTES):
        yield line.removesuffix(b"\n").decode(errors="replace")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the CLI's process group: SIGINT, which cancels the build, then SIGKILL."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    killer = threading.Timer(KILL_AFTER_SECONDS, _kill, [process])
    killer.daemon = True
    killer.start()
    process.wait()
    killer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
