"""RUN: a command in the file system as it is so far, and a layer of what it changed."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from ....dockerfile import Run
from ....dockerfile.flags import last_value
from ....errors import BuildError, StepFailedError, UnsupportedError, UsageError
from ..running import Command
from ..sandbox.launcher.namespaces import RUNGS as NAMESPACED
from ..storage.store import LayerRow
from .evaluate import PREDEFINED_ARGS, shell_words
from .mounting.run_mounts import Placed, Volumes, attach, place
from .state import BuildState
from .step import Step, digest

__all__ = ["run_step"]

_TAIL_LINES = 12
_LONGEST_LINE = 4096
_SCRIPT = "/dev/pipes/{}"
_HOSTNAME = "container-magics"
_NOT_STARTED = 125
_LOOPBACK = "127.0.0.1"  # host-gateway: containers share the host's network


def run_step(step: Step, instruction: Run, state: BuildState) -> BuildState:
    """The state after a RUN.

    Raises:
        StepFailedError: the command exited non-zero, or could not be found or executed.
        BuildError: its user does not exist, or the container could not be set up.
        SourceNotFoundError, PullError: what it mounts is not there.
        UsageError: a network that there is not.
        UnsupportedError: a flag or option that is not available.
    """
    request = step.work.request
    _check_flags(instruction)
    network = last_value(instruction.flags, "network") or request.network
    if network not in ("default", "none", "host"):
        raise UsageError(
            f'network mode "{network}" not supported by buildkit',
            hint="--network is default, none or host.",
        )
    _check_rung(step.work.tools.runner.rung, network, request.shm_size)
    mounts = place(step, instruction, state)
    ulimits = [(limit.name, limit.soft, limit.hard) for limit in request.ulimits]
    hosts = {
        name: _LOOPBACK if address == "host-gateway" else address
        for name, address in request.add_hosts.items()
    }
    argv, scripts = _argv(instruction, state)
    env = state.variables
    shown_args = [f"{name}={env.get(name, '')}" for name in state.declared]
    user = str(state.config.get("User") or "")
    hostname = step.work.build_args.get("BUILDKIT_SANDBOX_HOSTNAME") or _HOSTNAME
    command = Command(
        argv,
        {**env, **_proxies(step)},
        state.workdir,
        user,
        hostname,
        "none" if network == "none" else "host",
        scripts=scripts,
        shm_size=request.shm_size,
        ulimits=ulimits,
        hosts=hosts,
    )
    key = digest(
        "RUN", state.chain, json.dumps(argv), json.dumps(scripts), json.dumps(shown_args),
        json.dumps(list(env.items())), state.workdir, user, network,
        *(mount.key for mount in mounts), json.dumps([hosts, request.shm_size, ulimits]),
        *((hostname,) if hostname != _HOSTNAME else ()),
    )  # fmt: skip
    counted = f"|{len(shown_args)} {' '.join(shown_args)} " if shown_args else ""
    shown = f"RUN {counted}{' '.join(argv)} # buildkit"
    return step.layer(key, state, shown, lambda: _execute(step, state, command, mounts))


def _check_flags(instruction: Run) -> None:
    for name, value in instruction.flags:
        if name == "device":
            raise UnsupportedError(
                "RUN --device: the embedded engine gives no devices to containers",
                hint="A BuildKit with the entitlement `device` does.",
            )
        if name == "security" and value == "insecure":
            raise UnsupportedError(
                "security.insecure is not allowed",
                hint="The embedded engine has no privileged containers; leave --security out.",
            )


def _check_rung(rung: str, network: str, shm_size: int) -> None:
    if rung in NAMESPACED:
        return
    for flag, asked in (("--network=none", network == "none"), ("--shm-size", bool(shm_size))):
        if asked:
            raise UnsupportedError(
                f"{flag}: the rung {rung} shares the machine's, since it has no namespaces",
                hint="Leave it out; `container-magics doctor` says how to get another rung.",
            )


def _proxies(step: Step) -> dict[str, str]:
    """Proxies given as build arguments, by both their names; they also win over ENV.

    They are in neither history nor cache key, unless ARG declares them.
    """
    return {
        name: value
        for given, value in step.work.build_args.items()
        if given in PREDEFINED_ARGS and value
        for name in (given.upper(), given.lower())
    }


def _argv(instruction: Run, state: BuildState) -> tuple[list[str], dict[str, str]]:
    """The command, and files that it needs: a here-document with a `#!` line is a file."""
    if not instruction.command.shell:
        return list(instruction.command.words), {}
    script = instruction.script
    if instruction.heredoc_is_script and script.startswith("#!"):
        path = _SCRIPT.format(instruction.heredocs[0].name)
        return [*shell_words(state), path], {path: script}
    return [*shell_words(state), script], {}


def _execute(step: Step, state: BuildState, command: Command, mounts: Sequence[Placed]) -> LayerRow:
    tools, work = step.work.tools, step.work
    tail = _Tail()

    def output(stream: int, data: bytes) -> None:
        step.log(stream, data)
        tail.add(data)

    workspace = tools.snapshotter.prepare(state.layers)
    try:
        with attach(step, mounts, state) as volumes:
            attached = _with_volumes(command, volumes)
            code, failed = tools.runner.run(workspace, attached, output, work.cancel)
        work.check()
        if failed is not None and code == _NOT_STARTED:
            raise BuildError(failed)
        if code != 0:
            shown = " ".join(command.argv)
            raise StepFailedError(
                failed or f'process "{shown}" did not complete successfully: exit code: {code}',
                returncode=code,
                tail=tail.lines(),
                hint=f"The disk is full where the image store {step.store.root} is."
                if step.store.is_full
                else "",
            )
        volumes.remove_stubs(workspace.files)
        return workspace.commit(work.epoch)
    finally:
        workspace.discard()


def _with_volumes(command: Command, volumes: Volumes) -> Command:
    agent = {"SSH_AUTH_SOCK": volumes.agent} if volumes.agent else {}
    return replace(
        command,
        env={**agent, **command.env, **volumes.secrets},
        mounts=volumes.mounts,
        views=volumes.views,
        tmpfs=volumes.tmpfs,
        owners=volumes.owners,
    )


class _Tail:
    """The last lines of an output, for the error."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._rest = b""

    def add(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(line[-_LONGEST_LINE:] for line in lines[-_TAIL_LINES:])
        self._rest = self._rest[-_LONGEST_LINE:]

    def lines(self) -> list[str]:
        texts = [line.decode("utf-8", "replace") for line in (*self._lines, self._rest)]
        return [text for text in texts if text.strip()]
