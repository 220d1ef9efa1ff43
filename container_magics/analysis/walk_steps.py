"""A Dockerfile as a walk: the instructions that a build runs, in the order of the text.

The state after an instruction is an image, that of the text cut behind it: a Dockerfile's
beginning is a Dockerfile whose last stage is the one that it ends in. The engine has all of it in
its cache, once the whole was built.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..dockerfile import From, Instruction, parse
from ..engines.build_request import BuildRequest
from ..engines.planning import plan
from ..errors import UsageError

__all__ = ["WalkStep", "step_at_line", "walk_steps"]


@dataclass(frozen=True, slots=True)
class WalkStep:
    """One instruction on the way.

    Attributes:
        number: from 1.
        instruction: as parsed.
        stage: the name of its stage, or its number.
        base: what a FROM starts from, variables expanded; "" for other instructions.
        prefix: the Dockerfile's text up to its last line.
    """

    number: int
    instruction: Instruction
    stage: str
    base: str
    prefix: str

    @property
    def line(self) -> int:
        """The line on which it starts, from 1."""
        return self.instruction.line

    @property
    def text(self) -> str:
        """The instruction on one line."""
        return self.instruction.text


def walk_steps(request: BuildRequest) -> tuple[WalkStep, ...]:
    """The instructions of the stages that a build needs, each FROM included.

    Raises:
        DockerfileError: the text cannot be read.
    """
    dockerfile = parse(request.dockerfile)
    graph = plan(
        dockerfile,
        build_args=request.build_args,
        target=request.target,
        platform=request.platform,
        contexts=request.contexts,
    )
    lines = request.dockerfile.split("\n")
    steps: list[WalkStep] = []
    index = -1
    for instruction in dockerfile.instructions:
        index += isinstance(instruction, From)
        if index not in graph.needed:
            continue
        stage = graph.stages[index]
        steps.append(
            WalkStep(
                len(steps) + 1,
                instruction,
                stage.name or str(index),
                (stage.base or str(stage.base_stage)) if isinstance(instruction, From) else "",
                "\n".join(lines[: instruction.end_line]) + "\n",
            )
        )
    return tuple(steps)


def step_at_line(request: BuildRequest, steps: Sequence[WalkStep], line: int) -> WalkStep:
    """The step that a breakpoint on a line means: the one there, or else the next below.

    Raises:
        UsageError: there is none, or the build does not need its stage.
    """
    instructions = parse(request.dockerfile).instructions
    first = next(each.line for each in instructions if isinstance(each, From))
    numbers = {step.line: step for step in steps}
    found = next((e.line for e in instructions if e.end_line >= line and e.line >= first), None)
    if found is None:
        raise UsageError(
            f"no breakpoint on line {line}: no instruction is there or below it",
            hint=f"The last instruction is on line {steps[-1].line}.",
        )
    if found not in numbers:
        raise UsageError(
            f"no breakpoint on line {line}: it is in a stage that this build does not need",
            hint="--target chooses another stage.",
        )
    return numbers[found]
