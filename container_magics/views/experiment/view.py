"""Variants of a Dockerfile held against each other: do they do the same, and what do they cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...analysis.experiment import Trial, differing
from ..compare.view import CompareView
from ..table import Column, Table
from ..text import visible
from ..units import human_size, seconds
from ..widget import LiveView
from .html import trials_html, verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ExperimentView"]

_SHOWN_OUTPUT = 2000
_LABEL = 60


class ExperimentView(LiveView):
    """The variants of one experiment.

    Attributes:
        trials: what was measured of each variant.
        comparison: the images compared.
        differing: the variants that do not do the same, each with what is wrong.
    """

    front_end_module = "experiment"
    invitation = "look into the variants, change the scale, the bandwidth, N and M"

    def __init__(
        self, trials: Sequence[Trial], comparison: CompareView, expect: str | None = None
    ) -> None:
        self.trials = list(trials)
        self.comparison = comparison
        self.differing = differing(self.trials, expect)

    def table(self) -> Table:
        """A row for each variant: its image, times, and whether it does the same."""
        columns = [
            Column("name", "VARIANT", lambda text: visible(text, _LABEL)),
            Column("size", "SIZE", human_size, numeric=True),
            Column("layers", "LAYERS", numeric=True),
            Column("cold", "COLD BUILD", seconds, numeric=True),
            Column("warm", "WARM BUILD", seconds, numeric=True),
            Column("same", "OUTPUT", lambda same: "the same" if same else "DIFFERS"),
            Column("returncode", "EXIT", numeric=True),
            Column("image", "IMAGE", lambda text: visible(text, _LABEL)),
        ]
        rows = [
            {
                "name": trial.name,
                "size": trial.image.size,
                "layers": len(trial.image.layers),
                "cold": trial.cold,
                "warm": trial.warm,
                "same": trial.name not in self.differing,
                "returncode": trial.returncode,
                "image": trial.image.names[0] if trial.image.names else trial.image.id,
            }
            for trial in self.trials
        ]
        return Table(columns, rows)

    def frame(self) -> pd.DataFrame:
        """A row for each variant: bytes, seconds, whether it does the same, and what it costs."""
        compared = self.comparison.frame().drop(columns=["size", "layers"]).set_index("name")
        frame: pd.DataFrame = self.table().frame().join(compared, on="name")
        return frame

    def figure(self) -> Figure:
        """Sizes and build times side by side; a new matplotlib figure of no pyplot state."""
        from .figure import experiment_figure

        return experiment_figure(self.trials)

    def __str__(self) -> str:
        text = "\n".join(verdict(self.trials, self.differing))
        return f"{self.table()}\n{text}\n\n{self.comparison}"

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return trials_html(self.trials, self.differing) + self.comparison.static_html()

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return {
            "verdict": verdict(self.trials, self.differing),
            "same": not (self.differing or self.trials[0].returncode),
            "trials": [
                {
                    "name": visible(trial.name, _LABEL),
                    "size": trial.image.size,
                    "layers": len(trial.image.layers),
                    "cold": trial.cold,
                    "warm": trial.warm,
                    "again": trial.again,
                    "wrong": visible(self.differing.get(trial.name, "")),
                    "returncode": trial.returncode,
                    "output": _lines(trial.stdout + trial.stderr),
                    "dockerfile": _lines(trial.dockerfile.encode()),
                    "standIn": visible(trial.image.summary.stand_in_for),
                }
                for trial in self.trials
            ],
            "comparison": self.comparison.start(),
        }

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return self.comparison.questions()


def _lines(data: bytes) -> str:
    text = data[:_SHOWN_OUTPUT].decode("utf-8", "replace")
    more = "\n…" if len(data) > _SHOWN_OUTPUT else ""
    return "\n".join(visible(line, 500) for line in text.split("\n")) + more
