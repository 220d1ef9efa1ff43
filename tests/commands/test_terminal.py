"""`-t` where somebody types, at a terminal of their own, and where nobody does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.fixtures.processes import processes_with, wait_until
from tests.fixtures.pty_terminal import PtyTerminal

REPOSITORY = Path(__file__).parents[2]
SHOW = """\
from container_magics.commands.call import Call
from container_magics.commands.containers.terminal import show_terminal
from container_magics.commands.notebook import surface_here
from tests.fixtures.pty_terminal import PtyTerminal

def opened():
    print("opened")
    return PtyTerminal("sh", "-c", "echo 100{number}; exec sh")

call = Call(None, surface_here(), lenient=True)
output = show_terminal(call, opened, "exec", ["web", "sh"])
"""


class Seat:
    """A user's terminal, at which `SHOW` runs."""

    def __init__(self, number: str) -> None:
        script = SHOW.replace("{number}", number) + "print('returned', output.returncode)\n"
        self.terminal = PtyTerminal(sys.executable, "-c", script)
        self.text = b""
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while data := self.terminal.read():
            self.text += data

    def type(self, text: str) -> None:
        self.terminal.write(text.encode())

    def sees(self, text: str) -> None:
        wait_until(lambda: text.encode() in self.text, f"the user sees {text!r}")


@pytest.fixture
def seat(request, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    number = f"{abs(hash(request.node.name)) % 10**8:08d}"
    seat = Seat(number)
    seat.sees(f"100{number}")
    yield seat
    seat.terminal.close()
    seat.terminal.wait()


def test_the_users_own_terminal_is_connected(seat):
    seat.type("echo $((6 * 7))\n")
    seat.sees("42")
    seat.terminal.resize(33, 101)
    seat.type("until [ \"$(stty size)\" = '33 101' ]; do :; done; echo as large as $((3 * 11))\n")
    seat.sees("as large as 33")
    seat.type("sleep 98761; echo status $?\n")
    wait_until(lambda: bool(processes_with("sleep\x0098761")), "it sleeps")
    seat.type("\x03")
    wait_until(lambda: not processes_with("sleep\x0098761"), "Ctrl-C is the program's")
    seat.type("exit 3\n")
    seat.sees("returned 3")
    assert seat.terminal.wait() == 0


def test_ctrl_p_ctrl_q_leaves_and_ctrl_p_alone_is_typed(seat):
    seat.type("stty raw -echo; dd bs=1 count=2 2>/dev/null | od -An -c; stty sane\n")
    seat.type("\x10x")
    seat.sees("020   x")
    seat.type("\x10")
    seat.type("\x11")
    seat.sees("returned 0")
    assert seat.terminal.wait() == 0


def test_without_a_terminal_it_is_refused_by_name():
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "docker exec web sh: the input device is not a TTY" in done.stderr
    assert "Leave out -t" in done.stderr
    assert "opened" not in done.stdout


def test_a_notebook_that_nobody_looks_at_refuses_it_by_name(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SHOW)])
    with pytest.raises(CellExecutionError, match=r"docker exec web sh: .*nobody is") as raised:
        NotebookClient(book, kernel_name="python3").execute()
    assert "Leave out -t" in str(raised.value)
    assert book.cells[0].outputs[0].output_type == "error"


def test_a_cells_body_is_no_terminal(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    source = "import io\n" + SHOW.replace("surface_here(),", "surface_here(), io.BytesIO(b'ls'),")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(CellExecutionError, match=r"the input device is not a TTY"):
        NotebookClient(book, kernel_name="python3").execute()
