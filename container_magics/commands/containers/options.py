"""From the flags of `docker create` and `docker run` to a request.

What cannot be understood is told in docker's words, before anything is done.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from ...engines.run_request import Mount, RestartPolicy, RunRequest, Tmpfs, Volume
from ...errors import UnsupportedError, UsageError
from .. import values
from ..grammar import Arguments
from . import labels
from .health import health_check
from .mounting import mounted
from .ports import exposed, published

__all__ = ["environment", "restart_policy", "run_request", "workdir"]

_LEAST_MEMORY = 6 << 20
_REAL_TIME = re.compile(r"RTMIN\+\d+|RTMAX-\d+")
_MOST_PRECISE_CPUS = 10**9


def run_request(arguments: Arguments) -> RunRequest:
    """What a command line asks for, still without standard input.

    Raises:
        UsageError: a value that makes no sense.
        UnsupportedError: one that is not available, by name.
    """
    image, *command = arguments.operands
    restart = restart_policy(arguments.one("restart"))
    if arguments.on("rm") and restart.name != "no":
        raise UsageError("conflicting options: cannot specify both --restart and --rm")
    mounts = mounted(arguments.all("volume"), arguments.all("mount"), arguments.all("tmpfs"))
    return RunRequest(
        image=image,
        command=tuple(command),
        entrypoint=arguments.one("entrypoint") if arguments.given("entrypoint") else None,
        environment=environment(arguments),
        mounts=tuple(each for each in mounts if isinstance(each, Mount)),
        volumes=tuple(each for each in mounts if isinstance(each, Volume)),
        tmpfs=tuple(each for each in mounts if isinstance(each, Tmpfs)),
        read_only=arguments.on("read-only"),
        workdir=workdir(arguments.one("workdir")),
        user=arguments.one("user"),
        name=arguments.one("name"),
        hostname=arguments.one("hostname"),
        network=_network(arguments),
        tty=arguments.on("tty"),
        remove=arguments.on("rm"),
        publish=tuple(port for text in arguments.all("publish") for port in published(text)),
        publish_all=arguments.on("publish-all"),
        expose=tuple(port for text in arguments.all("expose") for port in exposed(text)),
        restart=restart,
        health=health_check(arguments),
        stop_signal=_signal(arguments.one("stop-signal")),
        stop_timeout=_whole(arguments, "stop-timeout"),
        hosts=values.hosts(arguments.all("add-host"), "docker run"),
        init=arguments.on("init"),
        memory=_memory(arguments),
        cpus=_cpus(arguments.one("cpus") or "0"),
        pids_limit=max(_whole(arguments, "pids-limit") or 0, 0),
        shm_size=_size(arguments, "shm-size", "--shm-size"),
        ulimits=tuple(map(values.ulimit, arguments.all("ulimit"))),
        cap_add=tuple(map(_capability, arguments.all("cap-add"))),
        cap_drop=tuple(map(_capability, arguments.all("cap-drop"))),
        labels=_labels(arguments),
    )


def restart_policy(text: str) -> RestartPolicy:
    """A `--restart`: `no`, `on-failure[:RETRIES]`, `always` or `unless-stopped`.

    Raises:
        UsageError: it is none of these.
    """
    name, colon, count = text.partition(":")
    if colon and not name:
        raise UsageError("invalid restart policy format: no policy provided before colon")
    if count and not re.fullmatch(r"[+-]?[0-9]+", count):
        raise UsageError("invalid restart policy format: maximum retry count must be an integer")
    retries = int(count or 0)
    if name not in ("", "no", "always", "on-failure", "unless-stopped"):
        raise UsageError(
            f"invalid restart policy: unknown policy '{name}'; use one of 'no', 'always', "
            "'on-failure', or 'unless-stopped'"
        )
    if name != "on-failure" and retries:
        negative = " and cannot be negative" if retries < 0 else ""
        raise UsageError(
            "invalid restart policy: maximum retry count can only be used with 'on-failure'"
            + negative
        )
    if retries < 0:
        raise UsageError("invalid restart policy: maximum retry count cannot be negative")
    return RestartPolicy(name or "no", retries)


def workdir(text: str) -> str:
    """A `-w`; "" is the image's.

    Raises:
        UsageError: it is not absolute.
    """
    if text and not text.startswith("/"):
        raise UsageError(
            f"the working directory '{text}' is invalid, it needs to be an absolute path"
        )
    return text


def _signal(text: str) -> str:
    name = text.upper().removeprefix("SIG")
    known = f"SIG{name}" in signal.Signals.__members__ or _REAL_TIME.fullmatch(name)
    if text and not known and not (text.isdecimal() and int(text)):
        raise UsageError(f"Invalid signal: {text}")
    return text


def _network(arguments: Arguments) -> str:
    given = {*arguments.all("network"), *arguments.all("net")}
    if len(given) > 1:
        raise UnsupportedError(
            "docker run --network: several networks are not available in this version of "
            "container-magics",
            hint="Name one, and `network connect` the container to the others.",
        )
    network = arguments.one("net") or arguments.one("network")
    if "=" in network:
        raise UnsupportedError(
            f"docker run --network {network}: its settings are not available in this version of "
            "container-magics",
            hint="Write just its name.",
        )
    return network


# --- limits -------------------------------------------------------------------------------------


def _whole(arguments: Arguments, flag: str) -> int | None:
    return values.whole(arguments.one(flag), f"--{flag}") if arguments.given(flag) else None


def _size(arguments: Arguments, flag: str, spelled: str) -> int:
    return values.size(arguments.one(flag), spelled) if arguments.given(flag) else 0


def _memory(arguments: Arguments) -> int:
    memory = _size(arguments, "memory", "-m, --memory")
    if 0 < memory < _LEAST_MEMORY:
        raise UsageError("Minimum memory limit allowed is 6MB")
    return memory


def _cpus(text: str) -> float:
    try:
        number = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise values.invalid(
            "--cpus", text, f"failed to parse {text} as a rational number"
        ) from None
    if (number * _MOST_PRECISE_CPUS).denominator != 1:
        raise values.invalid("--cpus", text, "value is too precise")
    if number < 0:
        raise values.invalid("--cpus", text, "it cannot be negative")
    return float(number)


def _capability(text: str) -> str:
    return text.upper().removeprefix("CAP_")


# --- environment and labels ---------------------------------------------------------------------


def environment(arguments: Arguments) -> dict[str, str]:
    """The variables of `--env-file` and `--env`; a name alone takes this process's.

    Raises:
        UsageError: one has no name, or a file cannot be read.
    """
    found: dict[str, str] = {}
    for name in arguments.all("env-file"):
        for line in _lines(Path(name), "environment"):
            found |= _variable(line, os.environ)
    for text in arguments.all("env"):
        found |= _variable(text, os.environ)
    return found


def _variable(text: str, mine: Mapping[str, str]) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise values.invalid("-e, --env", text, f"invalid environment variable: {text}")
    if equals:
        return {name: value}
    return {name: mine[name]} if name in mine else {}


def _labels(arguments: Arguments) -> dict[str, str]:
    lines = [line for name in arguments.all("label-file") for line in _lines(Path(name), "label")]
    return labels.labels([*lines, *arguments.all("label")])


def _lines(path: Path, what: str) -> list[str]:
    """The lines `NAME[=VALUE]` of a file, without its comments.

    Raises:
        UsageError: it cannot be read, or a name has a space.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: invalid utf8 bytes: {error.reason}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"open {path}: {reason}") from error
    found = []
    for number, line in enumerate(lines, 1):
        text = line.lstrip()
        if not text or text.startswith("#"):
            continue
        name = text.partition("=")[0]
        if re.search(r"\s", name):
            raise UsageError(
                f"{path}, line {number}: poorly formatted {what}: "
                f"variable '{name}' contains whitespaces"
            )
        found.append(text)
    return found
