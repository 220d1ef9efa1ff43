"""RUN: a command in the file system as it is so far, and a layer of what it changed."""

from __future__ import annotations

import json
from collections import deque

from ...dockerfile import Run
from ...errors import BuildError, StepFailedError, UnsupportedError
from .evaluate import PREDEFINED_ARGS, shell_words
from .running import Command
from .state import BuildState
from .step import Step, digest
from .store import LayerRow

__all__ = ["run_step"]

_TAIL_LINES = 12
_LONGEST_LINE = 4096
_SCRIPT = "/dev/pipes/{}"
_HOSTNAME = "container-magics"
_NOT_STARTED = 125


def run_step(step: Step, instruction: Run, state: BuildState) -> BuildState:
    """The state after a RUN.

    Raises:
        StepFailedError: the command exited non-zero, or could not be found or executed.
        BuildError: its user does not exist, or the container could not be set up.
        UnsupportedError: a flag that is not available.
    """
    request = step.work.request
    network = _network(instruction) or request.network
    argv, scripts = _argv(instruction, state)
    env = state.variables
    shown_args = [f"{name}={env.get(name, '')}" for name in state.declared]
    proxies = {k: v for k, v in step.work.build_args.items() if k in PREDEFINED_ARGS}
    user = str(state.config.get("User") or "")
    command = Command(
        argv,
        {**proxies, **env},
        state.workdir,
        user,
        _HOSTNAME,
        "none" if network == "none" else "host",
        scripts=scripts,
    )
    key = digest(
        "RUN", state.chain, json.dumps(argv), json.dumps(scripts), json.dumps(shown_args),
        json.dumps(list(env.items())), state.workdir, user, network,
    )  # fmt: skip
    counted = f"|{len(shown_args)} {' '.join(shown_args)} " if shown_args else ""
    shown = f"RUN {counted}{' '.join(argv)} # buildkit"
    return step.layer(key, state, shown, lambda: _execute(step, state, command))


def _network(instruction: Run) -> str:
    network = ""
    for name, value in instruction.flags:
        if name != "network":
            raise UnsupportedError(f"RUN --{name} is not available on the embedded engine yet")
        if value not in ("none", "host", "default"):
            raise BuildError(f"unsupported network mode {value!r}: it is none, host or default")
        network = value
    return network


def _argv(instruction: Run, state: BuildState) -> tuple[list[str], dict[str, str]]:
    """The command, and files that it needs: a here-document with a `#!` line is run as it is."""
    if not instruction.command.shell:
        return list(instruction.command.words), {}
    script = instruction.script
    if instruction.heredoc_is_script and script.startswith("#!"):
        path = _SCRIPT.format(instruction.heredocs[0].name)
        return [path], {path: script}
    return [*shell_words(state), script], {}


def _execute(step: Step, state: BuildState, command: Command) -> LayerRow:
    tools, work = step.work.tools, step.work
    tail = _Tail()

    def output(stream: int, data: bytes) -> None:
        step.log(stream, data)
        tail.add(data)

    workspace = tools.snapshotter.prepare(state.layers)
    try:
        code, failed = tools.runner.run(workspace, command, output, work.cancel)
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
        return workspace.commit()
    finally:
        workspace.discard()


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
