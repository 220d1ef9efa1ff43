"""Rules on stages: their names and platforms, and instructions of which the last one counts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from ..ignore import IgnoreRules
from ..instructions import (
    Add,
    Cmd,
    Copy,
    Entrypoint,
    From,
    Healthcheck,
    Instruction,
    Shell,
    Workdir,
)
from .rules import Violation

__all__ = ["check_stage", "check_stage_names"]

_RESERVED = ("context", "scratch")
_REMOTE = ("http://", "https://", "git://", "ssh://", "git@")


def check_stage_names(starts: Sequence[From]) -> Iterator[Violation]:
    """What is broken by names and platforms of stages, given every FROM."""
    seen: set[str] = set()
    for start in starts:
        if start.alias in _RESERVED:
            message = f'Stage name should not use the same name as reserved stage "{start.alias}"'
            yield Violation("ReservedStageName", message, start.line, start.end_line)
        if start.alias and start.alias in seen:
            message = f'Duplicate stage name "{start.alias}", stage names should be unique'
            yield Violation("DuplicateStageName", message, start.line, start.end_line)
        seen.add(start.alias)
        yield from _platform(start)


def _platform(start: From) -> Iterator[Violation]:
    written = start.platform
    if written in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        message = (
            f"Setting platform to predefined {written} in FROM is redundant as this is the "
            "default behavior"
        )
        yield Violation("RedundantTargetPlatform", message, start.line, start.end_line)
    elif written and "$" not in written:
        system, _, rest = written.partition("/")
        architecture = rest.partition("/")[0]
        if not start.alias or not any(
            part and part in start.alias for part in (system, architecture)
        ):
            message = f'FROM --platform flag should not use constant value "{written}"'
            yield Violation("FromPlatformFlagConstDisallowed", message, start.line, start.end_line)


def check_stage(
    instructions: Sequence[Instruction],
    inherited: Mapping[str, bool],
    ignore: IgnoreRules | None,
) -> Iterator[Violation]:
    """What is broken within one stage.

    Args:
        instructions: the stage's, without its FROM.
        inherited: `shell` and `workdir`: whether the stage it builds on has said it.
        ignore: the context's .dockerignore, or None without one.
    """
    shell, workdir = inherited["shell"], inherited["workdir"]
    last: dict[str, Instruction] = {}
    for instruction in instructions:
        name = instruction.keyword
        if isinstance(instruction, (Cmd, Entrypoint, Healthcheck)):
            if before := last.get(name):
                message = (
                    f"Multiple {name} instructions should not be used in the same stage because "
                    "only the last one will be used"
                )
                yield Violation(
                    "MultipleInstructionsDisallowed", message, before.line, before.end_line
                )
            last[name] = instruction
        if isinstance(instruction, (Cmd, Entrypoint)) and instruction.command.shell and not shell:
            message = (
                f"JSON arguments recommended for {name} to prevent unintended behavior related "
                "to OS signals"
            )
            yield Violation("JSONArgsRecommended", message, instruction.line, instruction.end_line)
        elif isinstance(instruction, Shell):
            shell = True
        elif isinstance(instruction, Workdir):
            absolute = instruction.path.startswith(("/", "$"))
            if not absolute and not workdir:
                message = (
                    f'Relative workdir "{instruction.path}" can have unexpected results if the '
                    "base image changes"
                )
                yield Violation(
                    "WorkdirRelativePath", message, instruction.line, instruction.end_line
                )
            workdir = workdir or absolute
        elif isinstance(instruction, (Copy, Add)) and ignore is not None:
            yield from _ignored(instruction, ignore)


def _ignored(instruction: Copy | Add, ignore: IgnoreRules) -> Iterator[Violation]:
    if isinstance(instruction, Copy) and instruction.from_stage:
        return
    for source in instruction.sources:
        path = posixpath.normpath(source.lstrip("/"))
        if "$" in source or source.startswith(_REMOTE) or ignore.may_include_below(path):
            continue
        verb = instruction.keyword.capitalize()
        message = f'Attempting to {verb} file "{path}" that is excluded by .dockerignore'
        yield Violation("CopyIgnoredFile", message, instruction.line, instruction.end_line)
