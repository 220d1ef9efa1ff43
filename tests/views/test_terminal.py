"""A terminal in a notebook: what its front end is told, and what is saved."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any

import pytest

from container_magics.errors import UnsupportedError
from container_magics.views.terminal import stream, xterm
from container_magics.views.terminal.view import TerminalView
from container_magics.views.widget import Page
from tests.fixtures.processes import wait_until
from tests.fixtures.pty_terminal import PtyTerminal
from tests.views.values import HOSTILE


class FrontEnd:
    """The other side of a view's conversation; it draws what it is told to draw.

    Attributes:
        text: all that was drawn.
        ending: how it ended.
        parts: when each part came, and how long it was.
    """

    def __init__(self, view: TerminalView, monkeypatch: pytest.MonkeyPatch) -> None:
        self._page = Page(view)
        monkeypatch.setattr(self._page._model, "send", self._received)
        self.position, self.text, self.ending = 0, b"", ""
        self.parts: list[tuple[float, int]] = []
        self._answer: dict[str, Any] = {}
        self.draws = True
        self._lock = RLock()
        self._page.show()
        view.shown(self._page)

    def ask(self, question: str, **fields: object) -> Any:
        self._page._model._handle_custom_msg({"id": 1, "question": question, **fields}, [])
        assert "error" not in self._answer, self._answer
        return self._answer["answer"]

    def attach(self) -> None:
        # What comes before the answer waits, as it does in the real one.
        with self._lock:
            answer = self.ask("attach")
            data = base64.b64decode(answer["data"])
            self.position, self.text = answer["position"] + len(data), data
            self.ending = answer["ending"]

    def type(self, text: str) -> None:
        self.ask("type", text=text)

    def sees(self, text: str) -> None:
        wait_until(lambda: text.encode() in self.text, f"the front end is told {text!r}")

    def _received(self, message: dict[str, Any], buffers: Any = None) -> None:
        if "id" in message:
            self._answer = message
        elif "ending" in message:
            self.ending = message["ending"]
        else:
            with self._lock:
                assert message["position"] == self.position
                self.parts.append((time.monotonic(), len(buffers[0])))
                self.position += len(buffers[0])
                self.text += buffers[0]
            if self.draws:
                self._page.view.questions()["drawn"](self.position)


@pytest.fixture
def opened(cell, monkeypatch) -> Iterator[Callable[..., tuple[TerminalView, FrontEnd]]]:
    """Open a view of a program, and a front end for it."""
    terminals = []

    def opened(*command: str, title: str = "docker exec -it web sh"):
        terminals.append(PtyTerminal(*command))
        view = TerminalView(terminals[-1], title)
        return view, FrontEnd(view, monkeypatch)

    yield opened
    for terminal in terminals:
        terminal.close()
        terminal.wait()


def test_what_is_typed_is_answered_and_the_exit_status_told(opened, cell):
    view, front = opened("sh")
    front.attach()
    front.type("echo $((6 * 7)); printf '\\033[31mred\\033[0m\\n'\n")
    front.sees("42\r\n\x1b[31mred")
    assert view.returncode is None
    front.type("exit 3\n")
    wait_until(lambda: front.ending == "exit status 3", "the exit status is told")
    assert view.returncode == 3
    wait_until(lambda: "exit status 3" in cell.html, "the saved form has it too")
    assert "42\nred\n" in cell.html
    assert str(view).endswith("exit status 3")


def test_what_is_saved_follows_while_it_is_open(opened, cell):
    _, front = opened("sh")
    assert "still open" in cell.html
    front.attach()
    front.type("echo $((6 * 7))\n")
    wait_until(lambda: "42\n" in cell.html, "the saved form has the last screenful")
    assert "still open" in cell.html
    assert len(cell.outputs) == 2


def test_the_program_knows_the_size(opened):
    _, front = opened("sh")
    front.attach()
    front.ask("resize", rows=31, columns=97)
    front.type("stty size\n")
    front.sees("31 97")


def test_a_fast_program_waits_for_the_front_end(opened):
    _, front = opened("sh", "-c", "yes")
    front.draws = False
    front.attach()
    wait_until(lambda: front.position > stream._WINDOW, "the window is full")
    told = front.position
    front.type("")
    assert front.position == told < 2 * stream._WINDOW
    front.draws = True
    front.ask("drawn", position=told)
    wait_until(lambda: front.position > told + 3 * stream._WINDOW, "it goes on")
    seconds = front.parts[-1][0] - front.parts[0][0]
    assert len(front.parts) <= 1 + 20 * seconds
    assert max(size for _, size in front.parts) <= stream._PART
    front.type("\x03")
    wait_until(lambda: front.ending.startswith("exit status"), "Ctrl-C ends it")


def test_a_program_that_nobody_watches_goes_on(opened):
    view, front = opened("sh", "-c", "yes a line | head -n 100000; echo the end")
    wait_until(lambda: not view.busy, "it ends")
    front.attach()
    assert front.text.startswith(b"a line\r\n")
    assert front.text.endswith(b"the end\r\n")
    assert len(front.text) <= stream._HISTORY
    assert front.position == 8 * 100_000 + 9
    assert front.ending == "exit status 0"


def test_a_front_end_that_said_nothing_for_long_attaches_anew(opened, monkeypatch):
    monkeypatch.setattr(stream, "_PATIENCE", 0.1)
    view, front = opened("sh", "-c", "read x; yes | head -n 200000; echo the end; read y")
    front.draws = False
    front.attach()
    front.type("\n")
    wait_until(lambda: "the end" in view.lines(), "it goes on without")
    assert front.ask("drawn", position=front.position) is True
    front.draws = True
    front.attach()
    assert front.text.endswith(b"the end\r\n")
    front.type("last\n")
    front.sees("last")


def test_a_second_front_end_begins_where_the_first_is(opened, monkeypatch):
    view, first = opened("sh")
    first.attach()
    first.type("echo $((6 * 7))\n")
    first.sees("42")
    second = FrontEnd(view, monkeypatch)
    second.attach()
    assert second.text in first.text
    second.sees("42")
    second.type("echo $((6 * 8))\n")
    first.sees("48")
    second.sees("48")
    assert first.text == second.text


def test_closing_hangs_up(opened, cell):
    view, front = opened("sh", "-c", "trap 'echo hung up; exit 9' HUP; echo ready; read x")
    front.attach()
    front.sees("ready")
    front.ask("close")
    wait_until(lambda: front.ending == "closed", "its end is told")
    front.sees("hung up")
    assert view.returncode is None
    front.type("nothing happens\n")


def test_hostile_text_is_text(opened, cell):
    _, front = opened("cat", title=f"docker exec {HOSTILE}")
    front.attach()
    front.type(f"{HOSTILE}\n\x04")
    wait_until(lambda: "exit status 0" in cell.html, "it ends")
    assert "<script" not in cell.html
    assert "<img" not in cell.html
    assert "\x1b" not in cell.html


def test_without_xterm_it_says_so_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr(xterm, "_SCRIPT", tmp_path / "xterm.mjs")
    terminal = PtyTerminal("true")
    with pytest.raises(UnsupportedError, match=r"needs xterm\.js.*has no xterm\.mjs"):
        TerminalView(terminal, "docker run -it busybox")
    terminal.wait()
