"""What our parser and BuildKit's, which PyPI's `dockerfile` holds, tell of a text, in one shape.

The oracle stops at words, flags and lines, so what we check beyond them has its own tests. It is
older than three things we know: the `check` directive, some flags, and that a JSON array with more
behind it is no JSON form (it drops the rest, as Docker did once).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from container_magics import dockerfile as ours

oracle = pytest.importorskip(
    "dockerfile", reason="the oracle, PyPI's dockerfile, has no wheel for this platform"
)

__all__ = ["Seen", "more_behind_json", "oracle", "oracles", "our_own"]

HEREDOC_WORD = re.compile(r"[0-9]*<<-?[^<]+")


@dataclass(frozen=True)
class Seen:
    """What both parsers tell of an instruction, in one shape.

    `json` is False for lists of paths, where the words alone tell it.
    """

    keyword: str
    trigger: str
    lines: tuple[int, int]
    json: bool
    flags: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


def oracles(text: str) -> list[Seen]:
    seen = []
    for command in oracle.parse_string(text):
        keyword = command.cmd.upper()
        trigger = (command.sub_cmd or "").upper()
        kind = trigger or keyword
        words = tuple(command.value)
        if kind == "FROM":
            words = (words[0], *(word.lower() for word in words[1:]))
        elif kind == "HEALTHCHECK":
            words = (words[0].upper(), *words[1:])
        elif kind == "VOLUME":
            words = tuple(word.strip() for word in words)
        elif kind in ("ADD", "COPY") and command.heredocs:
            words = tuple(word for word in words if not HEREDOC_WORD.fullmatch(word))
        flags = tuple(flag[2:].partition("=")[::2] for flag in command.flags)
        if kind == "HEALTHCHECK":
            flags = tuple((name, str(duration(value))) for name, value in flags)
        seen.append(
            Seen(
                keyword=keyword,
                trigger=trigger,
                lines=(command.start_line, command.end_line),
                json=command.json and kind not in ("ADD", "COPY", "VOLUME"),
                flags=flags,
                words=tuple(word for word in words if word),
                heredocs=tuple((heredoc.name, heredoc.content) for heredoc in command.heredocs),
            )
        )
    return seen


def duration(text: str) -> int:
    """Seconds as nanoseconds; the texts here have no other unit."""
    return int(text.removesuffix("s")) * (10**9 if text.endswith("s") else 1)


def our_own(text: str) -> list[Seen]:
    seen = []
    for instruction in ours.parse(text).instructions:
        # Of a trigger the oracle tells neither flags nor here-documents.
        inner = instruction.parsed if isinstance(instruction, ours.Onbuild) else instruction
        is_trigger = inner is not instruction
        is_json, words = words_of(inner)
        seen.append(
            Seen(
                keyword=instruction.keyword,
                trigger=inner.keyword if is_trigger else "",
                lines=(instruction.line, instruction.end_line),
                json=is_json,
                flags=() if is_trigger else flags_of(inner),
                words=tuple(word for word in words if word),
                heredocs=() if is_trigger else heredocs_of(inner),
            )
        )
    return seen


def flags_of(instruction: ours.Instruction) -> tuple[tuple[str, str], ...]:
    match instruction:
        case ours.From(platform=platform) if platform:
            return (("platform", platform),)
        case ours.Run(flags=flags) | ours.Copy(flags=flags) | ours.Add(flags=flags):
            return tuple((name, "" if value == "true" else value) for name, value in flags)
        case ours.Healthcheck():
            numbers = {
                "interval": instruction.interval,
                "timeout": instruction.timeout,
                "retries": instruction.retries,
            }
            return tuple((name, str(number)) for name, number in numbers.items() if number)
    return ()


def heredocs_of(instruction: ours.Instruction) -> tuple[tuple[str, str], ...]:
    match instruction:
        case (
            ours.Run(heredocs=heredocs) | ours.Copy(heredocs=heredocs) | ours.Add(heredocs=heredocs)
        ):
            return tuple((heredoc.name, heredoc.body) for heredoc in heredocs)
    return ()


def words_of(instruction: ours.Instruction) -> tuple[bool, tuple[str, ...]]:
    match instruction:
        case ours.From(image=image, alias=alias):
            return False, (image, "as", alias) if alias else (image,)
        case (
            ours.Run(command=command) | ours.Cmd(command=command) | ours.Entrypoint(command=command)
        ):
            return not command.shell, command.words
        case ours.Healthcheck(command=None):
            return False, ("NONE",)
        case ours.Healthcheck(command=ours.Command() as command):
            return not command.shell, ("CMD", *command.words)
        case ours.Copy() | ours.Add():
            words = (*instruction.sources, instruction.destination)
            return False, words
        case ours.Volume(paths=paths):
            return False, paths
        case ours.Shell(words=words):
            return True, words
        case ours.Env(pairs=pairs) | ours.Label(pairs=pairs):
            return False, tuple(word for pair in pairs for word in pair)
        case ours.Arg(pairs=defaults):
            return False, tuple(
                name if value is None else f"{name}={value}" for name, value in defaults
            )
        case ours.Expose(ports=ports):
            return False, ports
        case ours.Workdir(path=one) | ours.User(user=one) | ours.Maintainer(name=one):
            return False, (one,)
        case ours.Stopsignal(signal=signal):
            return False, (signal,)
    raise AssertionError(instruction)


def more_behind_json(words: tuple[str, ...]) -> bool:
    """Whether the oracle drops what follows an array."""
    text = " ".join(words).removeprefix("CMD ").lstrip()
    try:
        array, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return False
    return isinstance(array, list) and end < len(text)
