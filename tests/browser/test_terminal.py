"""A terminal in JupyterLab: typed into, coloured, resized, interrupted, ended, saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Lab
from tests.fixtures.axe import serious_violations
from tests.fixtures.browser import OpenNotebook
from tests.fixtures.processes import processes_with, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "terminal.png"
LIVE = ".container-magics-live .view"
CELL = """\
from container_magics.views.terminal.view import TerminalView
from tests.fixtures.pty_terminal import PtyTerminal

TerminalView(PtyTerminal("env", "{mark}", "sh"), "docker exec -it web sh")"""


def cell(name: str) -> str:
    """A cell that opens a terminal of a shell; `shells` finds its process by the name."""
    return CELL.format(mark=mark(name))


def shells(name: str) -> list[int]:
    return processes_with(mark(name), environment=True)


def mark(name: str) -> str:
    return f"TEST_TERMINAL_OF={name};"


def opened(lab: Lab, *cells: str) -> tuple[OpenNotebook, Locator]:
    """A notebook with these cells, the first executed, and its terminal with the focus."""
    notebook = lab.open(list(cells))
    notebook.run(0)
    notebook.run(1)
    notebook.wait_ended(1)
    return notebook, focused(notebook)


def focused(notebook: OpenNotebook) -> Locator:
    """The terminal of the first cell, once it has a prompt, with the focus."""
    live = notebook.cell(1).locator(LIVE)
    sees(live, "$")
    live.locator(".screen").click()
    return live


def sees(live: Locator, text: str) -> None:
    """Wait until the terminal shows a line that begins with a text."""
    live.locator(".xterm-rows > div").filter(has_text=text).first.wait_for()


def types(notebook: OpenNotebook, text: str) -> None:
    notebook.page.keyboard.type(text)


def saved(lab: Lab, notebook: OpenNotebook) -> nbformat.NotebookNode:
    """The terminal in the first cell's output, as it is saved now."""
    # Not by Ctrl+S: that key is the terminal's.
    notebook.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    book = nbformat.read(lab.server.root / notebook.path, as_version=4)
    assert "widgets" not in book.metadata
    terminal, invitation = book.cells[1].outputs
    assert "To type into" in invitation["data"]["text/plain"]
    return terminal


def test_a_shell_is_typed_into(lab: Lab):
    notebook, live = opened(lab, cell("typed"))
    types(notebook, "echo $((6*7))\n")
    sees(live, "42")
    types(notebook, "printf '\\033[3%dm%s\\033[0m\\n' 1 rouge 2 vert\n")
    for word, colour in (("rouge", "rgb(179, 38, 30)"), ("vert", "rgb(24, 114, 61)")):
        expect(live.locator(".xterm-rows span", has_text=word).last).to_have_css("color", colour)
    types(notebook, "sleep 98762; echo status $?\n")
    wait_until(lambda: bool(processes_with("sleep\x0098762")), "it sleeps")
    notebook.page.keyboard.press("Control+c")
    wait_until(lambda: not processes_with("sleep\x0098762"), "Ctrl-C interrupts it")
    live.locator(".screen").evaluate("each => { each.style.height = '200px'; }")
    types(notebook, "while [ $(stty size | cut -d' ' -f1) -gt 14 ]; do :; done; echo is $((2*4))\n")
    sees(live, "is 8")
    # None of it was for the notebook.
    assert notebook.panel.locator(".jp-Notebook .jp-Cell").count() == 2
    types(notebook, "exit 3\n")
    live.get_by_role("status").get_by_text("exit status 3").wait_for()
    assert live.get_by_role("button", name="Close").is_disabled()


def test_keys_lead_out_of_it_and_the_button_closes_it(lab: Lab):
    notebook, live = opened(lab, cell("button"))
    assert shells("button")
    notebook.page.keyboard.press("Tab")
    assert live.locator("textarea").evaluate("each => each.matches(':focus')")
    notebook.page.keyboard.press("Shift+F6")
    notebook.page.keyboard.press("Enter")
    live.get_by_role("status").get_by_text("closed").wait_for()
    wait_until(lambda: not shells("button"), "it hangs up")


def test_it_works_while_a_cell_runs(lab: Lab, tmp_path: Path):
    wait = f"import pathlib, time\nwhile not pathlib.Path('{tmp_path}/go').exists(): time.sleep(.1)"
    notebook, live = opened(lab, cell("busy"), wait)
    notebook.run(2)
    live.locator(".screen").click()
    types(notebook, f"echo on $((6*7)); touch {tmp_path}/go\n")
    sees(live, "on 42")
    notebook.wait_ended(2)


