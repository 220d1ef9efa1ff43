"""What is written at the stages and the arrows of a build, the same in every form."""

from __future__ import annotations

from ...analysis.stage_report import EdgeReport, StageReport, StagesReport
from ..text import visible
from ..units import human_size, seconds
from .layout import Line

__all__ = [
    "KINDS",
    "LEGEND",
    "fate",
    "label",
    "measures",
    "size_text",
    "summary",
    "taken",
    "time_text",
    "title",
]

LEGEND = (
    "A stage that others copy from leaves behind its size less what was copied out of it. "
    "The target leaves nothing, nor does a stage that another one starts FROM: it goes on whole."
)
KINDS = {"FROM": "FROM", "COPY": "COPY --from", "mount": "RUN --mount=from"}
"""How each kind of arrow is written in a Dockerfile."""

_UNKNOWN = "not known"
_WHAT = 60


def size_text(size: int | None) -> str:
    """Bytes, or that they are not known."""
    return _UNKNOWN if size is None else human_size(size)


def title(name: str) -> str:
    """What to call a stage: the name of one without a name is its number."""
    return f"stage {name}" if name.isdecimal() else name


def time_text(stage: StageReport) -> str:
    """How long a stage took."""
    if stage.seconds is None:
        return "no steps"
    return "from cache" if stage.cached else seconds(stage.seconds)


def measures(stage: StageReport) -> str:
    """Its size and its time."""
    if not stage.built:
        return "not built"
    if not stage.needed:
        return f"built all the same \N{MIDDLE DOT} {time_text(stage)}"
    if stage.size is None:
        return time_text(stage)
    return f"{human_size(stage.size)} \N{MIDDLE DOT} {time_text(stage)}"


def fate(stage: StageReport) -> str:
    """What becomes of it."""
    if not stage.needed:
        return "nothing the target needs"
    if stage.target:
        return "the image that was built"
    if stage.base_of:
        return f"goes on whole into {', '.join(map(title, stage.base_of))}"
    if stage.left_behind is None:
        return "left behind: not known"
    return f"leaves {human_size(stage.left_behind)} behind"


def label(line: Line) -> tuple[str, str]:
    """What an arrow carries: the first of it, and where it goes or how much it is in all."""
    first, others = line.edges[0], len(line.edges) - 1
    if line.kind == "FROM":
        return "", ""
    what = visible(first.what, _WHAT) + (f" +{others} more" if others else "")
    if line.kind == "mount":
        return what, "mounted" if others else f"mounted at {visible(first.destination, _WHAT)}"
    known = [edge.bytes for edge in line.edges if edge.bytes is not None]
    size = human_size(sum(known)) if len(known) == len(line.edges) else ""
    where = "" if others else f"to {visible(first.destination, _WHAT)}"
    return what, ", ".join(part for part in (size, where) if part)


def taken(edge: EdgeReport) -> str:
    """One thing that is taken, in full."""
    if edge.kind == "FROM":
        return "all of it"
    way = "mounted at" if edge.kind == "mount" else "to"
    return f"{visible(edge.what)} {way} {visible(edge.destination)}"


def summary(report: StagesReport) -> list[tuple[str, str]]:
    """Names and values that describe the whole build."""
    left = [stage.left_behind for stage in report.stages if stage.needed]
    known = [size for size in left if size is not None]
    unused = sum(not stage.needed for stage in report.stages)
    behind = human_size(sum(known)) if len(known) == len(left) else _UNKNOWN
    stages = str(len(report.stages)) + (f", {unused} of them not needed" if unused else "")
    return [("Image", size_text(report.target.size)), ("Stages", stages), ("Left behind", behind)]
