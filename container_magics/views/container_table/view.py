"""Containers in a table that lives: state, use of the machine, and buttons."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ...engines.base import Engine
from ...engines.containers import Container
from ...errors import ConflictError, ContainerMagicsError, NotFoundError, UsageError
from ..sampling import LOOK_SECONDS, Meter, Watch
from ..table import Table
from ..text import visible
from ..widget import LiveView, Page
from .actions import Actions
from .html import container_table_html
from .logs import LogFollower
from .rows import front_end_row, history, table_of
from .shells import Shells

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ContainersView"]

_KEPT_SECONDS = 60
_REDRAW = 3.0
_REDRAW_UNCHANGED = 30.0


class ContainersView(LiveView):
    """Containers as they are now, each with buttons.

    It is sampled once a second while somebody looks at it, in a thread, so that it goes on while a
    cell runs. A container that was in it stays when it stops, until it is removed.

    Args:
        engine: has the containers.
        every: also those that do not run, as `docker ps -a`.
        proxy: see `views.containers.ports_html`.

    Raises:
        EngineUnavailableError: the engine does not answer.
    """

    front_end_module = "container_table"
    invitation = "stop, start and look into containers"
    changes = True

    def __init__(self, engine: Engine, *, every: bool = False, proxy: str = "") -> None:
        self._engine = engine
        self._every = every
        self._proxy = proxy
        self._containers: Sequence[Container] = ()
        self._meters: dict[str, Meter] = {}
        self._moment = datetime.now(timezone.utc)
        self._failure = ""
        self._pages: list[Page] = []
        self._drawn = 0.0
        self._drawn_as: object = None
        self._logs: dict[str, LogFollower | None] = {}
        self._watch = Watch(self._refresh, self._unwatched)
        self._actions = Actions(self._tell)
        self._shells = Shells(engine, self._send)
        self._sample()

    @property
    def busy(self) -> bool:  # type: ignore[override]
        """See `LiveView.busy`."""
        return self._watch.running or self._shells.running

    def close(self) -> None:
        """Sample no more, and close logs and shells."""
        self._watch.close()
        self._end()

    # --- values ---

    def table(self) -> Table:
        """A row for each container, as it was when somebody last looked."""
        rows = [
            (each, meter.samples[-1] if each.running and meter.samples else None)
            for each, meter in self._metered()
        ]
        return table_of(rows, self._proxy)

    def frame(self) -> pd.DataFrame:
        """The same as a pandas data frame: CPU in percent of one processor, memory in bytes."""
        return self.table().frame()

    def __str__(self) -> str:
        return str(self.table())

    def static_html(self) -> str:
        """See `LiveView.static_html`."""
        return container_table_html(self._title(), self.table(), self._moment)

    def _title(self) -> str:
        return f"Containers on {self._engine.name}"

    def _metered(self) -> list[tuple[Container, Meter]]:
        return [(each, self._meters[each.id]) for each in self._containers]

    # --- the front end ---

    def start(self) -> Mapping[str, Any]:
        """See `LiveView.start`."""
        return {
            "title": visible(self._title()),
            "proxy": self._proxy,
            "lookSeconds": LOOK_SECONDS,
            "keptSeconds": _KEPT_SECONDS,
            **self._state(),
        }

    def shown(self, page: Page) -> None:
        """See `LiveView.shown`."""
        self._pages.append(page)

    def questions(self) -> Mapping[str, Callable[..., Any]]:
        """See `LiveView.questions`."""
        return {
            "look": self._answer_look,
            "state": self._answer_state,
            "leave": self._watch.leave,
            "act": self._answer_act,
            "dismiss": self._actions.dismiss,
            "logs": self._answer_logs,
            "shell": self._shells.answer,
            "closeShell": self._answer_close_shell,
            "end": self._end,
        }

    def _answer_look(self, who: str) -> None:
        self._watch.look(who)
        for container in [key for key, follower in self._logs.items() if follower is None]:
            self._follow(container)

    def _answer_state(self) -> Any:  # noqa: ANN401
        return {
            **self._state(),
            "history": {each.id: history(meter.samples) for each, meter in self._metered()},
            "followed": [each.state() for each in self._logs.values() if each is not None],
        }

    def _answer_act(self, container: str, verb: str, force: bool = False) -> None:
        engine = self._engine
        work: Mapping[str, Callable[[], object]] = {
            "start": lambda: engine.start(container),
            "stop": lambda: engine.stop(container),
            "restart": lambda: engine.restart(container),
            "unpause": lambda: engine.unpause(container),
            "remove": lambda: engine.remove_container(container, force=force),
            "shell": lambda: self._shells.start(engine.container(container)),
        }
        self._actions.begin(container, verb, work[verb])

    def _answer_logs(self, container: str, follow: bool) -> None:
        if container not in self._meters:
            raise UsageError(f"No such container: {container[:12]}")
        if follow:
            # The panel is there before its first lines.
            self._logs.setdefault(container, None)
            self._tell()
            self._follow(container)
            return
        if follower := self._logs.pop(container, None):
            follower.close()
        self._tell()

    def _answer_close_shell(self, container: str) -> None:
        self._shells.close(container)
        self._tell()

    def _follow(self, container: str) -> None:
        if before := self._logs.get(container):
            before.close()
        self._logs[container] = LogFollower(self._engine, container, self._send)

    def _state(self) -> dict[str, Any]:
        return {
            "rows": [
                front_end_row(each, meter.samples[-1] if meter.samples else None)
                for each, meter in self._metered()
            ],
            "doing": self._actions.doing,
            "failed": {
                container: [visible(line, 500) for line in text.splitlines()]
                for container, text in self._actions.failed.items()
            },
            "logs": list(self._logs),
            "shells": self._shells.state(),
            "failure": [visible(line, 500) for line in self._failure.splitlines()],
        }

    def _tell(self) -> None:
        self._send(self._state())

    def _send(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        for page in self._pages:
            page.send(message, buffers)

    # --- sampling, in the watch's thread ---

    def _refresh(self) -> None:
        try:
            self._sample()
            self._failure = ""
        except ContainerMagicsError as error:
            self._failure = str(error)
        self._follow_again()
        self._tell()
        facts = [
            (each.id, each.name, each.state, each.health, each.ports) for each in self._containers
        ]
        since = time.monotonic() - self._drawn
        if since > (_REDRAW if facts != self._drawn_as else _REDRAW_UNCHANGED):
            self._drawn, self._drawn_as = time.monotonic(), facts
            self._redraw()

    def _sample(self) -> None:
        known = self._meters
        found = [
            each
            for each in self._engine.containers(every=True)
            if self._every or each.running or each.state == "restarting" or each.id in known
        ]
        meters = {each.id: known.get(each.id) or Meter(_KEPT_SECONDS) for each in found}
        for each in found:
            meter = meters[each.id]
            try:
                if each.running:
                    meter.take(self._engine.usage(each.id))
                    continue
            except (NotFoundError, ConflictError):
                pass  # It has just ended.
            meter.pause()
        self._meters, self._containers = meters, found
        self._moment = datetime.now(timezone.utc)

    def _follow_again(self) -> None:
        """Follow the log of what was started again."""
        running = {each.id for each in self._containers if each.running}
        for container, follower in list(self._logs.items()):
            if container not in self._meters:
                self._logs.pop(container, None)
                if follower is not None:
                    follower.close()
            elif follower is not None and follower.ended and container in running:
                self._follow(container)

    def _unwatched(self) -> None:
        for container, follower in self._logs.items():
            if follower is not None:
                follower.close()
            self._logs[container] = None
        for meter in self._meters.values():
            meter.pause()
        self._redraw()

    def _end(self) -> None:
        """The output is gone."""
        for follower in self._logs.values():
            if follower is not None:
                follower.close()
        self._logs.clear()
        self._shells.close_all()

    def _redraw(self) -> None:
        for page in self._pages:
            page.redraw()
