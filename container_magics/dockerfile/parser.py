"""From a Dockerfile's text to its instructions.

Behaves as BuildKit's parser, which the tests hold it against. Errors are Docker's words, with
the line and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DockerfileError
from .building import KEYWORDS, Written, build, unknown_instruction
from .heredocs import find_markers
from .instructions import Arg, From, Heredoc, Instruction
from .lines import LineReader, LogicalLine
from .words import json_words, split_flags, split_keyword

__all__ = ["Dockerfile", "parse", "parse_instruction"]

_JSON_FORMS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")
_WITH_HEREDOCS = ("ADD", "COPY", "RUN")


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A parsed Dockerfile.

    Attributes:
        instructions: in the order written.
        escape: the escape character in force: a backslash, or a backtick.
        syntax: the `syntax` directive's value, or ""; recorded, not acted upon.
        check: the `check` directive's value, or "", for `dockerfile.checks`.
        text: the whole text as given.
        empty_continuations: lines on which instructions start that have an empty line between
            their continuation lines.
    """

    instructions: tuple[Instruction, ...]
    escape: str
    syntax: str
    check: str
    text: str
    empty_continuations: tuple[int, ...] = ()


def parse(text: str) -> Dockerfile:
    """Parse a whole Dockerfile.

    Raises:
        DockerfileError: with the line; an unknown instruction or flag also with the nearest
            known one.
    """
    if not text.strip():
        raise DockerfileError("the Dockerfile cannot be empty", hint="It starts with FROM image.")
    reader = LineReader(text)
    instructions: list[Instruction] = []
    empty_continuations: list[int] = []
    has_stage = False
    while line := reader.next():
        instruction = _read(line, reader)
        has_stage = has_stage or isinstance(instruction, From)
        if not has_stage and not isinstance(instruction, Arg):
            raise DockerfileError(
                "no build stage in current context",
                line=line.line,
                text=line.written,
                end_line=line.end_line,
                hint=f"Only ARG may stand before the first FROM, not {instruction.keyword}.",
            )
        instructions.append(instruction)
        if line.has_empty_line:
            empty_continuations.append(line.line)
    if not instructions:
        raise DockerfileError("file with no instructions", hint="It starts with FROM image.")
    return Dockerfile(
        tuple(instructions),
        reader.escape,
        reader.syntax,
        reader.check,
        text,
        tuple(empty_continuations),
    )


def parse_instruction(text: str, escape: str = "\\") -> Instruction:
    """Parse one instruction on its own: an ONBUILD trigger, or a `--change` of import.

    Raises:
        DockerfileError: as `parse`; also for none, or more than one.
    """
    reader = LineReader(text, escape)
    line = reader.next()
    if line is None:
        raise DockerfileError("no instruction in the text")
    instruction = _read(line, reader)
    if extra := reader.next():
        raise DockerfileError(
            "more than one instruction where one is expected", line=extra.line, text=extra.written
        )
    return instruction


def _read(line: LogicalLine, reader: LineReader) -> Instruction:
    try:
        heredocs: list[Heredoc] = []
        end_line = line.end_line
        if "<<" in line.text and _can_have_heredocs(line.text):
            for found in find_markers(line.text):
                body, end_line = reader.heredoc_body(found.name, chomp=found.chomp)
                heredocs.append(Heredoc(found.name, body, found.expand, found.chomp))
        return _build(line.text, line.shown, (line.line, end_line), tuple(heredocs), reader.escape)
    except DockerfileError as error:
        raise DockerfileError(
            error.reason,
            line=line.line,
            text=line.written,
            end_line=line.end_line,
            hint=error.hint,
        ) from None


def _can_have_heredocs(text: str) -> bool:
    keyword, rest = split_keyword(text)
    _, rest = split_flags(rest)
    if keyword.upper() == "ONBUILD":
        keyword, rest = split_keyword(rest)
        _, rest = split_flags(rest)
    return keyword.upper() in _WITH_HEREDOCS and json_words(rest) is None


def _build(
    text: str,
    shown: str,
    lines: tuple[int, int],
    heredocs: tuple[Heredoc, ...],
    escape: str,
) -> Instruction:
    written, after = split_keyword(text)
    keyword = written.upper()
    if keyword not in KEYWORDS:
        raise unknown_instruction(written)
    flags, rest = split_flags(after)
    inner = None
    trigger = ""
    if keyword == "ONBUILD" and rest:
        inner = _build(rest, split_keyword(shown)[1], lines, heredocs, escape)
        trigger = rest + "".join(f"\n{heredoc.body}{heredoc.name}" for heredoc in heredocs)
    return build(
        Written(
            *lines,
            text=_with_keyword(keyword, shown),
            keyword=keyword,
            flags=tuple(flags),
            rest=rest,
            escape=escape,
            words=json_words(rest) if keyword in _JSON_FORMS else None,
            heredocs=heredocs,
            inner=inner,
            trigger=trigger,
        )
    )


def _with_keyword(keyword: str, shown: str) -> str:
    rest = split_keyword(shown)[1]
    return f"{keyword} {rest}" if rest else keyword
