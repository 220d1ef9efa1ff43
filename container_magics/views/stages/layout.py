"""Where the stages of a build stand in a picture, and how the arrows between them run.

A layered drawing, left to right, after Sugiyama and others: ranks by the longest path; in each
rank an order with few crossings; heights near the neighbours'. Between two ranks there is a
column for what is written at the arrows, so that it never lies on anything; an arrow that skips
a rank has a lane of its own there. Units are pixels of a screen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from ...analysis.stage_report import EdgeReport, StageReport, StagesReport

__all__ = ["Box", "Layout", "Line", "Point", "lay_out"]

Point = tuple[float, float]

STAGE_SIZE = (192.0, 96.0)
IMAGE_SIZE = (150.0, 46.0)
LABEL_SIZE = (130.0, 38.0)
_LANE = 10.0
_BEND = 28.0
_GAP = 20.0
_MARGIN = 11.0
_SWEEPS = 12
_FAR = 2
_WEIGHT_OF_IMAGE = 0.01


@dataclass(frozen=True, slots=True)
class Box:
    """A stage or an image.

    Attributes:
        key: identifies it.
        stage: the stage, or None for an image.
        name: its name.
        x, y: of its upper left corner.
        width, height: its size.
        rank: its column, from 0.
        needed: whether the target needs it.
    """

    key: str
    stage: StageReport | None
    name: str
    x: float
    y: float
    width: float
    height: float
    rank: int
    needed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """An arrow: all that one box takes from another in one way.

    Attributes:
        source, target: keys of the boxes.
        edges: what is taken.
        points: the way: from each point at an even place to the next a curve that begins and
            ends level, from one at an odd place to the next a straight line.
        label: the middle of the place for words at it; None for a FROM.
    """

    source: str
    target: str
    edges: tuple[EdgeReport, ...]
    points: tuple[Point, ...]
    label: Point | None

    @property
    def kind(self) -> str:
        """`FROM`, `COPY` or `mount`."""
        return self.edges[0].kind

    @property
    def needed(self) -> bool:
        """Whether the target needs it."""
        return self.edges[0].needed


@dataclass(frozen=True, slots=True)
class Layout:
    """The picture: its size, its boxes by rank and height, its arrows."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@dataclass(slots=True, eq=False)
class _Item:
    """What takes room in a column: a box, or the lane of an arrow.

    What is `of_image` gives way to stages.
    """

    key: str
    column: int
    width: float
    height: float
    of_image: bool
    before: list[_Item] = field(default_factory=list)
    after: list[_Item] = field(default_factory=list)
    y: float = 0.0


def lay_out(report: StagesReport) -> Layout:
    """Place everything."""
    ranks = _stage_ranks(report)
    sources = _sources(report, ranks)
    groups: dict[tuple[str, str, str], list[EdgeReport]] = defaultdict(list)
    for edge, source in zip(report.edges, sources, strict=True):
        groups[source, _stage_key(edge.target_stage), edge.kind].append(edge)
    users: dict[str, list[int]] = defaultdict(list)
    for source, target, _ in groups:
        users[source].append(ranks[target])
    takers = {target for _, target, _ in groups}
    for key, ranks_of_users in users.items():
        if key not in takers:
            ranks[key] = min(ranks_of_users) - 1
    images = {
        source: edge.source
        for edge, source in zip(report.edges, sources, strict=True)
        if edge.source_stage is None
    }
    items = {
        key: _Item(key, 2 * rank, *(IMAGE_SIZE if key in images else STAGE_SIZE), key in images)
        for key, rank in ranks.items()
    }
    ways = {group: _way(items, group) for group in groups}
    columns: dict[int, list[_Item]] = defaultdict(list)
    for item in [*items.values(), *(lane for way in ways.values() for lane in way)]:
        columns[item.column].append(item)
    ordered = [columns[at] for at in range(max(columns) + 1)]
    _order(ordered)
    _place(ordered)
    lefts, widths = _columns(ordered)
    stages = {_stage_key(stage.index): stage for stage in report.stages}
    needed = {source for (source, _, _), edges in groups.items() if edges[0].needed}
    boxes = []
    for item in sorted(items.values(), key=lambda item: (item.column, item.y)):
        stage = stages.get(item.key)
        boxes.append(
            Box(
                item.key,
                stage,
                stage.name if stage else images[item.key],
                lefts[item.column] + widths[item.column] - item.width,
                item.y - item.height / 2,
                item.width,
                item.height,
                ranks[item.key],
                stage.needed if stage else item.key in needed,
            )
        )
    lines = _lines(groups, ways, {box.key: box for box in boxes}, lefts, widths)
    bottom = max(item.y + item.height / 2 for column in ordered for item in column)
    return Layout(lefts[-1] + widths[-1] + _MARGIN, bottom + _MARGIN, tuple(boxes), tuple(lines))


def _stage_key(index: int) -> str:
    return f"stage {index}"


def _stage_ranks(report: StagesReport) -> dict[str, int]:
    """By the longest way to each; an image is a step of it."""
    ranks = {_stage_key(stage.index): 0 for stage in report.stages}
    for _ in report.stages:
        for edge in report.edges:
            key, source = _stage_key(edge.target_stage), edge.source_stage
            ranks[key] = max(ranks[key], 1 + (0 if source is None else ranks[_stage_key(source)]))
    return ranks


