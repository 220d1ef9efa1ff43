"""All rules over one Dockerfile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from ..expansion import expand
from ..ignore import IgnoreRules
from ..instructions import Arg, From, Instruction, Shell, Workdir
from ..parser import Dockerfile
from .options import CheckOptions
from .rules import DESCRIPTIONS, Violation
from .stages import check_stage, check_stage_names
from .variables import check_bases, check_variables
from .writing import check_writing

__all__ = ["Surroundings", "check"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Dockerfile is checked against besides itself.

    Attributes:
        build_args: what `--build-arg` gave.
        platform_args: TARGETPLATFORM and its kin.
        ignore: the context's .dockerignore, or None without one.
        environment_of: names of the variables that an image sets, or None for an image that is
            not known here: what is built on it is not searched for undefined variables.
    """

    build_args: Mapping[str, str] = field(default_factory=dict)
    platform_args: Mapping[str, str] = field(default_factory=dict)
    ignore: IgnoreRules | None = None
    environment_of: Callable[[str], Collection[str] | None] = lambda _: None


def check(dockerfile: Dockerfile, options: CheckOptions, around: Surroundings) -> list[Violation]:
    """Every rule that is broken and counts, in the order of lines.

    Raises:
        DockerfileError: an ARG above the first FROM cannot be expanded.
    """
    found = [
        *check_writing(dockerfile),
        *_check_stages(dockerfile, around),
    ]
    order = list(DESCRIPTIONS)
    return sorted(
        (violation for violation in found if options.counts(violation.rule)),
        key=lambda violation: (violation.line, order.index(violation.rule)),
    )


def _check_stages(dockerfile: Dockerfile, around: Surroundings) -> Iterator[Violation]:
    escape = dockerfile.escape
    stages: list[tuple[From, list[Instruction]]] = []
    defaults = dict(around.platform_args)
    for instruction in dockerfile.instructions:
        if isinstance(instruction, From):
            stages.append((instruction, []))
        elif stages:
            stages[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            for name, default in instruction.pairs:
                if default is not None:
                    defaults[name] = expand(default, defaults, escape)
    starts = [start for start, _ in stages]
    yield from check_stage_names(starts)
    declared = {
        name
        for instruction in dockerfile.instructions[: _first_from(dockerfile)]
        if isinstance(instruction, Arg)
        for name, _ in instruction.pairs
    }
    given = {name: around.build_args.get(name, "") for name in declared}
    global_args = {**given, **defaults, **around.build_args}
    yield from check_bases(starts, global_args, defaults, escape)

    environments: dict[str, list[str] | None] = {}
    said: dict[str, dict[str, bool]] = {}
    for start, instructions in stages:
        base = expand(start.image, global_args, escape).lower()
        inherited = said.get(base, {"shell": False, "workdir": False})
        yield from check_stage(instructions, inherited, around.ignore)
        said[start.alias] = {
            "shell": inherited["shell"] or any(isinstance(i, Shell) for i in instructions),
            "workdir": inherited["workdir"]
            or any(isinstance(i, Workdir) and i.path.startswith("/") for i in instructions),
        }
        if base in environments:
            names = environments[base]
        elif base == "scratch":
            names = ["PATH"]
        else:
            known = around.environment_of(base)
            names = None if known is None else ["PATH", *known]
        environments[start.alias] = None
        if names is not None:
            violations, environments[start.alias] = check_variables(instructions, names, escape)
            yield from violations


def _first_from(dockerfile: Dockerfile) -> int:
    return next(
        (n for n, i in enumerate(dockerfile.instructions) if isinstance(i, From)),
        len(dockerfile.instructions),
    )
