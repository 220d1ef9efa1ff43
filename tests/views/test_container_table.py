"""The live table of containers: what its front end is told, and what is saved, on real engines."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from container_magics.errors import StoreError
from container_magics.views import sampling
from container_magics.views.container_table import logs
from container_magics.views.container_table.view import ContainersView
from container_magics.views.widget import Page
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.processes import wait_until
from tests.views.values import HOSTILE


class FrontEnd:
    """The other side of a view's conversation.

    Attributes:
        state: what was told last.
        logs: the lines of each log, with how it is doing.
        parts: how many lines came at once, and when.
        terminal: what shells wrote.
    """

    def __init__(self, view: ContainersView, monkeypatch: pytest.MonkeyPatch) -> None:
        self.view = view
        self._page = Page(view)
        monkeypatch.setattr(self._page._model, "send", self._received)
        self.state: dict[str, Any] = dict(view.start())
        self.logs: dict[str, dict[str, Any]] = {}
        self.parts: list[tuple[float, int]] = []
        self.terminal = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._page.show()
        view.shown(self._page)
        self.ask("look", who="test")

    def ask(self, question: str, **fields: object) -> Any:
        answer = self.tell(question, **fields)
        assert "error" not in answer, answer
        return answer["answer"]

    def tell(self, question: str, **fields: object) -> dict[str, Any]:
        number = len(self._answers)
        message = {"id": number, "question": question, **fields}
        self._page._model._handle_custom_msg(message, [])
        return self._answers[number]

    def row(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.state["rows"] if row["name"] == name), None)

    def until(self, condition: Callable[[], object], what: str) -> None:
        wait_until(lambda: bool(condition()), what)

    def until_said(self, name: str, said: str) -> None:
        """Wait until a container's state is a text, and nothing is being done to it."""

        def there() -> bool:
            row = self.row(name)
            return bool(row and row["said"] == said and row["id"] not in self.state["doing"])

        wait_until(there, f"{name} is {said}")

    def _received(self, message: dict[str, Any], buffers: Any = None) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif "log" in message:
            old = self.logs.get(message["log"], {"lines": []})["lines"]
            kept = old if message["from"] else []
            self.logs[message["log"]] = {**message, "lines": [*kept, *message["lines"]]}
            self.parts.append((time.monotonic(), len(message["lines"])))
        elif "shell" in message:
            self.terminal += b"".join(buffers or [])
        else:
            self.state = message


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("embedded", marks=pytest.mark.root),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def engine(request, tmp_path_factory) -> Iterator[Engine]:
    if request.param == "docker":
        yield request.getfixturevalue("docker_engine")
        return
    engine = EmbeddedEngine(tmp_path_factory.mktemp("store"))
    engine.import_image(io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]'])
    yield engine
    engine.close()


@pytest.fixture
def start(engine) -> Iterator[Callable[..., str]]:
    """Make a container of busybox and start it; its ID."""
    made = []

    def start(name: str, *command: str, started: bool = True, **options: Any) -> str:
        request = RunRequest("busybox:test", command, name=name, **options)
        made.append(engine.create(request, lambda _: None, Cancellation()))
        if started:
            engine.start(made[-1])
        return made[-1]

    yield start
    left = {each.id for each in engine.containers(every=True)}
    for each in left & set(made):
        engine.remove_container(each, force=True)


@pytest.fixture
def opened(engine, cell, monkeypatch) -> Iterator[Callable[..., FrontEnd]]:
    """Open a table, and a front end for it that looks."""
    views = []

    def opened(**options: Any) -> FrontEnd:
        views.append(ContainersView(engine, **options))
        return FrontEnd(views[-1], monkeypatch)

    yield opened
    for view in views:
        view.close()


SLEEP = ("sh", "-c", "trap 'sleep 0.5; exit 3' TERM; while :; do sleep 0.1; done")


def test_buttons_stop_start_restart_and_remove(opened, start, engine, cell):
    web = start("web", *SLEEP)
    start("old", "true", started=False)
    front = opened()
    # As docker ps, but what was there stays while it is stopped.
    assert [row["name"] for row in front.state["rows"]] == ["web"]
    front.ask("act", container=web, verb="stop")
    assert front.state["doing"] == {web: "stop"}
    refused = front.tell("act", container=web, verb="remove")
    assert refused["error"] == "stop is not over yet"
    front.until_said("web", "exited (3)")
    wait_until(lambda: "exited (3)" in cell.html, "what is saved follows")
    front.ask("act", container=web, verb="start")
    front.until_said("web", "running")
    front.ask("act", container=web, verb="restart")
    front.until(lambda: not front.state["doing"], "it is restarted")
    front.until_said("web", "running")
    engine.pause(web)
    front.until_said("web", "paused")
    front.ask("act", container=web, verb="unpause")
    front.until_said("web", "running")
    front.ask("act", container=web, verb="remove", force=True)
    front.until(lambda: front.row("web") is None, "it is gone")
    assert front.state["failed"] == {}


