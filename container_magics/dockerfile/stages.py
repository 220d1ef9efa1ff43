"""From instructions to stages, and which of them a target needs."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..errors import DockerfileError
from .expansion import expand, used_names
from .instructions import Arg, Copy, From, Instruction, Onbuild, Run
from .mounts import mount_origin
from .parser import Dockerfile

__all__ = ["Stage", "StageGraph", "stage_graph"]

_NO_CONTEXTS = ("scratch", "context")


@dataclass(frozen=True, slots=True)
class Stage:
    """One FROM and what follows it.

    Attributes:
        index: position in the Dockerfile, from 0.
        name: the alias, lower-cased, or "".
        base: the expanded image name (`scratch` too), or the name of the stage it builds on.
        base_stage: the index of that stage, or None.
        platform: the expanded `--platform`, or "".
        instructions: without the FROM.
        line: 1-based line of the FROM.
        needs: indexes of the stages it depends on, by FROM, COPY --from and RUN --mount from=,
            ascending; triggers that its base stage declares with ONBUILD count.
    """

    index: int
    name: str
    base: str
    base_stage: int | None
    platform: str
    instructions: tuple[Instruction, ...]
    line: int
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StageGraph:
    """All stages, and the way to one of them.

    Attributes:
        stages: in the order written.
        target: index of the stage to build.
        needed: indexes of the stages that the target needs and its own, each after those that
            it needs.
        global_args: build arguments that a stage's bare `ARG name` can take: the platform
            arguments and those before the first FROM that have a value.
    """

    stages: tuple[Stage, ...]
    target: int
    needed: tuple[int, ...]
    global_args: dict[str, str] = field(hash=False)

    def find(self, name: str, *, index: int) -> int | None:
        """The stage that `--from=name` in stage `index` means, or None: an image's name.

        Raises:
            DockerfileError: a number that is no earlier stage.
        """
        return _find(self.stages, name, index)

    def sources(self, instruction: Instruction, *, index: int) -> list[int]:
        """The stages that an instruction in stage `index` takes files from.

        Raises:
            DockerfileError: as `find`, or a variable where none may stand.
        """
        found = (_find(self.stages, name, index) for name in _sources(instruction))
        return [stage for stage in found if stage is not None]


def stage_graph(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str],
    platform_args: Mapping[str, str],
    target: str = "",
    contexts: Collection[str] = (),
) -> StageGraph:
    """Lay out the stages for one build.

    Args:
        dockerfile: the parsed text.
        build_args: what `--build-arg` gave; it overrides defaults.
        platform_args: TARGETPLATFORM and its kin; usable in FROM without an ARG.
        target: name of the stage to build, in any case; "" for the last.
        contexts: names of build contexts. A stage of such a name has it as its base, and does
            nothing itself.

    Raises:
        DockerfileError: no stage at all, an unknown target, a wrong reference between stages,
            a variable that cannot be expanded, or stages that need each other.
    """
    lines = dockerfile.text.split("\n")
    global_args = {**platform_args, **{k: build_args[k] for k in platform_args if k in build_args}}
    grouped: list[tuple[From, list[Instruction]]] = []
    for instruction in dockerfile.instructions:
        with _located(instruction, lines):
            if isinstance(instruction, From):
                grouped.append((instruction, []))
            elif grouped:
                grouped[-1][1].append(instruction)
            elif isinstance(instruction, Arg):
                _declare(instruction, global_args, build_args, dockerfile.escape)
    if not grouped:
        raise DockerfileError(
            "dockerfile contains no stages to build", hint="It needs a FROM instruction."
        )
    stages = _stages(grouped, global_args, dockerfile, lines)
    stages = tuple(
        replace(stage, base=stage.name, base_stage=None, instructions=())
        if stage.name in contexts and stage.name not in _NO_CONTEXTS
        else stage
        for stage in stages
    )
    stages = tuple(_with_needs(stages, stage, lines) for stage in stages)
    wanted = _target(stages, target)
    return StageGraph(stages, wanted, _order(stages, wanted), global_args)


@contextmanager
def _located(instruction: Instruction, lines: Sequence[str]) -> Iterator[None]:
    """Give errors raised inside the instruction's line."""
    try:
        yield
    except DockerfileError as error:
        text = lines[instruction.line - 1].rstrip("\r")
        raise DockerfileError(
            error.reason, line=instruction.line, text=text, hint=error.hint
        ) from None


def _declare(
    arg: Arg, global_args: dict[str, str], build_args: Mapping[str, str], escape: str
) -> None:
    for name, default in arg.pairs:
        if name in build_args:
            global_args[name] = build_args[name]
        elif default is not None:
            global_args[name] = expand(default, global_args, escape)


