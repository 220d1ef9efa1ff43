"""Instructions that only change the configuration, evaluated.

Field names are Docker's, wording of history is BuildKit's. RUN, COPY, ADD and WORKDIR are the
builder's, since they make layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....dockerfile import (
    Arg,
    Cmd,
    Command,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Shell,
    Stopsignal,
    User,
    Volume,
    expand,
    expand_words,
    parse_instruction,
)
from ....errors import DockerfileError, UsageError
from .state import BuildState
from .wording import duration, quoted, rune

__all__ = ["PREDEFINED_ARGS", "apply_changes", "evaluate", "shell_words"]

PREDEFINED_ARGS = frozenset(
    name
    for pair in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
    for name in (pair, pair.lower())
)
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_SIGNALS = frozenset(
    name
    for names in (
        ("ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT"),
        ("KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM"),
        ("TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"),
        ("RTMIN", *(f"RTMIN+{n}" for n in range(1, 16))),
        ("RTMAX", *(f"RTMAX-{n}" for n in range(1, 15))),
    )
    for name in names
)
_IMPORT_CHANGES = (
    Cmd,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Label,
    Onbuild,
    User,
    Volume,
)


def shell_words(state: BuildState) -> list[str]:
    """The SHELL that shell forms are given to."""
    return list(state.config.get("Shell") or ("/bin/sh", "-c"))


def _argv(command: Command, state: BuildState) -> list[str]:
    return [*shell_words(state), *command.words] if command.shell else list(command.words)


def evaluate(
    instruction: Instruction,
    state: BuildState,
    escape: str,
    build_args: Mapping[str, str],
    global_args: Mapping[str, str],
) -> BuildState:
    """The state after an instruction that makes no layer.

    Raises:
        DockerfileError: a value that makes no sense, without a line.
    """
    names = state.variables
    if isinstance(instruction, Env):
        pairs = [(expand(k, names, escape), expand(v, names, escape)) for k, v in instruction.pairs]
        text = "ENV " + " ".join(f"{key}={value}" for key, value in pairs)
        return state.with_env(dict(pairs)).with_history(text)
    if isinstance(instruction, Arg):
        return _declare(instruction, state, escape, build_args, global_args)
    if isinstance(instruction, Cmd):
        words = _argv(instruction.command, state)
        after = state.with_config(Cmd=words, ArgsEscaped=True)
        return replace(after, cmd_here=True).with_history(f"CMD {quoted(words)}")
    if isinstance(instruction, Entrypoint):
        words = _argv(instruction.command, state)
        after = state.with_config(Entrypoint=words)
        if not state.cmd_here:
            after = after.with_config(Cmd=None)
        return after.with_history(f"ENTRYPOINT {quoted(words)}")
    if isinstance(instruction, Label):
        pairs = [(expand(k, names, escape), expand(v, names, escape)) for k, v in instruction.pairs]
        labels = {**(state.config.get("Labels") or {}), **dict(pairs)}
        text = "LABEL " + " ".join(f"{key}={value}" for key, value in pairs)
        return state.with_config(Labels=labels).with_history(text)
    if isinstance(instruction, Expose):
        ports = [
            p
            for text in instruction.ports
            for w in expand_words(text, names, escape)
            for p in _ports(w)
        ]
        exposed = {**(state.config.get("ExposedPorts") or {}), **{port: {} for port in ports}}
        shown = " ".join(f"{port}:{{}}" for port in sorted(set(ports)))
        return state.with_config(ExposedPorts=exposed).with_history(f"EXPOSE map[{shown}]")
    if isinstance(instruction, User):
        user = expand(instruction.user, names, escape)
        return state.with_config(User=user).with_history(f"USER {user}")
    if isinstance(instruction, Volume):
        paths = [expand(path, names, escape) for path in instruction.paths]
        if "" in paths:
            raise DockerfileError("VOLUME specified can not be an empty string")
        volumes = {**(state.config.get("Volumes") or {}), **{path: {} for path in paths}}
        return state.with_config(Volumes=volumes).with_history(f"VOLUME [{' '.join(paths)}]")
    if isinstance(instruction, Shell):
        words = list(instruction.words)
        return state.with_config(Shell=words).with_history(f"SHELL [{' '.join(words)}]")
    if isinstance(instruction, Stopsignal):
        signal = expand(instruction.signal, names, escape)
        name = signal.upper().removeprefix("SIG")
        if name not in _SIGNALS and not (signal.isdecimal() and int(signal)):
            raise DockerfileError(f"Invalid signal: {signal}")
        return state.with_config(StopSignal=signal).with_history(f"STOPSIGNAL {signal}")
    if isinstance(instruction, Healthcheck):
        return _healthcheck(instruction, state)
    if isinstance(instruction, Onbuild):
        triggers = [*(state.config.get("OnBuild") or ()), instruction.trigger]
        return state.with_config(OnBuild=triggers)
    if isinstance(instruction, Maintainer):
        rest = {**state.rest, "author": instruction.name}
        return replace(state, rest=rest).with_history(f"MAINTAINER {instruction.name}")
    raise DockerfileError(f"{instruction.keyword} is not an instruction that can stand here")


def _declare(
    instruction: Arg,
    state: BuildState,
    escape: str,
    build_args: Mapping[str, str],
    global_args: Mapping[str, str],
) -> BuildState:
    shown: list[str] = []
    args = dict(state.args)
    for name, default in instruction.pairs:
        value = expand(default, {**state.env, **args}, escape) if default is not None else None
        shown.append(name if value is None else f"{name}={value}")
        if name in build_args:
            value = build_args[name]
        elif value is None:
            value = global_args.get(name)
        if value is not None:
            args[name] = value
    declared = (*state.declared, *(name for name, _ in instruction.pairs))
    return replace(state, args=args, declared=declared).with_history("ARG " + " ".join(shown))


def _ports(text: str) -> list[str]:
    match = _PORT.fullmatch(text)
    if match is None:
        raise DockerfileError(f"invalid containerPort: {text}")
    low, high, protocol = int(match[1]), int(match[2] or match[1]), (match[3] or "tcp").lower()
    if not 0 < low <= high <= 65535:
        raise DockerfileError(f"invalid containerPort: {text}")
    return [f"{port}/{protocol}" for port in range(low, high + 1)]


def _healthcheck(instruction: Healthcheck, state: BuildState) -> BuildState:
    if instruction.none or instruction.command is None:
        check: dict[str, Any] = {"Test": ["NONE"]}
    else:
        command = instruction.command
        test = ["CMD-SHELL", *command.words] if command.shell else ["CMD", *command.words]
        check = {"Test": test}
        for key, value in (
            ("Interval", instruction.interval),
            ("Timeout", instruction.timeout),
            ("StartPeriod", instruction.start_period),
            ("StartInterval", instruction.start_interval),
            ("Retries", instruction.retries),
        ):
            if value:
                check[key] = value
    shown = " ".join(
        [quoted(check["Test"])]
        + [f'"{duration(check.get(key, 0))}"' for key in ("Interval", "Timeout", "StartPeriod")]
        + [rune(check.get("Retries", 0))]
    )
    return state.with_config(Healthcheck=check).with_history(f"HEALTHCHECK &{{{shown}}}")


def apply_changes(config: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """An image's `config` with instructions applied, as `import --change` does.

    Raises:
        DockerfileError: an instruction that cannot be read.
        UsageError: one that makes no sense in a change.
    """
    state = BuildState(config=config)
    for change in changes:
        instruction = parse_instruction(change)
        if not isinstance(instruction, _IMPORT_CHANGES) and instruction.keyword != "WORKDIR":
            raise UsageError(f"{instruction.keyword.lower()} is not a valid change command")
        if instruction.keyword == "WORKDIR":
            state = state.with_config(WorkingDir=instruction.text.partition(" ")[2].strip())
        else:
            state = evaluate(instruction, state, "\\", {}, {})
    return {key: value for key, value in state.config.items() if key != "ArgsEscaped"}
