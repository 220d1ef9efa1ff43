"""One stage, instruction by instruction: look in the cache, else do it.

    StageBuilder ──► evaluate     instructions that change the configuration only
                 ├─► run_step     RUN
                 ├─► copy_step    COPY and ADD
                 └─► Step.layer   what each of them, and WORKDIR, do with the cache

A step's cache key is made of what the file system is below it (the diff IDs), the instruction with
its variables replaced, and what else it can see: environment and arguments for RUN, content for
COPY and ADD. It holds no times, and nothing that changes only the configuration.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from ....dockerfile import Add, Copy, Instruction, Run, Stage, Workdir, expand, parse_instruction
from ....errors import BuildError, ContainerMagicsError, DockerfileError, InvalidReferenceError
from ....oci.tree import TreeLoopError
from ...events import Vertex
from .builder import Build
from .copying.copy_step import copy_step
from .copying.layer_plan import Piece
from .copying.layout import layout_directory
from .copying.ownership import owner_of
from .evaluate import evaluate
from .run_step import run_step
from .state import BuildState
from .step import Step, digest

__all__ = ["StageBuilder", "announce"]

_MAKES_LAYER = (Run, Copy, Add, Workdir)


class _Named(NamedTuple):
    """What identifies a vertex: digest, name as shown, line of its instruction."""

    digest: str
    name: str
    line: int


def _vertices(work: Build, stage: Stage) -> list[_Named]:
    """The vertices of a stage, named and counted as BuildKit does."""
    shown: list[tuple[str, int]] = []
    if stage.base_stage is None and stage.base != "scratch":
        shown.append((f"FROM {stage.base}", stage.line))
    shown += [(i.text, i.line) for i in stage.instructions if isinstance(i, _MAKES_LAYER)]
    label = f"{stage.name or f'stage-{stage.index}'} "
    if len(work.graph.stages) == 1 and not stage.name:
        label = ""
    return [
        _Named(
            digest(str(stage.index), str(number), text),
            f"[{label}{number}/{len(shown)}] {text}",
            line,
        )
        for number, (text, line) in enumerate(shown, 1)
    ]


def _stage_name(stage: Stage) -> str:
    return stage.name or str(stage.index)


def announce(work: Build, stage: Stage) -> None:
    """Tell of every step of a stage before any begins."""
    for named in _vertices(work, stage):
        work.emit(Vertex(named.digest, named.name, stage=_stage_name(stage), line=named.line))


class StageBuilder:
    """Builds one stage."""

    def __init__(self, work: Build, stage: Stage) -> None:
        self._work = work
        self._stage = stage
        self._vertices = iter(_vertices(work, stage))
        self._escape = work.dockerfile.escape

    def run(self) -> BuildState:
        """All of it; the state at its end.

        Raises:
            DockerfileError, BuildError, PullError: with the line of the instruction.
        """
        state = self._located_base()
        if self._work.epoch is not None:
            state = state.dated(self._work.epoch.text)
        triggers = tuple(state.config.get("OnBuild") or ())
        state = replace(state.with_config(OnBuild=None), cmd_here=False, declared=())
        for number, trigger in enumerate(triggers, 1):
            instruction = self._trigger(trigger)
            name = f"[{_stage_name(self._stage)} onbuild {number}/{len(triggers)}] {trigger}"
            state = self._do(instruction, state, _Named(digest(name), name, self._stage.line))
        for instruction in self._stage.instructions:
            named = next(self._vertices) if isinstance(instruction, _MAKES_LAYER) else None
            state = self._do(instruction, state, named)
        return state

    def _trigger(self, text: str) -> Instruction:
        """An ONBUILD trigger of the base: an instruction that stands where FROM does."""
        line = self._stage.line
        try:
            return replace(parse_instruction(text, self._escape), line=line, end_line=line)
        except DockerfileError as error:
            error = DockerfileError(f"ONBUILD {text}: {error.reason}", hint=error.hint)
            raise _located(error, self._work, line) from None

    def _located_base(self) -> BuildState:
        try:
            return self._base()
        except InvalidReferenceError as error:
            reason = f'failed to parse stage name "{self._stage.base}": {error.message}'
            bad = DockerfileError(reason, hint=error.hint)
            raise _located(bad, self._work, self._stage.line) from None
        except ContainerMagicsError as error:
            error.line = error.line or self._stage.line
            raise

    def _base(self) -> BuildState:
        stage, work = self._stage, self._work
        if stage.base_stage is not None:
            return work.stage(stage.base_stage)
        platform = work.platforms[stage.index]
        if stage.base == "scratch":
            return BuildState.scratch(platform)
        with self._step(next(self._vertices)) as step:
            base = work.base(stage.base, step.vertex.digest, platform)
            step.cached = base.present
            return base.state

    def _do(self, instruction: Instruction, state: BuildState, named: _Named | None) -> BuildState:
        work = self._work
        try:
            for index in work.graph.sources(instruction, index=self._stage.index):
                work.stage(index)  # It may take its time; this step has not begun.
            if not isinstance(instruction, _MAKES_LAYER) or named is None:
                return evaluate(
                    instruction, state, self._escape, work.build_args, work.graph.global_args
                )
            with self._step(named) as step:
                if isinstance(instruction, Run):
                    return run_step(step, instruction, state)
                if isinstance(instruction, (Copy, Add)):
                    return copy_step(step, instruction, state)
                return self._workdir(step, instruction, state)
        except DockerfileError as error:
            raise _located(error, work, instruction.line) from None
        except TreeLoopError as error:
            step_name = named.name if named else instruction.text
            raise BuildError(str(error), step=step_name, line=instruction.line) from error
        except ContainerMagicsError as error:
            if isinstance(error, BuildError):
                error.step = error.step or (named.name if named else instruction.text)
            error.line = error.line or instruction.line
            raise

    @contextmanager
    def _step(self, named: _Named) -> Iterator[Step]:
        """A step: its vertex runs, then is done, cached, or failed."""
        work = self._work
        work.check()
        vertex = Vertex(
            named.digest,
            named.name,
            stage=_stage_name(self._stage),
            line=named.line,
            started=time.time(),
        )
        step = Step(work, self._stage, vertex)
        work.emit(vertex)
        try:
            yield step
        except BaseException as error:
            work.emit(replace(vertex, completed=time.time(), error=_reason(error)))
            raise
        work.emit(
            replace(vertex, completed=time.time(), cached=step.cached, layer_size=step.layer_size)
        )
        work.count(cached=step.cached)

    def _workdir(self, step: Step, instruction: Workdir, state: BuildState) -> BuildState:
        written = expand(instruction.path, state.variables, self._escape)
        path = posixpath.normpath(posixpath.join(state.workdir, written))
        state = state.with_config(WorkingDir=path)
        shown = written if written.startswith("/") else path
        if path == "/":
            return state.with_history(f"WORKDIR {shown}")

        return step.layer(
            digest("WORKDIR", state.chain, path, str(state.config.get("User") or "")),
            state,
            f"WORKDIR {shown}",
            lambda: step.write(_make_directory(step, state, path)),
            computed=True,
        )


def _make_directory(step: Step, state: BuildState, path: str) -> list[Piece]:
    """A WORKDIR's directories, which belong to the USER."""
    tree = step.store.tree(state.layers)
    user = str(state.config.get("User") or "")
    return layout_directory(tree, path, owner_of(step.store, tree, user, ""))


def _reason(error: BaseException) -> str:
    """For the step's line; what to do about it follows with the error itself."""
    if isinstance(error, ContainerMagicsError):
        return error.message
    return str(error) or type(error).__name__


def _located(error: DockerfileError, work: Build, line: int) -> DockerfileError:
    """The same error with its place in the Dockerfile."""
    if error.line:
        return error
    lines = work.dockerfile.text.split("\n")
    text = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
    return DockerfileError(error.reason, line=line, text=text, hint=error.hint)
