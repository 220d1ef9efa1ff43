"""From the words of one instruction to its value, with the checks that Docker makes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..errors import DockerfileError
from . import instructions as kinds
from .flags import check_flags, last_value, parse_duration, values
from .heredocs import marker
from .mounts import check_mount
from .words import SPACES, json_words, split_keyword, split_plain, split_quoted

__all__ = ["KEYWORDS", "Written", "build", "stage_name", "unknown_instruction"]

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_SWITCH = {"": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Written:
    """One instruction taken apart.

    Attributes:
        keyword: in capitals.
        flags: the `--…` words.
        rest: what follows them, trimmed.
        words: the JSON array, or None in the other form.
        heredocs: with their bodies.
        inner: ONBUILD only: the trigger's own value.
        trigger: ONBUILD only: the trigger's text.
    """

    line: int
    end_line: int
    text: str
    keyword: str
    flags: tuple[str, ...]
    rest: str
    escape: str
    words: tuple[str, ...] | None = None
    heredocs: tuple[kinds.Heredoc, ...] = ()
    inner: kinds.Instruction | None = None
    trigger: str = ""

    @property
    def place(self) -> tuple[int, int, str]:
        """The first three fields of every instruction."""
        return self.line, self.end_line, self.text


def build(written: Written) -> kinds.Instruction:
    """The instruction's value.

    Raises:
        DockerfileError: in Docker's words, without a line.
    """
    return _BUILDERS[written.keyword](written)


def unknown_instruction(keyword: str) -> DockerfileError:
    """The error for a keyword that is none, with the nearest that is one."""
    near = difflib.get_close_matches(keyword.upper(), KEYWORDS, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(KEYWORDS))}."
    return DockerfileError(f"unknown instruction: {keyword}", hint=hint)


def stage_name(name: str) -> str:
    """A stage's name in lower case.

    Raises:
        DockerfileError: it does not start with a letter, or has symbols other than `-_.`.
    """
    lower = name.lower()
    if not _STAGE_NAME.fullmatch(lower):
        raise DockerfileError(
            f'invalid name for build stage: "{name}", name can\'t start with a number or '
            "contain symbols"
        )
    return lower


def _from(written: Written) -> kinds.From:
    words = split_plain(written.rest)
    alias = ""
    if len(words) == 3 and words[1].lower() == "as":
        alias = stage_name(words[2])
    elif len(words) != 1:
        raise DockerfileError(
            "FROM requires either one or three arguments",
            hint="Write FROM image, or FROM image AS name.",
        )
    flags = check_flags("FROM", written.flags)
    return kinds.From(*written.place, words[0], alias, last_value(flags, "platform"))


def _command(written: Written) -> kinds.Command:
    if written.words is None:
        return kinds.Command(True, (written.rest,))
    return kinds.Command(False, written.words)


def _is_empty(command: kinds.Command) -> bool:
    return not command.words or (command.shell and not command.words[0])


def _run(written: Written) -> kinds.Run:
    flags = check_flags("RUN", written.flags)
    for name, value in flags:
        _check_run_flag(name, value)
    command = _command(written)
    if _is_empty(command):
        raise _at_least_one("RUN")
    is_script = len(written.heredocs) == 1 and marker(written.rest) is not None
    return kinds.Run(*written.place, command, flags, written.heredocs, is_script)


def _check_run_flag(name: str, value: str) -> None:
    if name == "mount":
        check_mount(value)
    elif name == "network" and value not in ("default", "none", "host"):
        raise DockerfileError(
            f'invalid network mode "{value}"', hint="It is default, none or host."
        )
    elif name == "security" and value not in ("sandbox", "insecure"):
        raise DockerfileError(f'security "{value}" is not valid', hint="It is sandbox or insecure.")


def _cmd(written: Written) -> kinds.Cmd:
    check_flags("CMD", written.flags)
    return kinds.Cmd(*written.place, _command(written))


def _entrypoint(written: Written) -> kinds.Entrypoint:
    check_flags("ENTRYPOINT", written.flags)
    return kinds.Entrypoint(*written.place, _command(written))


def _sources(written: Written) -> tuple[tuple[str, ...], str, tuple[kinds.Heredoc, ...]]:
    words = split_plain(written.rest) if written.words is None else list(written.words)
    if len(words) < 2:
        raise DockerfileError(
            f"{written.keyword} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
        )
    if marker(words[-1]):
        raise DockerfileError(f"{written.keyword} cannot accept a heredoc as a destination")
    if written.words is not None:
        return tuple(words[:-1]), words[-1], ()
    sources = tuple(word for word in words[:-1] if not marker(word))
    if len(words) - 1 - len(sources) != len(written.heredocs):
        raise DockerfileError(
            f"{written.keyword} has a heredoc in a line whose quotes do not close",
            hint="Close the quote, or escape it.",
        )
    return sources, words[-1], written.heredocs


def _copy(written: Written) -> kinds.Copy:
    flags = check_flags("COPY", written.flags)
    sources, destination, heredocs = _sources(written)
    origin, chown, chmod = (last_value(flags, name) for name in ("from", "chown", "chmod"))
    return kinds.Copy(
        *written.place,
        sources,
        destination,
        origin,
        chown,
        chmod,
        heredocs,
        flags,
        exclude=values(flags, "exclude"),
        link=last_value(flags, "link") == "true",
        parents=last_value(flags, "parents") == "true",
    )


def _add(written: Written) -> kinds.Add:
    flags = check_flags("ADD", written.flags)
    sources, destination, heredocs = _sources(written)
    chown, chmod = (last_value(flags, name) for name in ("chown", "chmod"))
    return kinds.Add(
        *written.place,
        sources,
        destination,
        chown,
        chmod,
        heredocs,
        flags,
        exclude=values(flags, "exclude"),
        link=last_value(flags, "link") == "true",
        checksum=last_value(flags, "checksum"),
        keep_git_dir=_SWITCH[last_value(flags, "keep-git-dir")],
        unpack=_SWITCH[last_value(flags, "unpack")],
    )


def _one(written: Written) -> str:
    check_flags(written.keyword, written.flags)
    if not written.rest:
        raise DockerfileError(f"{written.keyword} requires exactly one argument")
    return written.rest


def _at_least_one(keyword: str) -> DockerfileError:
    return DockerfileError(f"{keyword} requires at least one argument")


def _pairs(written: Written) -> tuple[tuple[str, str], ...]:
    keyword, rest = written.keyword, written.rest
    check_flags(keyword, written.flags)
    words = split_quoted(rest, written.escape)
    if not words:
        raise _at_least_one(keyword)
    if "=" not in words[0]:
        name, value = split_keyword(rest)
        if not value:
            raise DockerfileError(
                f"{keyword} must have two arguments", hint=f"Write {keyword} {name}=value."
            )
        return ((name, value),)
    pairs = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise DockerfileError(
                f'Syntax error - can\'t find = in "{word}". Must be of the form: name=value',
                hint="A value with blanks needs quotes.",
            )
        if not name:
            raise DockerfileError(f"{keyword} names can not be blank")
        pairs.append((name, value))
    return tuple(pairs)


def _arg(written: Written) -> kinds.Arg:
    check_flags("ARG", written.flags)
    words = split_quoted(written.rest, written.escape)
    if not words:
        raise _at_least_one("ARG")
    pairs: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise DockerfileError("ARG names can not be blank")
        pairs.append((name, value if equals else None))
    return kinds.Arg(*written.place, tuple(pairs))


def _expose(written: Written) -> kinds.Expose:
    check_flags("EXPOSE", written.flags)
    if not written.rest:
        raise _at_least_one("EXPOSE")
    return kinds.Expose(*written.place, tuple(split_plain(written.rest)))


def _volume(written: Written) -> kinds.Volume:
    check_flags("VOLUME", written.flags)
    words: Sequence[str] = written.words if written.words is not None else split_plain(written.rest)
    if not words:
        raise _at_least_one("VOLUME")
    paths = tuple(word.strip(SPACES) for word in words)
    if "" in paths:
        raise DockerfileError("VOLUME specified can not be an empty string")
    return kinds.Volume(*written.place, paths)


def _shell(written: Written) -> kinds.Shell:
    check_flags("SHELL", written.flags)
    if written.words is None and written.rest:
        raise DockerfileError(
            "SHELL requires the arguments to be in JSON form",
            hint='Write SHELL ["executable", "parameter"].',
        )
    if not written.words:
        raise _at_least_one("SHELL")
    return kinds.Shell(*written.place, written.words)


def _healthcheck(written: Written) -> kinds.Healthcheck:
    if not written.rest:
        raise _at_least_one("HEALTHCHECK")
    kind, rest = split_keyword(written.rest)
    if kind.upper() == "NONE":
        if rest:
            raise DockerfileError("HEALTHCHECK NONE takes no arguments")
        return kinds.Healthcheck(*written.place, none=True)
    flags = check_flags("HEALTHCHECK", written.flags)
    if kind.upper() != "CMD":
        raise DockerfileError(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    command = _command(replace(written, rest=rest, words=json_words(rest)))
    if _is_empty(command):
        raise DockerfileError("Missing command after HEALTHCHECK CMD")
    interval, timeout, start_period, start_interval = (
        parse_duration(name, last_value(flags, name))
        for name in ("interval", "timeout", "start-period", "start-interval")
    )
    return kinds.Healthcheck(
        *written.place,
        none=False,
        command=command,
        interval=interval,
        timeout=timeout,
        start_period=start_period,
        retries=_retries(last_value(flags, "retries")),
        start_interval=start_interval,
    )


def _retries(text: str) -> int:
    if text and not _INTEGER.fullmatch(text):
        raise DockerfileError(f'--retries must be a whole number, not "{text}"')
    retries = int(text or 0)
    if retries < 0:
        raise DockerfileError(f"--retries cannot be negative ({retries})")
    return retries


def _onbuild(written: Written) -> kinds.Onbuild:
    check_flags("ONBUILD", written.flags)
    if written.inner is None:
        raise _at_least_one("ONBUILD")
    inner = written.inner
    if isinstance(inner, kinds.Onbuild):
        raise DockerfileError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if isinstance(inner, kinds.From | kinds.Maintainer):
        raise DockerfileError(f"{inner.keyword} isn't allowed as an ONBUILD trigger")
    return kinds.Onbuild(*written.place, written.trigger, inner)


_BUILDERS: dict[str, Callable[[Written], kinds.Instruction]] = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": lambda written: kinds.Env(*written.place, _pairs(written)),
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": lambda written: kinds.Label(*written.place, _pairs(written)),
    "MAINTAINER": lambda written: kinds.Maintainer(*written.place, _one(written)),
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": lambda written: kinds.Stopsignal(*written.place, _one(written)),
    "USER": lambda written: kinds.User(*written.place, _one(written)),
    "VOLUME": _volume,
    "WORKDIR": lambda written: kinds.Workdir(*written.place, _one(written)),
}

KEYWORDS = tuple(_BUILDERS)
