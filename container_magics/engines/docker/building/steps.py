"""What the Dockerfile's text adds to a builder's progress: stages, lines, layer sizes.

BuildKit numbers a stage's steps as `[name n/m]`: its FROM where that is an image, then each RUN,
COPY, ADD and WORKDIR, after those that the base image's ONBUILD adds. The classic builder
numbers every instruction of the whole Dockerfile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ....dockerfile import Dockerfile, From, parse
from ....errors import DockerfileError
from ...build_request import BuildRequest
from ...events import Vertex
from ...images import HistoryEntry, Image
from ...planning import plan
from .announcement import Expected, keyword

__all__ = ["Place", "Steps", "layer_sizes"]

_BUILDKIT_STEP = re.compile(r"\[(?:(?P<stage>[^\]]*) )?(?P<number>\d+)/(?P<total>\d+)\] ")
_LAYER_KEYWORDS = {"RUN", "COPY", "ADD", "WORKDIR"}
_NUMBER = re.compile(r"\[(?:[^]]* )?(\d+)/\d+\]")
_CONFIG_ONLY = re.compile(
    r"(?:/bin/sh -c )?(?:#\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER"
    r"|VOLUME)\b"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: its stage's name or number, and its line; "" and 0 where unknown."""

    stage: str = ""
    line: int = 0


@dataclass(slots=True)
class _Stage:
    """A stage: its name or number, its name or "", and its numbered steps: line and text."""

    label: str
    alias: str
    numbered: list[tuple[int, str]]


class Steps:
    """The steps of one Dockerfile; without any where the text is not understood here.

    The engine judges the text, so what is not understood here may still build there.

    Attributes:
        reason: why the text is not understood here, or None.
    """

    def __init__(self, text: str) -> None:
        self._text = text.splitlines()
        self._stages: list[_Stage] = []
        self._all: list[Place] = []
        self._parsed: Dockerfile | None = None
        self.reason: DockerfileError | None = None
        try:
            self._parsed = parse(text)
        except DockerfileError as error:
            self.reason = error
            return
        for instruction in self._parsed.instructions:
            if isinstance(instruction, From):
                known = {stage.alias for stage in self._stages if stage.alias}
                from_image = instruction.image.lower() not in {*known, "scratch"}
                label = instruction.alias or str(len(self._stages))
                base = (instruction.line, f"FROM {instruction.image}")
                numbered = [base] if from_image else []
                self._stages.append(_Stage(label, instruction.alias, numbered))
            elif self._stages and instruction.keyword in _LAYER_KEYWORDS:
                self._stages[-1].numbered.append((instruction.line, instruction.text))
            label = self._stages[-1].label if self._stages else ""
            self._all.append(Place(label, instruction.line))

    def buildkit(self, name: str) -> Place | None:
        """The place of a BuildKit vertex by its name, or None for an internal one."""
        match = _BUILDKIT_STEP.match(name)
        if not match:
            return None
        # A platform may stand before the stage: `[linux/arm64 build 2/3]`.
        written = (match["stage"] or "").split(" ")[-1]
        stage = self._find(written)
        if stage is None:
            return Place(written or "0")
        number = int(match["number"])
        own = len(stage.numbered)
        # What the base's ONBUILD adds belongs to the line of the FROM.
        index = max(0, number - 1 - (int(match["total"]) - own))
        line = stage.numbered[index][0] if index < own else 0
        return Place(stage.label, line)

    def expected(self, request: BuildRequest) -> list[Expected]:
        """The steps that BuildKit will number, stage by stage, before it tells of any.

        Only those of the stages that the target needs; none where the text is not understood.
        What a base image's ONBUILD adds is not among them, and steps may turn out to be needless.
        """
        if self._parsed is None:
            return []
        try:
            graph = plan(
                self._parsed,
                build_args=request.build_args,
                target=request.target,
                platform=request.platform,
                contexts=request.contexts,
            )
        except DockerfileError:
            return []
        histories: dict[int, tuple[str, ...]] = {}
        expected: list[Expected] = []
        for index in graph.needed:
            stage = graph.stages[index]
            start = (f"FROM {stage.platform} {stage.base}",)
            history = start if stage.base_stage is None else histories[stage.base_stage]
            vertices = {vertex.line: vertex for vertex in self._vertices(index)}
            for line, text in ((stage.line, ""), *((i.line, i.text) for i in stage.instructions)):
                history = (*history, text) if text else history
                if line in vertices:
                    expected.append(Expected(vertices[line], history))
            histories[index] = history
        return expected

    def _vertices(self, index: int) -> list[Vertex]:
        stage = self._stages[index]
        label = f"{stage.alias or f'stage-{index}'} "
        if len(self._stages) == 1 and not stage.alias:
            label = ""
        total = len(stage.numbered)
        return [
            Vertex(
                digest=f"expected {index}:{number}",
                name=f"[{label}{number}/{total}] {text}",
                stage=stage.label,
                line=line,
            )
            for number, (line, text) in enumerate(stage.numbered, 1)
        ]

    def _find(self, written: str) -> _Stage | None:
        for stage in self._stages:
            if stage.alias and stage.alias == written.lower():
                return stage
        number = written.removeprefix("stage-")
        if number.isdecimal() and int(number) < len(self._stages):
            return self._stages[int(number)]
        return self._stages[0] if len(self._stages) == 1 else None

    def classic(self, number: int) -> Place:
        """The place of the classic builder's step, counted from 1."""
        return self._all[number - 1] if 0 < number <= len(self._all) else Place()

    def error(self, message: str, line: int, *, hint: str = "") -> DockerfileError:
        """The engine's complaint about the text, with the line and a hint, or our advice on it."""
        text = self._text[line - 1] if 0 < line <= len(self._text) else ""
        ours = self.reason
        advice = ours.hint if ours is not None and (ours.line == line or not line) else ""
        return DockerfileError(message, line=line, text=text, hint=hint or advice)


def layer_sizes(vertices: Iterable[Vertex], image: Image) -> list[Vertex]:
    """The vertices of the image's own stage again, with the sizes of the layers they made.

    The last step that can make a layer belongs to the history's last such row, and so on. Steps go
    by their places: BuildKit tells of cached ones in any order.
    """
    steps = sorted(filter(_makes_layer, vertices), key=_place)
    if not steps:
        return []
    own = [vertex for vertex in steps if vertex.stage == steps[-1].stage]
    rows = [entry for entry in image.history if not _CONFIG_ONLY.match(entry.created_by)]
    return [
        replace(vertex, layer_size=_size(row))
        for vertex, row in zip(reversed(own), reversed(rows), strict=False)
    ][::-1]


def _makes_layer(vertex: Vertex) -> bool:
    return bool(vertex.line) and keyword(vertex) in _LAYER_KEYWORDS


def _place(vertex: Vertex) -> tuple[int, int]:
    """The line, and the step's number: triggers of a base have the line of its FROM."""
    number = _NUMBER.match(vertex.name)
    return vertex.line, int(number[1]) if number else 0


def _size(row: HistoryEntry) -> int | None:
    return None if row.empty_layer else row.size
