"""What containers use, sampled over time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...engines.base import Engine
from ...engines.containers import Container
from ...errors import ConflictError, ContainerMagicsError, NotFoundError
from ..sampling import INTERVAL_SECONDS, LOOK_SECONDS, Meter, Sample, Watch
from ..table import Column, Table
from ..text import visible
from ..units import binary_size
from ..widget import LiveView, Page
from .html import stats_html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["StatsView"]

_KEPT = 3600
_LATEST = 600
_REDRAW = 10.0
_NAME = 60


class StatsView(LiveView):
    """The use of processors and memory by some containers, over time.

    Either `measure` takes samples, or the live view does, once a second for as long as it is in a
    page. The last 3600 of each container are kept.

    Args:
        engine: has the containers.
        containers: whose use is sampled; they need not run.
    """

    front_end_module = "stats"
    invitation = "watch them on"
    changes = True

    def __init__(self, engine: Engine, containers: Sequence[Container]) -> None:
        self._engine = engine
        self._meters = {each.id: (each.name, Meter(_KEPT)) for each in containers}
        self._measured = False
        self._failure = ""
        self._pages: list[Page] = []
        self._drawn = 0.0
        self._watch = Watch(self._refresh, self._unwatched)

    @property
    def busy(self) -> bool:  # type: ignore[override]
        """See `LiveView.busy`."""
        return self._watch.running

    def measure(self, samples: int) -> None:
        """Take so many samples of each, one a second, and no more from then on.

        Raises:
            EngineUnavailableError: the engine does not answer.
        """
        self._measured = True
        self._sample()
        for _ in range(samples):
            time.sleep(INTERVAL_SECONDS)
            self._sample()

    def close(self) -> None:
        """Sample no more."""
        self._watch.close()

    # --- values ---

    def samples(self) -> dict[str, list[Sample]]:
        """All that are kept, oldest first, by the container's name."""
        return {name: list(meter.samples) for name, meter in self._meters.values()}

    def frame(self) -> pd.DataFrame:
        """A row for each sample: time (UTC), container, CPU in percent of one, memory in bytes."""
        import pandas as pd

        rows = [
            (sample.time, name, sample.cpu, sample.memory, sample.memory_limit, sample.pids)
            for name, samples in self.samples().items()
            for sample in samples
        ]
        columns = ["time", "container", "cpu", "memory", "memory_limit", "pids"]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        frame["time"] = pd.to_datetime(frame["time"], unit="s", utc=True)
        return frame

    def figure(self) -> Figure:
        """Both over time; a new matplotlib figure of no pyplot state."""
        from .figure import stats_figure

        return stats_figure(self.samples())

    def table(self) -> Table:
        """A row for each container: how often it was sampled, its latest use, and the most."""
        columns = [
            Column("container", "CONTAINER", lambda name: visible(name, _NAME)),
            Column("samples", "SAMPLES", numeric=True),
            Column("cpu", "CPU %", _percent, numeric=True),
            Column("cpu_most", "AT MOST", _percent, numeric=True),
            Column("memory", "MEMORY", _memory, numeric=True),
            Column("memory_most", "AT MOST", _memory, numeric=True),
        ]
        rows = [
            {
                "container": name,
                "samples": len(samples),
                "cpu": samples[-1].cpu if samples else None,
                "cpu_most": max((each.cpu for each in samples), default=None),
                "memory": samples[-1].memory if samples else None,
                "memory_most": max((each.memory for each in samples), default=None),
            }
            for name, samples in self.samples().items()
        ]
        return Table(columns, rows)

    def _title(self) -> str:
        names = ", ".join(visible(name, _NAME) for name, _ in self._meters.values())
        return f"Use of processors and memory: {names}"

    # --- forms ---

    def __str__(self) -> str:
        return str(self.table())

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        figure = self.figure() if any(self.samples().values()) else None
        return stats_html(self._title(), figure, self.table())

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return {
            "title": self._title(),
            "lookSeconds": LOOK_SECONDS,
            "keptSamples": _LATEST,
            "live": not self._measured,
            "containers": [
                {"id": key, "name": visible(name, _NAME)} for key, (name, _) in self._meters.items()
            ],
        }

    def shown(self, page: Page) -> None:
        """See `LiveView.shown`."""
        self._pages.append(page)

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "look": self._answer_look,
            "leave": self._watch.leave,
            "samples": lambda: {
                key: _points(list(meter.samples)[-_LATEST:])
                for key, (_, meter) in self._meters.items()
            },
        }

    def _answer_look(self, who: str) -> None:
        if not self._measured:
            self._watch.look(who)

    # --- sampling ---

    def _sample(self) -> None:
        for key, (_, meter) in self._meters.items():
            try:
                meter.take(self._engine.usage(key))
            except (NotFoundError, ConflictError):
                meter.pause()  # It does not run.

    def _refresh(self) -> None:
        try:
            self._sample()
            self._failure = ""
        except ContainerMagicsError as error:
            self._failure = str(error)
        message = {
            "samples": {
                key: _points(list(meter.samples)[-1:]) for key, (_, meter) in self._meters.items()
            },
            "failure": [visible(line, 500) for line in self._failure.splitlines()],
        }
        for page in self._pages:
            page.send(message)
        if time.monotonic() - self._drawn > _REDRAW:
            self._redraw()

    def _unwatched(self) -> None:
        for _, meter in self._meters.values():
            meter.pause()
        self._redraw()

    def _redraw(self) -> None:
        self._drawn = time.monotonic()
        for page in self._pages:
            page.redraw()


def _points(samples: Sequence[Sample]) -> list[list[float]]:
    return [[round(each.time, 2), round(each.cpu, 2), each.memory] for each in samples]


def _percent(value: float | None) -> str:
    return "\N{EN DASH}" if value is None else f"{value:.2f}%"


def _memory(value: int | None) -> str:
    return "\N{EN DASH}" if value is None else binary_size(value)
