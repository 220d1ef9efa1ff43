"""Rules on how instructions are written: case, old forms, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..instructions import Arg, Env, Expose, From, Instruction, Label, Maintainer
from ..parser import Dockerfile
from ..words import split_flags, split_keyword, split_plain
from .rules import Violation

__all__ = ["check_writing"]

_SECRET = re.compile(
    r"(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"(?:_|^)(?:public|file|version)(?:_|$)", re.IGNORECASE)


def check_writing(dockerfile: Dockerfile) -> Iterator[Violation]:
    """What is broken by single instructions, whatever stands around them."""
    lines = dockerfile.text.removeprefix("\ufeff").split("\n")
    keywords = [split_keyword(lines[i.line - 1])[0] for i in dockerfile.instructions]
    yield from _casing(dockerfile.instructions, keywords)
    for instruction, keyword in zip(dockerfile.instructions, keywords, strict=True):
        if instruction.line in dockerfile.empty_continuations:
            yield _violation("NoEmptyContinuation", instruction, "Empty continuation line")
        if isinstance(instruction, From):
            yield from _from(instruction, keyword)
        elif isinstance(instruction, Maintainer):
            message = "Maintainer instruction is deprecated in favor of using label"
            yield _violation("MaintainerDeprecated", instruction, message)
        elif isinstance(instruction, (Env, Label)) and _is_legacy(instruction):
            name = instruction.keyword
            message = (
                f'"{name} key=value" should be used instead of legacy "{name} key value" format'
            )
            yield _violation("LegacyKeyValueFormat", instruction, message)
        elif isinstance(instruction, Expose):
            yield from _expose(instruction)
        if isinstance(instruction, (Env, Arg)):
            yield from _secrets(instruction)
        if isinstance(instruction, (From, Arg)):
            yield from _description(instruction, lines)


def _violation(rule: str, instruction: Instruction, message: str) -> Violation:
    return Violation(rule, message, instruction.line, instruction.end_line)


def _casing(instructions: Sequence[Instruction], keywords: Sequence[str]) -> Iterator[Violation]:
    """All keywords as the majority has them; a tie is for capitals. Not ARG before FROM."""
    start = next((n for n, i in enumerate(instructions) if isinstance(i, From)), 0)
    lower = sum(keyword.islower() for keyword in keywords[start:])
    upper = sum(keyword.isupper() for keyword in keywords[start:])
    wanted = "lowercase" if lower > upper else "uppercase"
    for instruction, keyword in zip(instructions[start:], keywords[start:], strict=True):
        if keyword != (keyword.lower() if lower > upper else keyword.upper()):
            message = (
                f"Command '{keyword}' should match the case of the command majority ({wanted})"
            )
            yield _violation("ConsistentInstructionCasing", instruction, message)


def _from(instruction: From, keyword: str) -> Iterator[Violation]:
    words = split_plain(split_flags(split_keyword(instruction.text)[1])[1])
    if len(words) < 3:
        return
    if (keyword.islower() or keyword.isupper()) and words[1].isupper() != keyword.isupper():
        message = f"'{words[1]}' and '{keyword}' keywords' casing do not match"
        yield _violation("FromAsCasing", instruction, message)
    if words[2] != words[2].lower():
        message = f"Stage name '{words[2]}' should be lowercase"
        yield _violation("StageNameCasing", instruction, message)


def _is_legacy(instruction: Instruction) -> bool:
    rest = split_keyword(instruction.text)[1]
    return "=" not in split_plain(rest)[0]


def _expose(instruction: Expose) -> Iterator[Violation]:
    for port in instruction.ports:
        number, _, protocol = port.partition("/")
        if protocol != protocol.lower():
            message = f"Defined protocol '{port}' in EXPOSE instruction should be lowercase"
            yield _violation("ExposeProtoCasing", instruction, message)
        if ":" in number and "$" not in number:
            message = (
                "EXPOSE instruction should not define an IP address or host-port mapping, "
                f"found '{port}'"
            )
            yield _violation("ExposeInvalidFormat", instruction, message)


def _secrets(instruction: Env | Arg) -> Iterator[Violation]:
    for name, _ in instruction.pairs:
        if _SECRET.search(name) and not _HARMLESS.search(name):
            message = (
                "Do not use ARG or ENV instructions for sensitive data "
                f'({instruction.keyword} "{name}")'
            )
            yield _violation("SecretsUsedInArgOrEnv", instruction, message)


def _description(instruction: From | Arg, lines: Sequence[str]) -> Iterator[Violation]:
    """A comment right above a named stage or an argument is its description."""
    names = (
        [instruction.alias]
        if isinstance(instruction, From)
        else [name for name, _ in instruction.pairs]
    )
    above = lines[instruction.line - 2].strip() if instruction.line > 1 else ""
    if not names[0] or not above.startswith("#") or not (comment := above[1:].strip()):
        return
    if comment.split(" ")[0] not in names:
        shown = names[0] if len(names) == 1 else "<arg_key>"
        message = (
            f"Comment for {instruction.keyword} should follow the format: `# {shown} <description>`"
        )
        yield _violation("InvalidDefinitionDescription", instruction, message)
