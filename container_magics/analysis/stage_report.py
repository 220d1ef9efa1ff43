"""What the stages of a build are made of: bases, times, sizes, and what goes from one to the next.

    Dockerfile ──► `stage_graph` ─┐
    events ──► `VertexRecord` ────┼──► `stage_report` ──► stages and edges, as values
    sizes of the stages' images ──┘

A stage that others copy from *leaves behind* its size less the bytes that were copied out of it.
One that another stage starts FROM goes on whole, and so does the target: they leave nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..dockerfile import Copy, Instruction, Onbuild, Run, Stage, StageGraph
from ..engines.events import EngineEvent, Vertex

__all__ = [
    "EdgeReport",
    "StageReport",
    "StagesReport",
    "StepReport",
    "VertexRecord",
    "stage_report",
]

_SCRATCH = "scratch"
_LAYER_KEYWORDS = ("RUN", "COPY", "ADD")


@dataclass(frozen=True, slots=True)
class StepReport:
    """One instruction of a stage.

    Attributes:
        line: in the Dockerfile, from 1.
        text: the instruction on one line.
        seconds: how long it ran; None where it did not run by itself.
        cached: whether it came from the build cache; None where it did not run.
        size: bytes of the layer it made; None without one, or where that is not known.
    """

    line: int
    text: str
    seconds: float | None = None
    cached: bool | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage.

    Attributes:
        index: position in the Dockerfile, from 0.
        name: its alias, or its number.
        base: the image or the stage that it starts from, or `scratch`.
        target: whether it is the one that was built for.
        needed: whether the target needs it, or is it.
        built: whether the engine worked on it.
        size: bytes of its image; None where it was not built or that is not known.
        seconds: how long its steps ran, those at the same time counted once; None without steps.
        cached: whether all of them came from the cache; None without steps.
        base_size: bytes of it that its base has; None where that is not known.
        copied_out: bytes that needed stages copy out of it; None where that is not known.
        left_behind: bytes of it that go nowhere; None where that is not known.
        base_of: names of the needed stages that start from it.
        steps: its FROM and what follows.
    """

    index: int
    name: str
    base: str
    target: bool
    needed: bool
    built: bool
    size: int | None
    seconds: float | None
    cached: bool | None
    base_size: int | None
    copied_out: int | None
    left_behind: int | None
    base_of: tuple[str, ...]
    steps: tuple[StepReport, ...]


@dataclass(frozen=True, slots=True)
class EdgeReport:
    """Something that a stage takes from a stage or an image.

    Attributes:
        source: name of the stage, or of the image.
        source_stage: index of the stage; None for an image.
        target: name of the stage that takes it.
        target_stage: its index.
        kind: `FROM`, `COPY`, or `mount`, which is `RUN --mount=from=`.
        what: paths, as written; "" for a FROM.
        destination: as written; "" for a FROM.
        bytes: of the layer that a COPY made; None for others, or where that is not known.
        line: of the instruction.
        needed: whether the target needs it.
    """

    source: str
    source_stage: int | None
    target: str
    target_stage: int
    kind: str
    what: str
    destination: str
    bytes: int | None
    line: int
    needed: bool


@dataclass(frozen=True, slots=True)
class StagesReport:
    """All stages of a build.

    Attributes:
        stages: in the order written.
        edges: by target, then as written.
        images: bytes of the images that stages take from, by name; None where not known.
        notes: what could not be found out, for people.
    """

    stages: tuple[StageReport, ...]
    edges: tuple[EdgeReport, ...]
    images: Mapping[str, int | None]
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> StageReport:
        """The stage that was built for."""
        return next(stage for stage in self.stages if stage.target)


class VertexRecord:
    """The latest state of every step of a build; give it all events."""

    def __init__(self) -> None:
        self._vertices: dict[str, Vertex] = {}

    def __call__(self, event: EngineEvent) -> None:
        """Take one event."""
        if isinstance(event, Vertex):
            self._vertices[event.digest] = event

    def of(self, graph: StageGraph, index: int) -> list[Vertex]:
        """The steps of a stage."""
        return [v for v in self._vertices.values() if _stage_of(graph.stages, v) == index]

    def layer_size(self, line: int) -> int | None:
        """Bytes of the layer that the instruction on a line made."""
        sizes = [v.layer_size for v in self._vertices.values() if v.line == line]
        return next((size for size in sizes if size is not None), None)


def _stage_of(stages: Sequence[Stage], vertex: Vertex) -> int | None:
    """By its line, since two stages may bear one name; else by its name."""
    if vertex.line:
        before = [stage.index for stage in stages if stage.line <= vertex.line]
        return before[-1] if before else None
    return next((s.index for s in stages if vertex.stage == _name(s)), None)


def stage_report(
    text: str,
    graph: StageGraph,
    record: VertexRecord,
    sizes: Mapping[int, int],
    layers: VertexRecord,
    *,
    notes: Iterable[str] = (),
) -> StagesReport:
    """Put it together; an image's size is known from the stages that start from it, if any do.

    Args:
        text: the Dockerfile.
        graph: its stages.
        record: what the build said of its steps.
        sizes: bytes of the stages' images, by index.
        layers: what later builds of the stages said, which can know more layers' sizes.
        notes: what could not be found out.
    """
    records = (record, layers)
    edges = tuple(edge for stage in graph.stages for edge in _edges(graph, stage, records))
    lines = text.split("\n")
    stages = tuple(
        _stage(graph, stage, lines[stage.line - 1], records, sizes.get(stage.index), edges)
        for stage in graph.stages
    )
    images: dict[str, int | None] = {}
    for edge in edges:
        if edge.source_stage is None and images.get(edge.source) is None:
            found = stages[edge.target_stage].base_size if edge.kind == "FROM" else None
            images[edge.source] = found
    return StagesReport(stages, edges, images, tuple(notes))


