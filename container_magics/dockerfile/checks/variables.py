"""Rules on variables that nobody sets, in FROM and in what follows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from ...errors import DockerfileError, InvalidReferenceError
from ...reference import parse as parse_reference
from ..expansion import expand, unset_names
from ..instructions import (
    Add,
    Arg,
    Copy,
    Env,
    Expose,
    From,
    Instruction,
    Label,
    Stopsignal,
    User,
    Volume,
    Workdir,
)
from .rules import Violation

__all__ = ["check_bases", "check_variables"]


def check_bases(
    starts: Sequence[From],
    global_args: Mapping[str, str],
    defaults: Mapping[str, str],
    escape: str,
) -> Iterator[Violation]:
    """What is broken by variables in FROM.

    Args:
        starts: every FROM.
        global_args: what they may use: platform arguments, and the ARGs above them.
        defaults: the same where no `--build-arg` is given.
        escape: the escape character.
    """
    stages = {start.alias for start in starts}
    for start in starts:
        for text in (start.image, start.platform):
            for name in sorted(_unset(text, global_args, escape)):
                message = f"FROM argument '{name}' is not declared" + _meant(name, global_args, "")
                yield Violation("UndefinedArgInFrom", message, start.line, start.end_line)
        try:
            base = expand(start.image, defaults, escape)
            if base.lower() not in stages:
                parse_reference(base)
        except InvalidReferenceError:
            message = (
                f"Default value for ARG {start.image} results in empty or invalid base image name"
            )
            yield Violation("InvalidDefaultArgInFrom", message, start.line, start.end_line)
        except DockerfileError:
            continue  # The build says it, with the line.


def check_variables(
    instructions: Sequence[Instruction], inherited: Sequence[str], escape: str
) -> tuple[list[Violation], list[str]]:
    """What is broken within one stage.

    Args:
        instructions: the stage's, without its FROM.
        inherited: names that the stage's base sets.
        escape: the escape character.

    Returns:
        The violations, and the names that a stage on top of it inherits.
    """
    found: list[Violation] = []
    kept = dict.fromkeys(inherited, "x")
    arguments: dict[str, str] = {}
    for instruction in instructions:
        known = {**kept, **arguments}
        names = {name for text in _expanded(instruction) for name in _unset(text, known, escape)}
        if isinstance(instruction, Arg):
            arguments.update(dict.fromkeys((name for name, _ in instruction.pairs), "x"))
            names -= arguments.keys()
        elif isinstance(instruction, Env):
            kept.update(dict.fromkeys((name for name, _ in instruction.pairs), "x"))
        for name in sorted(names):
            message = f"Usage of undefined variable '${name}'" + _meant(name, known, "$")
            found.append(Violation("UndefinedVar", message, instruction.line, instruction.end_line))
    return found, list(kept)


def _unset(text: str, env: Mapping[str, str], escape: str) -> frozenset[str]:
    try:
        return unset_names(text, env, escape)
    except DockerfileError:
        return frozenset()  # The build says it, with the line.


def _meant(name: str, known: Mapping[str, str], dollar: str) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    return f" (did you mean {dollar}{near[0]}?)" if near else ""


def _expanded(instruction: Instruction) -> list[str]:
    """The texts of an instruction in which variables are replaced by the builder."""
    if isinstance(instruction, (Env, Label)):
        return [text for pair in instruction.pairs for text in pair]
    if isinstance(instruction, Arg):
        return [default for _, default in instruction.pairs if default is not None]
    if isinstance(instruction, (Copy, Add)):
        documents = [document.content for document in instruction.heredocs if document.expand]
        return [
            *instruction.sources,
            instruction.destination,
            instruction.chown,
            instruction.chmod,
            *documents,
        ]
    if isinstance(instruction, Expose):
        return list(instruction.ports)
    if isinstance(instruction, Volume):
        return list(instruction.paths)
    if isinstance(instruction, User):
        return [instruction.user]
    if isinstance(instruction, Workdir):
        return [instruction.path]
    if isinstance(instruction, Stopsignal):
        return [instruction.signal]
    return []
