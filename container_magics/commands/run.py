"""`docker run`, in the foreground."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..engines.base import Message, Mount, Output, PullProgress, RunRequest
from ..engines.follow import follow
from ..errors import ContainerMagicsError, RunError, UnsupportedError, UsageError
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .results import RunOutput

if TYPE_CHECKING:
    from ..views.pull import PullProgressView

__all__ = ["RUN"]

_ENGINE_FAILED = 125

_GRAMMAR = Grammar(
    "run",
    "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create and run a new container from an image",
    least=1,
    most=None,
    interspersed=False,
    flags=(
        Flag("entrypoint", "overwrite the default ENTRYPOINT of the image", value="COMMAND"),
        Flag("env", "set an environment variable; NAME alone takes yours", "e", "NAME[=VALUE]"),
        Flag("env-file", "read environment variables from a file", value="FILE"),
        Flag("hostname", "container host name", "h", "NAME"),
        Flag("interactive", "feed standard input: the body of a %%docker cell", "i"),
        Flag("name", "assign a name to the container", value="NAME"),
        Flag("network", "host or none", value="NETWORK", default="default"),
        Flag("net", "the same as --network", value="NETWORK"),
        Flag("pull", "pull the image first: always, missing, never", "", "WHEN", "missing"),
        Flag("quiet", "do not show the pull", "q"),
        Flag("rm", "remove the container when it exits"),
        Flag("user", "user name or UID, and group", "u", "USER[:GROUP]"),
        Flag("volume", "mount a folder of the host", "v", "SOURCE:TARGET[:ro]"),
        Flag("workdir", "working directory inside the container", "w", "DIR"),
    ),
    refused={
        **refuse("detach/d", "Containers run in the foreground: leave it out."),
        **refuse("tty/t", "There is no terminal to attach: leave it out (-it becomes -i)."),
        **refuse(
            "publish/p publish-all/P expose",
            "With --network host a server is reachable on its own port: leave it out.",
        ),
        **refuse("mount tmpfs", "Folders are mounted with -v SOURCE:TARGET."),
        **refuse("volumes-from volume-driver", "Only folders are mounted: -v SOURCE:TARGET."),
        **refuse("restart", "A container runs once, in the foreground: leave it out."),
        **refuse("memory/m memory-swap memory-reservation cpus cpu-shares/c cpuset-cpus"),
        **refuse("privileged cap-add cap-drop security-opt device gpus"),
        **refuse("health-cmd health-interval health-retries health-timeout no-healthcheck"),
        **refuse("health-start-period health-start-interval"),
        **refuse("label/l label-file annotation cidfile platform read-only init group-add"),
        **refuse("add-host dns dns-option dns-search domainname link ip ip6 mac-address"),
        **refuse("ipc pid uts userns cgroupns cgroup-parent sysctl ulimit shm-size runtime"),
        **refuse("attach/a detach-keys sig-proxy stop-signal stop-timeout log-driver log-opt"),
        **refuse("network-alias link-local-ip storage-opt isolation oom-kill-disable"),
        **refuse("oom-score-adj pids-limit memory-swappiness kernel-memory blkio-weight"),
        **refuse("cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpuset-mems"),
        **refuse("device-cgroup-rule device-read-bps device-read-iops device-write-bps"),
        **refuse("device-write-iops blkio-weight-device disable-content-trust use-api-socket"),
    },
)


def _run(arguments: Arguments, call: Call) -> RunOutput:
    image, *command = arguments.operands
    request = RunRequest(
        image=image,
        command=tuple(command),
        entrypoint=arguments.one("entrypoint") if arguments.given("entrypoint") else None,
        environment=_environment(arguments),
        mounts=tuple(_mount(text) for text in arguments.all("volume")),
        workdir=_workdir(arguments.one("workdir")),
        user=arguments.one("user"),
        name=arguments.one("name"),
        hostname=arguments.one("hostname"),
        network=_network(arguments),
        stdin=call.stdin if arguments.on("interactive") else None,
        remove=arguments.on("rm"),
    )
    quiet = arguments.on("quiet")
    _pull(arguments.one("pull"), image, call, quiet=quiet)
    streaming = _Streaming(call, quiet=quiet)
    following = follow(lambda emit, cancel: call.engine.run(request, emit, cancel))
    try:
        for event in following:
            streaming.take(event)
    except UsageError:
        raise
    except ContainerMagicsError as error:
        streaming.close()
        explained = _explained(error, request)
        if not call.lenient:
            raise explained from None
        call.surface.write("\n".join(explained._render_traceback_()) + "\n", 2)
        code = explained.returncode if isinstance(explained, RunError) else _ENGINE_FAILED
        return streaming.output(code, arguments.operands, "")
    finally:
        streaming.close()
    result = following.result
    output = streaming.output(result.returncode, arguments.operands, result.container)
    if not call.lenient:
        output.check()
    return output


RUN = Command(_GRAMMAR, _run, reads_input=lambda arguments: arguments.on("interactive"))


class _Streaming:
    """Show a container's output while it comes, and keep it."""

    def __init__(self, call: Call, *, quiet: bool) -> None:
        self._surface = call.surface
        self._quiet = quiet
        self._transfer: PullProgressView | None = None
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {1: decoder("replace"), 2: decoder("replace")}
        self._texts: dict[int, list[str]] = {1: [], 2: []}

    def take(self, event: object) -> None:
        if isinstance(event, Output):
            self._end_transfer()
            self._write(event.stream, self._decoders[event.stream].decode(event.data))
        elif isinstance(event, Message | PullProgress) and not self._quiet:
            if self._transfer is None:
                self._transfer = self._surface.transfer(2)
            self._transfer.update(event)
        elif event is None and self._transfer is not None:
            self._transfer.update(None)

    def close(self) -> None:
        self._end_transfer()
        for stream, decoder in self._decoders.items():
            self._write(stream, decoder.decode(b"", final=True))
        self._surface.flush()

    def output(self, returncode: int, command: Iterable[str], container: str) -> RunOutput:
        self.close()
        stdout, stderr = "".join(self._texts[1]), "".join(self._texts[2])
        return RunOutput(stdout, stderr, returncode, tuple(command), container)

    def _write(self, stream: int, text: str) -> None:
        if text:
            self._texts[stream].append(text)
            self._surface.write(text, stream)

    def _end_transfer(self) -> None:
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None


