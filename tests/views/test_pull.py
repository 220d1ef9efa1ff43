import io
import re
import sys

import pytest

from container_magics.engines.events import Message, Output, PullProgress
from container_magics.views.pull import NotebookPull, TerminalPull
from tests.fixtures.pty_terminal import PtyTerminal

from .values import HOSTILE


def screen(written: str, columns: int = 80) -> list[str]:
    """What a terminal shows of it: a long line takes several, the cursor moves among them."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\d*[A-Z]|[^\x1b]", written):
        if move := re.fullmatch(r"\x1b\[(\d+)([AB])", part):
            row += int(move[1]) * (1 if move[2] == "B" else -1)
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part == "\r":
            column = 0
        else:
            if part == "\n" or column == columns:
                row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
            if part != "\n":
                lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + 1 :]
                column += 1
    return lines


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


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


def push_of_two_tags():
    yield Message("The push refers to repository [localhost:5000/me/travel]")
    for tag, layers in (("1", ("a" * 12, "b" * 12)), ("2", ("c" * 12, "a" * 12, "b" * 12))):
        for layer in layers:
            yield PullProgress(layer, "Preparing")
        for layer in layers:
            if tag == "2" and layer != "c" * 12:
                yield PullProgress(layer, "Layer already exists")
                continue
            for current in range(0, 3_000_001, 500_000):
                yield PullProgress(layer, "Pushing", current, 3_000_000)
            yield PullProgress(layer, "Pushed")
        yield Message(f"{tag}: digest: sha256:{tag * 64} size: 738")


PUSHED = [
    "The push refers to repository [localhost:5000/me/travel]",
    "aaaaaaaaaaaa: Pushed",
    "bbbbbbbbbbbb: Pushed",
    f"1: digest: sha256:{'1' * 64} size: 738",
    "cccccccccccc: Pushed",
    "aaaaaaaaaaaa: Layer already exists",
    "bbbbbbbbbbbb: Layer already exists",
    f"2: digest: sha256:{'2' * 64} size: 738",
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


def test_each_tag_that_is_pushed_keeps_its_layers_in_a_cell(cell, clock):
    view = NotebookPull(clock=clock)
    for event in push_of_two_tags():
        view.update(event)
        clock.now += 0.01
    view.close()
    assert cell.outputs[-1]["text/plain"].splitlines() == PUSHED


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
    assert screen(stream.getvalue()) == [*FINAL, ""]
    assert "=>" in stream.getvalue()


def test_each_tag_that_is_pushed_keeps_its_layers_in_a_log():
    stream = io.StringIO()
    view = TerminalPull(stream)
    for event in push_of_two_tags():
        view.update(event)
    view.close()
    lines = [line for line in stream.getvalue().splitlines() if not re.search("P[a-z]+ing$", line)]
    assert lines == PUSHED


def test_a_log_says_of_each_tag_what_became_of_its_layers():
    stream = io.StringIO()
    view = TerminalPull(stream)
    for tag in ("1", "2"):
        view.update(PullProgress("a" * 12, "Layer already exists"))
        view.update(Message(f"{tag}: digest"))
    view.close()
    already = "aaaaaaaaaaaa: Layer already exists"
    assert stream.getvalue().splitlines() == [already, "1: digest", already, "2: digest"]


@pytest.mark.parametrize(
    ("columns", "bar"),
    [
        (120, f"Pushing [>{' ' * 49}]  0B/3MB"),
        (80, f"Pushing [>{' ' * 19}]  0B/3MB"),
        (40, f"Pushing [>{' ' * 14}…"),
    ],
)
def test_lines_that_a_terminal_wraps_are_not_written_over(columns, bar):
    """On a real one; standard output is none there."""
    told = (
        "import sys\n"
        "from tests.views.test_pull import TerminalPull, push_of_two_tags\n"
        "view = TerminalPull(sys.stderr)\n"
        "for event in push_of_two_tags(): view.update(event)\n"
        "view.close()"
    )
    shell = 'exec "$0" -c "$1" < /dev/null > /dev/null'
    terminal = PtyTerminal("sh", "-c", shell, sys.executable, told)
    terminal.resize(24, columns)
    try:
        written = b"".join(iter(terminal.read, b"")).decode()
        assert terminal.wait() == 0, written
    finally:
        terminal.close()
    wrapped = [line[at : at + columns] for line in PUSHED for at in range(0, len(line), columns)]
    assert screen(written, columns) == [*wrapped, ""]
    assert f"aaaaaaaaaaaa: {bar}" in written


def test_what_a_layer_said_last_stands_above_the_message_that_follows(clock):
    stream = Terminal()
    view = TerminalPull(stream, clock=clock)
    view.update(PullProgress("a" * 12, "Pushing", 1_000_000, 4_000_000))
    view.update(PullProgress("a" * 12, "Pushing", 2_000_000, 4_000_000))
    view.update(Message("WARNING: the registry is slow"))
    view.close()
    layer, message, rest = screen(stream.getvalue())
    assert layer.endswith(" 2MB/4MB")
    assert (message, rest) == ("WARNING: the registry is slow", "")


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_registry_cannot_steer_the_terminal(stream):
    view = TerminalPull(stream)
    view.update(Message("\x07\x9b31m\u202e"))
    view.update(PullProgress("\x07\u202e", "\x07\n\u202e"))
    view.close()
    assert not set(stream.getvalue()) & set("\x07\x9b\u202e")