def test_what_fails_is_told_in_its_row_in_dockers_words(opened, start):
    web = start("web", *SLEEP)
    bad = start("bad", "nothing-here", started=False)
    front = opened(every=True)
    front.ask("act", container=web, verb="remove")
    front.until(lambda: web in front.state["failed"], "it is refused")
    assert "cannot remove a running container" in front.state["failed"][web][0]
    front.ask("act", container=bad, verb="start")
    front.until(lambda: bad in front.state["failed"], "it cannot start")
    assert '"nothing-here"' in " ".join(front.state["failed"][bad])
    front.ask("dismiss", container=bad)
    assert list(front.state["failed"]) == [web]
    # What is done next takes the old failure away.
    front.ask("act", container=web, verb="stop")
    front.until_said("web", "exited (3)")
    assert front.state["failed"] == {}


def test_it_measures_while_somebody_looks_and_no_longer(opened, start, monkeypatch):
    busy = start("busy", "sh", "-c", "while :; do :; done")
    front = opened()
    front.until(lambda: (front.row("busy")["sample"] or [0, 0, 0])[1] > 20, "it needs a processor")
    assert front.row("busy")["sample"][2] > 0
    assert len(front.ask("state")["history"][busy]) > 0
    row = front.view.frame().iloc[0]
    assert (row["name"], row["state"]) == ("busy", "running")
    assert row["cpu"] > 0
    assert row["memory"] > 0
    assert front.view.busy
    front.ask("look", who="another")
    front.ask("leave", who="test")
    assert front.view.busy
    front.ask("leave", who="another")
    wait_until(lambda: not front.view.busy, "the sampling ends")
    assert not [each for each in threading.enumerate() if each.name == "container watch"]
    front.ask("look", who="test")
    before = front.row("busy")["sample"][0]
    front.until(lambda: front.row("busy")["sample"][0] > before, "it begins again")
    # A page that was closed without a word is forgotten.
    monkeypatch.setattr(sampling, "_PATIENCE", 0)
    front.ask("look", who="test")
    wait_until(lambda: not front.view.busy, "the sampling ends")


def test_a_log_is_followed_also_when_it_starts_again(opened, start, engine):
    text = f"printf '\\033[31m{HOSTILE}\\033[0m\\n'; echo oops >&2; exec sleep 1000"
    web = start("web", "sh", "-c", text)
    front = opened()
    front.ask("logs", container=web, follow=True)
    assert front.state["logs"] == [web]
    front.until(lambda: len(front.logs.get(web, {"lines": []})["lines"]) == 2, "it is shown")
    assert sorted(front.logs[web]["lines"]) == [HOSTILE, "oops"]
    assert not front.logs[web]["ended"]
    engine.kill(web)
    front.until(lambda: front.logs[web]["ended"], "it ends")
    engine.start(web)
    front.until(lambda: len(front.logs[web]["lines"]) == 4, "it goes on")
    # Nobody looks: it is not followed; and it is again when somebody does.
    front.ask("leave", who="test")
    wait_until(lambda: not front.view.busy, "nobody looks")
    front.logs.clear()
    front.ask("look", who="test")
    front.until(lambda: len(front.logs.get(web, {"lines": []})["lines"]) == 4, "it is read again")
    front.ask("logs", container=web, follow=False)
    assert front.state["logs"] == []


def test_a_flood_is_shown_at_a_pace_and_ends_where_it_ends(opened, start):
    flood = "read go < /dev/null; yes 0123456789 | head -n 300000; echo the end; exec sleep 1000"
    web = start("web", "sh", "-c", flood)
    front = opened()
    front.ask("logs", container=web, follow=True)
    front.until(
        lambda: front.logs.get(web, {"lines": [""]})["lines"][-1:] == ["the end"], "it ends"
    )
    assert max(count for _, count in front.parts) <= logs._KEPT
    seconds = front.parts[-1][0] - front.parts[0][0]
    assert len(front.parts) <= 2 + seconds / logs._PACE


def test_a_shell_is_opened_typed_into_and_closed(opened, start):
    web = start("web", *SLEEP)
    front = opened()
    front.ask("act", container=web, verb="shell")
    front.until(lambda: web in front.state["shells"] and not front.state["doing"], "it is there")
    assert front.state["shells"][web]["title"] == "docker exec -it web /bin/sh"

    def asked(question: str, **given: object) -> Any:
        return front.ask("shell", container=web, asked=question, given=given)

    asked("attach")
    asked("type", text="echo $((6 * 7))\n")
    wait_until(lambda: b"42\r\n" in front.terminal, "it answers")
    asked("type", text="exit 4\n")
    wait_until(lambda: asked("attach")["ending"] == "exit status 4", "it ends")
    # One that has ended is replaced.
    number = front.state["shells"][web]["number"]
    front.ask("act", container=web, verb="shell")
    front.until(lambda: front.state["shells"][web]["number"] > number, "another one is there")
    front.ask("closeShell", container=web)
    assert front.state["shells"] == {}
    assert "was closed" in front.tell("shell", container=web, asked="attach", given={})["error"]


@pytest.mark.root
def test_an_engine_that_was_closed_is_told(tmp_path, cell, monkeypatch):
    engine = EmbeddedEngine(tmp_path)
    front = FrontEnd(ContainersView(engine), monkeypatch)
    assert front.state["rows"] == []
    assert "no containers" in cell.html
    engine.close()
    front.until(lambda: front.state["failure"], "it is told")
    with pytest.raises(StoreError):
        ContainersView(engine)
    front.view.close()