def _sources(report: StagesReport, ranks: Mapping[str, int]) -> list[str]:
    """The box that each edge comes from: an image has another one for users far to the right."""
    edges = report.edges
    sources = ["" if e.source_stage is None else _stage_key(e.source_stage) for e in edges]
    latest: dict[str, int] = {}
    for rank, at in sorted((ranks[_stage_key(e.target_stage)], at) for at, e in enumerate(edges)):
        if not sources[at]:
            name = edges[at].source
            if rank > latest.get(name, -_FAR) + _FAR - 1:
                latest[name] = rank
            sources[at] = f"image {latest[name]} {name}"
    return sources


def _way(items: Mapping[str, _Item], group: tuple[str, str, str]) -> list[_Item]:
    """The lanes of an arrow, one in each column between its ends."""
    source, target, kind = group
    first, last = items[source].column + 1, items[target].column - 1
    lanes = [
        _Item("", column, 0.0, _LANE, items[source].of_image) for column in range(first, last + 1)
    ]
    if kind != "FROM":
        lanes[-1].width, lanes[-1].height = LABEL_SIZE
    for left, right in pairwise([items[source], *lanes, items[target]]):
        left.after.append(right)
        right.before.append(left)
    return lanes


def _order(columns: Sequence[list[_Item]]) -> None:
    """Sort each column by the middle of its neighbours, to and fro."""
    at = {item: float(number) for column in columns for number, item in enumerate(column)}
    for sweep in range(_SWEEPS):
        onward = sweep % 2 == 0
        for column in columns if onward else reversed(columns):
            middles = {
                item: _mean([at[other] for other in (item.before if onward else item.after)])
                for item in column
            }
            column.sort(key=lambda item: at[item] if (m := middles[item]) is None else m)
            at.update((item, float(number)) for number, item in enumerate(column))


def _place(columns: Sequence[Sequence[_Item]]) -> None:
    """Give each item a height as near to its neighbours' as the order allows."""
    for column in columns:
        _settle(column, [0.0] * len(column))
    for sweep in range(_SWEEPS):
        onward = sweep % 2 == 1
        for column in columns if onward else reversed(columns):
            wanted = []
            for item in column:
                near = item.before if onward else item.after
                near = [other for other in near if not other.of_image] or near
                middle = _mean([other.y for other in near])
                wanted.append(item.y if middle is None else middle)
            _settle(column, wanted)
    top = min(item.y - item.height / 2 for column in columns for item in column)
    for column in columns:
        for item in column:
            item.y += _MARGIN - top


def _settle(column: Sequence[_Item], wanted: Sequence[float]) -> None:
    """The heights nearest to those wanted that keep order and distance (isotonic regression)."""
    steps = [(a.height + b.height) / 2 + _GAP for a, b in pairwise(column)]
    offsets = list(accumulate(steps, initial=0.0))[: len(column)]
    blocks: list[tuple[float, float, int]] = []  # sum of heights by weight, weight, items
    for item, height, offset in zip(column, wanted, offsets, strict=True):
        weight, count = _WEIGHT_OF_IMAGE if item.of_image else 1.0, 1
        total = weight * (height - offset)
        while blocks and blocks[-1][0] / blocks[-1][1] > total / weight:
            before = blocks.pop()
            total, weight, count = total + before[0], weight + before[1], count + before[2]
        blocks.append((total, weight, count))
    levels = [total / weight for total, weight, count in blocks for _ in range(count)]
    for item, level, offset in zip(column, levels, offsets, strict=True):
        item.y = level + offset


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _columns(columns: Sequence[Sequence[_Item]]) -> tuple[list[float], list[float]]:
    """Left ends and widths; arrows bend on both sides of a column between ranks."""
    lefts, widths, x = [], [], _MARGIN
    for number, column in enumerate(columns):
        bend = _BEND if number % 2 else 0.0
        width = max((item.width for item in column), default=0.0)
        lefts.append(x + bend)
        widths.append(width)
        x += width + 2 * bend
    return lefts, widths


def _lines(
    groups: Mapping[tuple[str, str, str], Sequence[EdgeReport]],
    ways: Mapping[tuple[str, str, str], Sequence[_Item]],
    boxes: Mapping[str, Box],
    lefts: Sequence[float],
    widths: Sequence[float],
) -> list[Line]:
    """The arrows; those that meet at a box keep apart there."""
    outgoing, incoming = defaultdict(list), defaultdict(list)
    for group, way in ways.items():
        outgoing[group[0]].append((way[0].y, group))
        incoming[group[1]].append((way[-1].y, group))
    starts = _ports(outgoing, boxes)
    ends = _ports(incoming, boxes)
    lines = []
    for group, edges in groups.items():
        source, target = boxes[group[0]], boxes[group[1]]
        points = [(source.x + source.width, starts[group])]
        for lane in ways[group]:
            left, width = lefts[lane.column], widths[lane.column]
            if width:
                points += [(left, lane.y), (left + width, lane.y)]
        points.append((target.x, ends[group]))
        last = ways[group][-1]
        middle = (lefts[last.column] + widths[last.column] / 2, last.y)
        label = middle if group[2] != "FROM" else None
        lines.append(Line(source.key, target.key, tuple(edges), tuple(points), label))
    return lines


def _ports(
    ends: Mapping[str, list[tuple[float, tuple[str, str, str]]]], boxes: Mapping[str, Box]
) -> dict[tuple[str, str, str], float]:
    ports = {}
    for key, groups in ends.items():
        box = boxes[key]
        for number, (_, group) in enumerate(sorted(groups), 1):
            ports[group] = box.y + box.height * number / (len(groups) + 1)
    return ports