def test_what_is_saved_is_the_last_screenful_and_the_exit_status(lab: Lab):
    notebook, live = opened(lab, cell("saved"))
    types(notebook, "echo '<b>'$((6*7))'</b>'\n")
    sees(live, "<b>42</b>")
    types(notebook, "echo on")
    wait_until(lambda: "echo on" in saved(lab, notebook)["data"]["text/plain"], "it is saved")
    assert "&lt;b&gt;42&lt;/b&gt;" in saved(lab, notebook)["data"]["text/html"]
    # That the saved form was drawn anew took nothing from the live one.
    types(notebook, "ward\n")
    sees(live, "onward")
    assert live.count() == 1
    assert not notebook.outputs(1).get_by_text("still open").is_visible()
    types(notebook, "exit 4\n")
    live.get_by_role("status").get_by_text("exit status 4").wait_for()
    wait_until(lambda: "exit status 4" in saved(lab, notebook)["data"]["text/plain"], "it is saved")
    notebook.restart()
    live.wait_for(state="detached")
    assert "exit status 4" in notebook.output(1)
    assert "<b>42</b>" in notebook.output(1)
    notebook.wait_idle()


def test_a_page_loaded_again_has_the_same_terminal(lab: Lab):
    notebook, live = opened(lab, cell("reload"))
    types(notebook, "X=$((6*7)); echo once $X\n")
    sees(live, "once 42")
    saved(lab, notebook)
    notebook.page.reload()
    notebook.wait_idle()
    live = focused(notebook)
    sees(live, "once 42")
    types(notebook, "echo twice $X\n")
    sees(live, "twice 42")


def test_a_flood_is_drawn_at_its_own_pace_and_interrupted(lab: Lab):
    notebook, live = opened(lab, cell("flood"))
    types(notebook, "yes\n")
    sees(live, "y")
    notebook.page.wait_for_timeout(3000)
    notebook.page.keyboard.press("Control+c")
    types(notebook, "echo still $((6*7))\n")
    sees(live, "still 42")


@pytest.mark.parametrize("how", ["clear", "again", "delete", "restart"])
def test_it_ends_with_its_output(lab: Lab, how: str):
    notebook, _ = opened(lab, cell(how))
    (first,) = shells(how)
    if how == "clear":
        notebook.menu("Edit", "Clear Cell Output")
    elif how == "again":
        notebook.run(1)
    elif how == "delete":
        notebook.menu("Edit", "Delete Cell")
    else:
        notebook.restart()
    wait_until(lambda: first not in shells(how), "it hangs up")
    notebook.wait_idle()


def test_axe_finds_nothing_serious_in_any_theme(lab: Lab):
    notebook, live = opened(lab, cell("axe"))
    types(
        notebook,
        "for i in 0 1 2 3 4 5 6 7; do printf '\\033[3%dm%s\\033[9%dm%s ' $i a $i b; done\n",
    )
    sees(live, "ab ab")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []
        if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
            notebook.page.screenshot(path=f"/var/tmp/terminal-{theme[-4:]}.png")


@pytest.fixture(
    params=["embedded", pytest.param("docker", marks=pytest.mark.docker)],
)
def choice(request: pytest.FixtureRequest) -> str:
    """A cell that chooses an engine which has `busybox:test`."""
    if request.param == "embedded":
        return "pass"
    request.getfixturevalue("docker_engine")
    socket = request.getfixturevalue("docker_socket")
    host = f"os.environ['DOCKER_HOST'] = 'unix://{socket}'"
    return f"import os\ndel os.environ['DOCKER_CONTEXT']\n{host}"


def test_run_and_exec_give_terminals_of_real_containers(lab: Lab, choice: str):
    run, step_in = "%docker run -it --name typed busybox:test sh", "%docker exec -it typed sh"
    notebook = lab.open([choice, run, step_in, "%docker rm -f typed"])
    try:
        for at in (0, 1, 2):
            notebook.run(at)
            notebook.wait_ended(at)
        _type_into_both(notebook)
    finally:
        notebook.run(4)
        notebook.wait_text(4, "typed")


def _type_into_both(notebook: OpenNotebook) -> None:
    def terminal(at: int) -> Locator:
        live = notebook.cell(at).locator(LIVE)
        sees(live, "/ #")
        live.locator(".screen").click()
        return live

    live = terminal(2)
    types(notebook, "hostname > /name; echo $((6*7)) in $0\n")
    sees(live, "42 in sh")
    live.locator(".screen").evaluate("each => { each.style.height = '200px'; }")
    types(notebook, "while [ $(stty size | cut -d' ' -f1) -gt 14 ]; do :; done; echo is $((2*4))\n")
    sees(live, "is 8")
    types(notebook, "sleep 98763\n")
    wait_until(lambda: bool(processes_with("sleep\x0098763")), "it sleeps")
    notebook.page.keyboard.press("Control+c")
    types(notebook, "echo status $?\n")
    sees(live, "status 130")
    notebook.run(3)
    notebook.wait_ended(3)
    within = terminal(3)
    types(notebook, "[ $(cat /name) = $(hostname) ] && echo the same $((3*3))\n")
    sees(within, "the same 9")
    types(notebook, "exit 5\n")
    within.get_by_role("status").get_by_text("exit status 5").wait_for()
    live.locator(".screen").click()
    types(notebook, "exit 3\n")
    live.get_by_role("status").get_by_text("exit status 3").wait_for()
