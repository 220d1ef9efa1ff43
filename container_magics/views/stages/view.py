"""The stages of a build as a graph: bases, sizes, times, and what goes from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...analysis.stage_report import StageReport, StagesReport
from ..table import Column, Table
from ..text import visible
from ..units import human_size, seconds
from ..widget import LiveView
from .html import stages_html
from .layout import Box, Layout, Line, lay_out
from .words import KINDS, LEGEND, fate, label, measures, size_text, summary, taken, time_text, title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["StagesView"]

_INSTRUCTION = 300


class StagesView(LiveView):
    """The stages of one build.

    Attributes:
        report: the stages and what they take from each other.
        name: what the image is called.
    """

    front_end_module = "stages"
    invitation = "choose a stage and see its instructions and copies"

    def __init__(self, report: StagesReport, name: str) -> None:
        self.report = report
        self.name = name

    # --- values ---

    def table(self) -> Table:
        """A row for each stage, in the order written."""
        columns = [
            Column("stage", "STAGE"),
            Column("base", "BASE"),
            Column("needed", "NEEDED", lambda needed: "yes" if needed else "no"),
            Column("size", "SIZE", _maybe, numeric=True),
            Column("time", "TIME", numeric=True),
            Column("copied_out", "COPIED OUT", _maybe, numeric=True),
            Column("left_behind", "LEFT BEHIND", _maybe, numeric=True),
        ]
        rows = [
            {
                "stage": stage.name,
                "base": stage.base,
                "needed": stage.needed,
                "size": stage.size,
                "time": time_text(stage) if stage.built else "not built",
                "seconds": stage.seconds,
                "cached": stage.cached,
                "copied_out": stage.copied_out,
                "left_behind": stage.left_behind,
            }
            for stage in self.report.stages
        ]
        return Table(columns, rows)

    def edges(self) -> Table:
        """A row for each thing that a stage takes from a stage or an image."""
        columns = [
            Column("source", "OUT OF"),
            Column("target", "INTO"),
            Column("kind", "BY", KINDS.__getitem__),
            Column("what", "WHAT", limit=200),
            Column("bytes", "BYTES", _maybe, numeric=True),
        ]
        rows = [
            {
                "source": edge.source,
                "target": edge.target,
                "kind": edge.kind,
                "what": taken(edge),
                "bytes": edge.bytes,
            }
            for edge in self.report.edges
        ]
        return Table(columns, rows)

    def frame(self) -> pd.DataFrame:
        """A row for each stage; sizes in bytes, missing where a stage was not built."""
        import pandas as pd

        keys = ["stage", "base", "needed", "size", "seconds", "cached", "copied_out", "left_behind"]
        rows = [{key: row[key] for key in keys} for row in self.table()]
        types = {"seconds": "Float64", "cached": "boolean"}
        types.update(dict.fromkeys(("size", "copied_out", "left_behind"), "Int64"))
        frame: pd.DataFrame = pd.DataFrame(rows, columns=keys).astype(types)
        return frame

    def edges_frame(self) -> pd.DataFrame:
        """A row for each thing that a stage takes: source, target, kind, what, bytes."""
        frame: pd.DataFrame = self.edges().frame().astype({"bytes": "Int64"})
        return frame

    def figure(self) -> Figure:
        """The graph; a new matplotlib figure of no pyplot state."""
        from .figure import stages_figure

        return stages_figure(self.name, self.report)

    # --- forms ---

    def __str__(self) -> str:
        pairs = ", ".join(f"{name}: {value}" for name, value in summary(self.report))
        notes = "".join(f"\n{visible(note)}" for note in self.report.notes)
        text = f"Stages of {visible(self.name)}. {pairs}{notes}\n{self.table()}"
        return f"{text}\n\n{self.edges()}" if self.report.edges else text

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return stages_html(self.name, self.report, self.table(), self.edges())

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        layout = lay_out(self.report)
        largest = max((stage.size or 0 for stage in self.report.stages), default=0)
        return {
            "name": visible(self.name),
            "facts": summary(self.report),
            "notes": [visible(note) for note in self.report.notes],
            "legend": LEGEND,
            "kinds": [
                (kind, words)
                for kind, words in KINDS.items()
                if any(edge.kind == kind for edge in self.report.edges)
            ],
            "width": layout.width,
            "height": layout.height,
            "boxes": [self._box(box, largest) for box in layout.boxes],
            "lines": [_line(line, layout) for line in layout.lines],
        }

    def _box(self, box: Box, largest: int) -> dict[str, Any]:
        stage = box.stage
        place = {
            "key": box.key,
            "name": _name(box),
            "heading": f"Stage {stage.name}" if stage else f"Image {visible(box.name)}",
            "at": [round(box.x), round(box.y), box.width, box.height],
            "rank": box.rank,
            "needed": box.needed,
        }
        if stage is None:
            words = size_text(self.report.images.get(box.name))
            return {**place, "words": [f"image, {words}"], "facts": [("Size", words)], "steps": []}
        size = stage.size or 0
        return {
            **place,
            "target": stage.target,
            "base": f"FROM {visible(stage.base)}",
            "words": [measures(stage), fate(stage)],
            "share": size / largest if largest else 0,
            "goes": (size - (stage.left_behind or 0)) / size if size else 0,
            "facts": _facts(stage),
            "steps": [
                {
                    "line": step.line,
                    "text": visible(step.text, _INSTRUCTION),
                    "time": ""
                    if step.seconds is None
                    else "from cache"
                    if step.cached
                    else seconds(step.seconds),
                    "size": "" if step.size is None else human_size(step.size),
                }
                for step in stage.steps
            ],
        }


def _maybe(size: int | None) -> str:
    return "" if size is None else human_size(size)


def _name(box: Box) -> str:
    return visible(box.name) if box.stage is None else title(box.name)


def _facts(stage: StageReport) -> list[tuple[str, str]]:
    if not stage.built:
        return [("Base", visible(stage.base)), ("Built", f"no: {fate(stage)}")]
    facts = [
        ("Base", visible(stage.base)),
        ("Size", size_text(stage.size)),
        ("Time", time_text(stage)),
    ]
    if stage.needed and not stage.target:
        facts.append(("Copied out", size_text(stage.copied_out)))
        facts.append(("Left behind", size_text(stage.left_behind)))
    return facts


def _line(line: Line, layout: Layout) -> dict[str, Any]:
    names = {box.key: _name(box) for box in layout.boxes}
    what, detail = label(line)
    return {
        "from": line.source,
        "to": line.target,
        "kind": line.kind,
        "needed": line.needed,
        "points": [[round(x, 1), round(y, 1)] for x, y in line.points],
        "label": [round(line.label[0]), round(line.label[1])] if line.label else None,
        "what": what,
        "detail": detail,
        "source": names[line.source],
        "target": names[line.target],
        "takes": [
            {
                "line": edge.line,
                "what": taken(edge),
                "size": _maybe(edge.bytes),
            }
            for edge in line.edges
        ],
    }