def _explained(error: ContainerMagicsError, request: RunRequest) -> ContainerMagicsError:
    first = request.command[0] if request.command else ""
    if not isinstance(error, RunError) or error.returncode not in (126, 127):
        return error
    if first == ".":
        hint = "What follows the image is the command: a build takes a context, a run none."
    elif first.startswith("-") and request.entrypoint is None:
        hint = f"What follows the image is the command: put {first} before {request.image}."
    else:
        return error
    return RunError(error.message, returncode=error.returncode, hint=hint)


def _pull(when: str, image: str, call: Call, *, quiet: bool) -> None:
    if when == "never":
        call.engine.image(image)
    elif when == "always":
        view = None if quiet else call.surface.transfer(2)
        try:
            for event in follow(lambda emit, cancel: call.engine.pull(image, emit, cancel)):
                if view is not None:
                    view.update(event)
        finally:
            if view is not None:
                view.close()
    elif when != "missing":
        raise UsageError(
            f"invalid pull option: '{when}': must be one of 'always', 'missing' or 'never'"
        )


def _network(arguments: Arguments) -> str:
    network = arguments.one("net") or arguments.one("network")
    if network not in ("host", "none", "default"):
        raise UnsupportedError(
            f"docker run --network {network} is not available in this version of container-magics",
            hint="--network host and --network none are; without it the engine's own is taken.",
        )
    return network


def _workdir(text: str) -> str:
    if text and not text.startswith("/"):
        raise UsageError(
            f"the working directory '{text}' is invalid, it needs to be an absolute path"
        )
    return text


def _environment(arguments: Arguments) -> dict[str, str]:
    environment: dict[str, str] = {}
    for name in arguments.all("env-file"):
        environment |= _read_env_file(Path(name))
    for text in arguments.all("env"):
        environment |= _variable(text, os.environ)
    return environment


def _variable(text: str, mine: Mapping[str, str]) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f"invalid environment variable: {text}")
    if equals:
        return {name: value}
    return {name: mine[name]} if name in mine else {}


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--env-file {path}: {getattr(error, 'strerror', '') or error}") from error
    environment: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.lstrip()
        if not text or text.startswith("#"):
            continue
        name = text.partition("=")[0]
        if re.search(r"\s", name):
            raise UsageError(
                f"{path}, line {number}: poorly formatted environment: "
                f"variable '{name}' contains whitespaces"
            )
        environment |= _variable(text, os.environ)
    return environment


def _mount(text: str) -> Mount:
    """Read a `-v`.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: a volume that is no folder, an option other than ro and rw.
    """
    source, _, rest = text.partition(":")
    target, _, options = rest.partition(":")
    if not target:
        raise UnsupportedError(
            f"docker run -v {text}: anonymous volumes are not available in this version of "
            "container-magics",
            hint="Mount a folder: -v ./data:/data.",
        )
    if not target.startswith("/") or target.rstrip("/") == "":
        reason = "mount path must be absolute" if target != "/" else "destination can't be '/'"
        raise UsageError(f"invalid volume specification: '{text}': {reason}")
    chosen = set(filter(None, options.split(",")))
    if unknown := sorted(chosen - {"ro", "rw"}):
        raise UnsupportedError(
            f"docker run -v {text}: the option '{unknown[0]}' is not available in this version of "
            "container-magics",
            hint="ro and rw are.",
        )
    if not source.startswith(("/", "./", "../")) and source not in (".", ".."):
        if "/" in source or not source:
            raise UsageError(
                f"invalid volume specification: '{text}': '{source}' is no volume name",
                hint=f"A folder beside the notebook is written ./{source.lstrip('/')}.",
            )
        raise UnsupportedError(
            f"docker run -v {text}: the named volume '{source}' is not available in this version "
            "of container-magics",
            hint=f"Mount a folder: -v ./{source}:{target}.",
        )
    return Mount(Path(os.path.abspath(source)), target, read_only="ro" in chosen)  # noqa: PTH100 - resolve() would follow links