def _layer_size(records: Sequence[VertexRecord], line: int) -> int | None:
    sizes = [record.layer_size(line) for record in records]
    return next((size for size in sizes if size is not None), None)


def _name(stage: Stage) -> str:
    return stage.name or str(stage.index)


def _edges(
    graph: StageGraph, stage: Stage, records: Sequence[VertexRecord]
) -> Iterator[EdgeReport]:
    target, needed = _name(stage), stage.index in graph.needed

    def edge(
        source: str, index: int | None, kind: str, line: int, what: str = "", to: str = ""
    ) -> EdgeReport:
        name = source if index is None else _name(graph.stages[index])
        size = _layer_size(records, line) if kind == "COPY" and line != stage.line else None
        return EdgeReport(name, index, target, stage.index, kind, what, to, size, line, needed)

    if stage.base != _SCRATCH or stage.base_stage is not None:
        yield edge(stage.base, stage.base_stage, "FROM", stage.line)
    for line, instruction in _done(graph, stage):
        if isinstance(instruction, Copy) and instruction.from_stage:
            source = instruction.from_stage
            yield edge(
                source,
                graph.find(source, index=stage.index),
                "COPY",
                line,
                " ".join(instruction.sources),
                instruction.destination,
            )
        elif isinstance(instruction, Run):
            for source, path, place in _mounts(instruction):
                found = graph.find(source, index=stage.index)
                yield edge(source, found, "mount", line, path, place)


def _done(graph: StageGraph, stage: Stage) -> Iterator[tuple[int, Instruction]]:
    """What a stage does and on which line, first what the stage it starts from tells it to."""
    if stage.base_stage is not None:
        for instruction in graph.stages[stage.base_stage].instructions:
            if isinstance(instruction, Onbuild):
                yield stage.line, instruction.parsed
    for instruction in stage.instructions:
        yield instruction.line, instruction


def _mounts(run: Run) -> Iterator[tuple[str, str, str]]:
    """Where each `--mount` comes from, with its path there and here."""
    for flag, value in run.flags:
        fields = next(csv.reader([value]), []) if flag == "mount" else []
        pairs = {key.lower(): given for key, _, given in (f.partition("=") for f in fields)}
        if source := pairs.get("from"):
            place = pairs.get("target") or pairs.get("dst") or pairs.get("destination", "")
            yield source, pairs.get("source") or pairs.get("src", "/"), place


def _stage(
    graph: StageGraph,
    stage: Stage,
    start: str,
    records: Sequence[VertexRecord],
    size: int | None,
    edges: Sequence[EdgeReport],
) -> StageReport:
    vertices = records[0].of(graph, stage.index)
    ran = [vertex for vertex in vertices if vertex.started is not None or vertex.cached]
    steps = [vertex for vertex in ran if vertex.line != stage.line] or ran
    out = [edge for edge in edges if edge.source_stage == stage.index and edge.needed]
    base_of = tuple(edge.target for edge in out if edge.kind == "FROM")
    copied = _copied(edge for edge in out if edge.kind == "COPY")
    target, needed = stage.index == graph.target, stage.index in graph.needed
    left: int | None = None
    if target or base_of:
        left = 0
    elif size is not None and copied is not None:
        left = max(0, size - copied)
    shown = [(stage.line, start.strip()), *((i.line, i.text) for i in stage.instructions)]
    instructions = tuple(_step(line, words, ran, records) for line, words in shown)
    return StageReport(
        index=stage.index,
        name=_name(stage),
        base=stage.base if stage.base_stage is None else _name(graph.stages[stage.base_stage]),
        target=target,
        needed=needed,
        built=bool(ran) or needed,
        size=size,
        seconds=_seconds(ran) if ran else None,
        cached=all(vertex.cached for vertex in steps) if steps else None,
        base_size=None if size is None else _base_size(size, instructions),
        copied_out=copied if needed else None,
        left_behind=left if needed else None,
        base_of=base_of,
        steps=instructions,
    )


def _step(
    line: int, text: str, ran: Sequence[Vertex], records: Sequence[VertexRecord]
) -> StepReport:
    own = [vertex for vertex in ran if vertex.line == line]
    if not own:
        return StepReport(line, text)
    cached = all(vertex.cached for vertex in own)
    return StepReport(line, text, _seconds(own), cached, _layer_size(records, line))


def _base_size(size: int, instructions: Sequence[StepReport]) -> int | None:
    """What is left of a stage's size without its own layers."""
    own = 0
    for step in instructions:
        if step.size is None and step.text.partition(" ")[0] in _LAYER_KEYWORDS:
            return None
        own += step.size or 0
    return size - own


def _copied(edges: Iterable[EdgeReport]) -> int | None:
    """Bytes of all; paths that several stages copy count once."""
    sizes: dict[str, int] = {}
    for edge in edges:
        if edge.bytes is None:
            return None
        sizes[edge.what] = max(edge.bytes, sizes.get(edge.what, 0))
    return sum(sizes.values())


def _seconds(vertices: Iterable[Vertex]) -> float:
    """How long at least one of them ran."""
    spans = sorted((v.started, v.completed) for v in vertices if v.started and v.completed)
    total, until = 0.0, 0.0
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
