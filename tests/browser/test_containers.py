"""The live table of containers in JupyterLab: buttons, links, logs, shells; and `stats`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import HealthCheck, Publish, RunRequest
from tests.browser.conftest import Lab
from tests.fixtures.axe import serious_violations
from tests.fixtures.browser import OpenNotebook
from tests.fixtures.processes import wait_until
from tests.fixtures.registry import free_port
from tests.views.values import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "containers.png"
LIVE = ".container-magics-live .view"
THREADS = (
    "import threading\n"
    "sorted({each.name for each in threading.enumerate() if each.name.startswith('container ')})"
)
SERVE = f"""\
echo 'hello from the container' > /index.html
echo '{HOSTILE}'
httpd -p 80 -h /
trap 'echo bye; exit 3' TERM
while :; do
  i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done
  echo "line $((n=n+1))"; sleep 0.5
done
"""


class Made:
    """Containers in the notebooks' store, made by an engine of the test's own."""

    def __init__(self, store: Path) -> None:
        self.engine = EmbeddedEngine(store)

    def __call__(self, name: str, *command: str, started: bool = True, **options: object) -> None:
        request = RunRequest("busybox:test", command, name=name, **options)
        made = self.engine.create(request, lambda _: None, Cancellation())
        if started:
            self.engine.start(made)

    def state(self, name: str) -> str:
        return self.engine.container(name).state


@pytest.fixture
def made(lab: Lab) -> Iterator[Made]:
    made = Made(lab.store)
    yield made
    for each in made.engine.containers(every=True):
        made.engine.remove_container(each.id, force=True)
    made.engine.close()


def web(made: Made) -> int:
    """Start a web server that also logs and needs a processor; its port."""
    port = free_port()
    health = HealthCheck(("CMD-SHELL", "wget -q -O /dev/null http://localhost/"), interval=1.0)
    publish = (Publish(80, host=port),)
    made("web", "sh", "-c", SERVE, publish=publish, health=health)
    return port


def opened(lab: Lab, cell: str, *more: str) -> tuple[OpenNotebook, Locator]:
    """A notebook with these cells, the first executed, and its live view."""
    notebook = lab.open([cell, *more])
    notebook.run(0)
    notebook.run(1)
    notebook.wait_ended(1)
    live = notebook.cell(1).locator(LIVE)
    live.wait_for()
    return notebook, live


def press(live: Locator, name: str) -> None:
    live.get_by_role("button", name=name, exact=True).click()


def says(live: Locator, text: str) -> None:
    live.get_by_text(text).first.wait_for()


def test_a_container_is_visited_watched_stopped_and_removed(lab: Lab, made: Made):
    port = web(made)
    notebook, live = opened(lab, "%containers")
    says(live, ", healthy")
    live.get_by_role("img", name="CPU over the last minute").wait_for()
    with notebook.page.expect_popup() as popup:
        live.get_by_role("link", name=f"{port}->80/tcp").click()
    popup.value.get_by_text("hello from the container").wait_for()
    assert popup.value.url == f"{lab.server.url}proxy/{port}/"
    popup.value.close()
    press(live, "Logs of web")
    says(live, "line 2")
    says(live, HOSTILE)
    assert live.locator("img").count() == 0
    press(live, "Shell in web")
    live.locator(".xterm-rows > div").filter(has_text="/ #").first.wait_for()
    # It has the focus already.
    notebook.page.keyboard.type("echo $((6*7))\n")
    live.locator(".xterm-rows > div").filter(has_text="42").first.wait_for()
    press(live, "Stop web")
    says(live, "exited (3)")
    says(live, "bye")
    assert made.state("web") == "exited"
    live.get_by_role("status").get_by_text("exit status").wait_for()
    press(live, "Start web")
    says(live, "running")
    wait_until(lambda: made.state("web") == "running", "it runs")
    press(live, "Remove web")
    press(live, "Keep")
    press(live, "Remove web")
    says(live, "web is running. Kill and remove it")
    press(live, "Remove")
    says(live, "No containers.")
    assert made.engine.containers(every=True) == []


def test_a_failure_is_told_in_the_row(lab: Lab, made: Made):
    made("wrong", "nothing-here", started=False)
    _, live = opened(lab, "import container_magics as cm\ncm.containers(all=True)")
    press(live, "Start wrong")
    said = live.get_by_role("alert").filter(has_text='exec: "nothing-here"')
    said.wait_for()
    press(live, "Dismiss")
    said.wait_for(state="detached")


def test_buttons_work_while_a_cell_follows_a_log(lab: Lab, made: Made):
    web(made)
    notebook, live = opened(lab, "%containers", "%docker logs -f web\nprint('it', 'ended')")
    notebook.run(2)
    notebook.wait_text(2, "line 2")
    assert "*" in notebook.prompt(2)
    press(live, "Stop web")
    says(live, "exited (3)")
    notebook.wait_ended(2)
    notebook.wait_text(2, "it ended")


def test_nothing_is_sampled_when_the_output_is_gone(lab: Lab, made: Made):
    web(made)
    notebook, live = opened(lab, "%containers", THREADS)
    press(live, "Logs of web")
    says(live, "line 2")

    def threads() -> str:
        notebook.run(2)
        notebook.wait_ended(2)
        notebook.wait_idle()
        return notebook.output(2)

    assert "container watch" in threads()
    assert "container logs" in notebook.output(2)
    notebook.cell(1).locator(".jp-InputArea-prompt").first.click()
    notebook.menu("Edit", "Clear Cell Output")
    wait_until(lambda: "container" not in threads(), "the threads end")


def test_what_is_saved_is_the_table_as_it_was(lab: Lab, made: Made):
    port = web(made)
    notebook, live = opened(lab, "%containers", "%docker ps")
    notebook.run(2)
    notebook.wait_ended(2)
    says(live, ", healthy")
    link = notebook.outputs(2).get_by_role("link", name=f"127.0.0.1:{port}->80/tcp")
    assert link.get_attribute("href") == f"/proxy/{port}/"

    def saved() -> str:
        notebook.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        book = nbformat.read(lab.server.root / notebook.path, as_version=4)
        assert "widgets" not in book.metadata
        return book.cells[1].outputs[0]["data"]["text/html"]

    wait_until(lambda: "healthy" in saved(), "it is saved as it is now")
    notebook.restart()
    live.wait_for(state="detached")
    text = notebook.output(1)
    assert "Containers on embedded" in text
    assert f"127.0.0.1:{port}->80/tcp" in text
    assert "as of " in text
    notebook.wait_idle()


def test_stats_are_plotted_live_and_saved_as_a_picture(lab: Lab, made: Made):
    web(made)
    made("idle", "sleep", "1000")
    plot = "import container_magics as cm\nview = cm.stats('web', 'idle')\nview"
    notebook, live = opened(lab, plot, "len(view.frame())")
    for name in ("CPU, percent of one processor", "Memory"):
        chart = live.get_by_role("img", name=f"{name} over the last 60 seconds")
        wait_until(
            lambda chart=chart: all(
                (each.get_attribute("d") or "").count("L") > 1
                for each in chart.locator("path.line").all()
            ),
            "its lines grow",
        )
    numbers = live.locator("tbody tr", has_text="web").locator("td").all_inner_texts()
    assert numbers[0].endswith("%")
    assert numbers[2].endswith("iB")
    notebook.run(2)
    notebook.wait_ended(2)
    assert int(notebook.output(2)) >= 4
    still = notebook.outputs(1).locator("img")
    wait_until(lambda: still.count() == 1, "it is drawn for the saved notebook")
    notebook.restart()
    live.wait_for(state="detached")
    assert still.evaluate("each => each.complete && each.naturalWidth > 0")
    notebook.wait_idle()


def test_axe_finds_nothing_serious_in_any_theme_and_width(lab: Lab, made: Made):
    web(made)
    made("idle", "sleep", "1000")
    notebook, live = opened(lab, "%containers", "import container_magics as cm\ncm.stats('web')")
    notebook.run(2)
    notebook.wait_ended(2)
    says(live, ", healthy")
    press(live, "Logs of web")
    says(live, "line 2")
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        notebook.page.wait_for_timeout(45_000)
        notebook.picture(PICTURE, first=1, last=1)
    press(live, "Shell in web")
    live.locator(".xterm-rows > div").filter(has_text="/ #").first.wait_for()
    press(live, "Remove web")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        for width in (1280, 700):
            notebook.page.set_viewport_size({"width": width, "height": 900})
            assert serious_violations(notebook.page, ".container-magics-live") == []
            if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
                notebook.page.screenshot(path=f"/var/tmp/containers-{theme[-4:]}-{width}.png")
    notebook.page.set_viewport_size({"width": 1280, "height": 900})
