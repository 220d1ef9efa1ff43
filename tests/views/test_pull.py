import io
import re

import pytest

from container_magics.engines.base import Message, Output, PullProgress
from container_magics.views.pull import NotebookPull, TerminalPull

from .values import HOSTILE


class Terminal(io.StringIO):
    """A stream that is a terminal, with a screen that follows its cursor."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines, row = [""], 0
        for part in re.findall(r"\x1b\[\d*[A-Z]|\n|\r|[^\x1b\n\r]+", self.getvalue()):
            if move := re.fullmatch(r"\x1b\[(\d+)([AB])", part):
                row += int(move[1]) * (1 if move[2] == "B" else -1)
            elif part == "\x1b[2K":
                lines[row] = ""
            elif part == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif part != "\r":
                lines[row] = part
        return lines


def events():
    yield Message("3.18.0: Pulling from library/alpine")
    for layer in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        yield PullProgress(layer, "Pulling fs layer")
    for current in range(0, 3_000_001, 500_000):
        for layer in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
            yield PullProgress(layer, "Downloading", current, 3_000_000)
    for layer in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        yield PullProgress(layer, "Pull complete")
    yield Message("Digest: sha256:abc")
    yield Message("Status: Downloaded newer image for alpine:3.18.0")


FINAL = [
    "3.18.0: Pulling from library/alpine",
    "aaaaaaaaaaaa: Pull complete",
    "bbbbbbbbbbbb: Pull complete",
    "Digest: sha256:abc",
    "Status: Downloaded newer image for alpine:3.18.0",
]


def test_a_cell_ends_with_docker_s_words(cell, clock):
    view = NotebookPull(clock=clock)
    for event in events():
        view.update(event)
        clock.now += 0.01
    view.close()
    assert len(cell.outputs) == 1
    assert cell.outputs[0]["text/plain"].splitlines() == FINAL
    assert len(cell.updates) <= 3


def test_a_cell_shows_a_bar_for_each_layer_while_it_moves(cell, clock):
    view = NotebookPull(clock=clock)
    view.update(PullProgress("aaaaaaaaaaaa", "Downloading", 1_000_000, 4_000_000))
    assert "width:25%" in cell.html
    assert "1MB/4MB" in cell.html


def test_a_cell_is_updated_at_most_four_times_a_second(cell, clock):
    view = NotebookPull(clock=clock)
    for tick in range(1000):
        clock.now += 0.01
        view.update(PullProgress("a" * 12, "Downloading", tick, 1000))
    for start in cell.updates:
        assert sum(start <= when < start + 1 for when in cell.updates) <= 4


def test_nothing_is_displayed_where_nothing_was_pulled(cell, clock):
    view = NotebookPull(clock=clock)
    view.update(None)
    view.update(Output(1, b"x"))
    view.close()
    assert cell.outputs == []


def test_texts_from_a_registry_are_text(cell, clock):
    view = NotebookPull(clock=clock)
    view.update(Message(f"{HOSTILE}\u202e" + "m" * 10_000))
    view.update(PullProgress(HOSTILE, HOSTILE, 1, 2))
    view.close()
    assert "<img" not in cell.html
    assert "\u202e" not in cell.html
    assert len(cell.html) < 5000


def test_lines_for_a_log_say_each_change_once():
    stream = io.StringIO()
    view = TerminalPull(stream)
    for event in events():
        view.update(event)
    view.close()
    layers = ("aaaaaaaaaaaa", "bbbbbbbbbbbb")
    states = ("Pulling fs layer", "Downloading", "Pull complete")
    changes = [f"{layer}: {state}" for state in states for layer in layers]
    assert stream.getvalue().splitlines() == [FINAL[0], *changes, *FINAL[3:]]


def test_a_terminal_shows_a_line_for_each_layer_in_place(clock):
    stream = Terminal()
    view = TerminalPull(stream, clock=clock)
    for event in events():
        view.update(event)
        clock.now += 0.01
    view.close()
    assert stream.screen() == [*FINAL, ""]
    assert "=>" in stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_registry_cannot_steer_the_terminal(stream):
    view = TerminalPull(stream)
    view.update(Message("\x07\x9b31m\u202e"))
    view.update(PullProgress("\x07\u202e", "\x07\n\u202e"))
    view.close()
    assert not set(stream.getvalue()) & set("\x07\x9b\u202e")