def _stages(
    grouped: Sequence[tuple[From, Sequence[Instruction]]],
    global_args: Mapping[str, str],
    dockerfile: Dockerfile,
    lines: Sequence[str],
) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    names: dict[str, int] = {}
    for index, (start, instructions) in enumerate(grouped):
        with _located(start, lines):
            base = expand(start.image, global_args, dockerfile.escape)
            if not base:
                raise DockerfileError(
                    f"base name ({start.image}) should not be blank",
                    hint=_unset(start.image, global_args, dockerfile.escape),
                )
            platform = expand(start.platform, global_args, dockerfile.escape)
            if start.platform and not platform:
                raise DockerfileError(
                    f"empty platform value from expression {start.platform}",
                    hint=_unset(start.platform, global_args, dockerfile.escape),
                )
        base_stage = names.get(base.lower())
        if start.alias:
            names[start.alias] = index
        stages.append(
            Stage(
                index=index,
                name=start.alias,
                base=base if base_stage is None else stages[base_stage].name,
                base_stage=base_stage,
                platform=platform,
                instructions=tuple(instructions),
                line=start.line,
            )
        )
    return tuple(stages)


def _unset(text: str, global_args: Mapping[str, str], escape: str) -> str:
    missing = sorted(
        name for name in used_names(text, global_args, escape) if not global_args.get(name)
    )
    if not missing:
        return ""
    near = difflib.get_close_matches(missing[0], global_args, n=1)
    guess = f" Did you mean ${near[0]}?" if near else ""
    return (
        f"No value for {', '.join(missing)}: FROM sees only ARGs that stand before the first "
        f"FROM.{guess}"
    )


def _with_needs(stages: Sequence[Stage], stage: Stage, lines: Sequence[str]) -> Stage:
    needs = set()
    triggers: list[Instruction] = []
    if stage.base_stage is not None:
        needs.add(stage.base_stage)
        triggers = [
            instruction.parsed
            for instruction in stages[stage.base_stage].instructions
            if isinstance(instruction, Onbuild)
        ]
    for instruction in (*triggers, *stage.instructions):
        with _located(instruction, lines):
            for name in _sources(instruction):
                found = _find(stages, name, stage.index)
                if found is not None:
                    needs.add(found)
    return replace(stage, needs=tuple(sorted(needs)))


def _sources(instruction: Instruction) -> list[str]:
    """The names after `--from=` and `from=`, which no variable may stand in."""
    names = []
    if isinstance(instruction, Copy) and instruction.from_stage:
        names = [instruction.from_stage]
    elif isinstance(instruction, Run):
        for flag, value in instruction.flags:
            if flag == "mount":
                names += filter(None, [mount_origin(value)])
    for name in names:
        if "$" in name:
            raise DockerfileError(
                "variable expansion is not supported for --from",
                hint=f"Name it before this stage: FROM {name} AS source, then --from=source.",
            )
    return names


def _find(stages: Sequence[Stage], name: str, index: int) -> int | None:
    if name.isdecimal():
        number = int(name)
        if number >= len(stages):
            raise DockerfileError(
                f"invalid from flag value {name}: there is no such stage",
                hint=f"The Dockerfile has the stages 0 to {len(stages) - 1}.",
            )
        if number >= index:
            what = "refers to the current build stage" if number == index else "that stage is later"
            raise DockerfileError(
                f"invalid from flag value {name}: {what}", hint="Only earlier stages have a number."
            )
        return number
    named = [stage.index for stage in stages if stage.name == name.lower()]
    return named[-1] if named else None


def _target(stages: Sequence[Stage], target: str) -> int:
    if not target:
        return len(stages) - 1
    named = {stage.name: stage.index for stage in stages if stage.name}
    if target.lower() in named:
        return named[target.lower()]
    near = difflib.get_close_matches(target.lower(), named, n=1)
    if near:
        hint = f"Did you mean {near[0]}?"
    elif named:
        hint = f"The Dockerfile has: {', '.join(named)}."
    else:
        hint = "No stage has a name: FROM image AS name gives it one."
    raise DockerfileError(f'target stage "{target}" could not be found', hint=hint)


def _order(stages: Sequence[Stage], target: int) -> tuple[int, ...]:
    """What the target needs, then the target; every stage is checked for circles."""
    entered: set[int] = set()
    ordered: list[int] = []

    def visit(stage: Stage) -> None:
        if stage.index in ordered:
            return
        if stage.index in entered:
            raise DockerfileError(
                f"circular dependency detected on stage: {stage.name or stage.index}",
                line=stage.line,
                hint="A stage cannot need itself, directly or through others.",
            )
        entered.add(stage.index)
        for need in stage.needs:
            visit(stages[need])
        ordered.append(stage.index)

    for stage in stages:
        visit(stage)
    needed = {target}
    for index in reversed(ordered):
        if index in needed:
            needed.update(stages[index].needs)
    return tuple(index for index in ordered if index in needed)
