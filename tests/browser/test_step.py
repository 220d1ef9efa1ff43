"""A Dockerfile walked in JupyterLab: by buttons, slider and keys, past breakpoints and failures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.browser.conftest import Lab
from tests.fixtures.axe import serious_violations
from tests.fixtures.browser import OpenNotebook
from tests.fixtures.processes import processes_with, wait_until
from tests.views.values import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "step.png"
LIVE = ".container-magics-live .view"
CELL = """\
%%dockerfile --step -t walked:test .
FROM busybox:test AS make
WORKDIR /src
RUN mkdir -p out/share && echo "Hello, World!" > out/app && echo scrap > scrap
RUN rm scrap && for i in 1 2 3 4; do echo $i > out/share/$i.txt; done

# what is kept
FROM busybox:test
ENV COLOUR=blue \\
    SIZE=large
COPY --from=make /src/out /srv
WORKDIR /srv
USER me
CMD ["cat", "app"]"""
FAILING = '''\
import container_magics as cm
cm.step("""FROM busybox:test
WORKDIR /w
RUN echo before > file
RUN echo words of the end; exit 3
CMD ["sh"]
""", context=None)'''
STOPPED = '''\
import container_magics as cm
cm.step("""FROM busybox:test
RUN echo one > /one
RUN echo loud words; touch /two; until [ -e /proc/nothing ] || [ $((n=n+1)) -gt 3000 ]; do :; done
# a remark
RUN echo three > /three
ENV A=b
""", context=None, breakpoints=[3])'''


def shown(lab: Lab, *cells: str) -> tuple[OpenNotebook, Locator]:
    """A notebook with these cells executed, and the view in the last."""
    notebook = lab.open(list(cells))
    notebook.run_all()
    notebook.wait_ended(len(cells))
    notebook.wait_idle()
    live = notebook.cell(len(cells)).locator(LIVE)
    live.locator(".step").first.wait_for()
    return notebook, live


def at(live: Locator, text: str) -> None:
    """Wait until the view is at a step."""
    live.locator("[role=status]", has_text=text).wait_for()


def nameless(lab: Lab) -> set[str]:
    """The images in the notebooks' store that have no name."""
    engine = EmbeddedEngine(lab.store)
    try:
        return {image.id for image in engine.images() if not image.names}
    finally:
        engine.close()


def run(live: Locator, command: str) -> str:
    """Run a command in the view's field, and give what is shown of it."""
    live.get_by_role("textbox").fill(command)
    live.get_by_role("textbox").press("Enter")
    live.locator("[role=status]", has_text="the copy is gone").wait_for()
    return live.locator("pre").last.inner_text()


def test_a_dockerfile_is_walked_and_commands_are_run_at_its_steps(lab: Lab):
    notebook, live = shown(lab, CELL)
    at(live, "step 10 of 10")
    live.get_by_text("sets Cmd").wait_for()
    live.locator(".step", has_text="WORKDIR /src").click()
    at(live, "step 2 of 10")
    assert run(live, "ls; touch mine; ls").split() == ["mine"]
    assert run(live, "echo $((6 * 7)); ls").split() == ["42"]
    live.get_by_role("button", name="Forward").click()
    at(live, "step 3 of 10")
    live.locator(".file.added", has_text="scrap").wait_for()
    assert run(live, "ls").split() == ["out", "scrap"]
    live.get_by_role("button", name="Forward").click()
    removed = live.locator(".file.removed", has_text="scrap")
    removed.wait_for()
    assert "\N{MINUS SIGN}" in removed.inner_text()
    live.locator(".step", has_text="ENV COLOUR").click()
    live.get_by_text("2 set here").wait_for()
    live.locator(".env", has_text="COLOUR=blue").wait_for()
    live.get_by_text("It makes no layer.").wait_for()
    live.locator(".step", has_text="FROM busybox:test AS").click()
    live.get_by_text("Starts from busybox:test: 1 layer").wait_for()
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        live.locator(".step", has_text="RUN rm scrap").click()
        run(live, "ls -l out && cat out/share/1.txt; exit 3")
        notebook.picture(PICTURE, first=1)


def test_it_can_be_used_with_keys_alone(lab: Lab):
    notebook, live = shown(lab, CELL)
    press = notebook.page.keyboard.press
    live.locator('.step[aria-current="step"]').focus()
    for key, where in (
        ("p", 9),
        ("ArrowLeft", 8),
        ("Home", 1),
        ("n", 2),
        ("ArrowRight", 3),
        ("End", 10),
        ("Home", 1),
    ):
        press(key)
        at(live, f"step {where} of 10")
    press("n")
    press("n")
    press("b")
    live.locator('.stop[aria-pressed="true"]').wait_for()
    press("Home")
    press("c")
    at(live, "step 2 of 10")
    press("c")
    at(live, "step 10 of 10")
    slider = live.get_by_role("slider")
    slider.focus()
    press("ArrowLeft")
    at(live, "step 9 of 10")
    assert slider.get_attribute("aria-valuetext") == "step 9 of 10: USER me"
    # From within the files that a step replaces, the focus stays in the view.
    live.locator(".step", has_text="RUN rm scrap").click()
    live.locator(".tree summary").first.focus()
    press("n")
    press("b")
    live.locator('.stop[aria-pressed="true"]').nth(1).wait_for()
    live.locator("h3").click()
    press("b")
    live.locator('.stop[aria-pressed="true"]').nth(1).wait_for(state="detached")
    assert notebook.panel.locator(".jp-Notebook .jp-Cell").count() == 2


def test_a_build_stops_before_a_breakpoint_and_goes_on_in_the_view(lab: Lab):
    _, live = shown(lab, STOPPED)
    at(live, "step 2 of 5")
    assert "stopped before it" in live.locator(".row.next .step").get_attribute("aria-label")
    live.locator(".step", has_text="echo three").click()
    at(live, "step 2 of 5")
    live.locator(".stop").nth(4).click()
    live.get_by_role("button", name="Continue").click()
    at(live, "step 4 of 5")
    assert run(live, "ls /one /two /three").split() == ["/one", "/three", "/two"]
    live.get_by_role("button", name="Forward").click()
    at(live, "step 5 of 5")
    assert live.get_by_role("button", name="Continue").is_disabled()


def test_a_build_in_the_view_tells_of_itself_and_can_be_interrupted(lab: Lab):
    cell = STOPPED.replace("-gt 3000", "-gt 300000000")
    notebook, live = shown(lab, cell)
    live.get_by_role("button", name="Forward").click()
    live.locator(".build", has_text="loud words").wait_for()
    notebook.interrupt()
    live.locator(".problem", has_text="interrupted").wait_for()
    at(live, "step 2 of 5")
    assert run(live, "ls /one").strip() == "/one"


def test_a_run_can_be_interrupted(lab: Lab):
    notebook, live = shown(lab, FAILING)
    live.get_by_role("textbox").fill("echo begun; sleep 98765")
    live.get_by_role("textbox").press("Enter")
    live.locator("pre", has_text="begun").wait_for()
    notebook.interrupt()
    at(live, "interrupted")
    wait_until(lambda: not processes_with("98765"), "the container's processes end")


def test_a_failing_build_opens_the_state_before_it(lab: Lab):
    notebook, live = shown(lab, FAILING)
    at(live, "step 4 of 5")
    assert "fails at step 4 of 5" in live.locator("h3").inner_text()
    live.locator(".problem", has_text="exit code").wait_for()
    live.locator("pre", has_text="words of the end").wait_for()
    assert run(live, "cat file").strip() == "before"
    assert live.get_by_role("button", name="Forward").is_disabled()
    notebook.page.keyboard.press("Escape")
    live.get_by_role("button", name="Back").click()
    at(live, "step 3 of 5")
    assert notebook.panel.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0


def test_what_cannot_run_says_why(lab: Lab):
    cell = "%%dockerfile --step .\nFROM busybox:test AS x\nFROM scratch\nCOPY --from=x /etc /etc\n"
    _, live = shown(lab, cell)
    live.get_by_text("no shell here").wait_for()
    live.get_by_role("textbox").fill("ls -l")
    live.get_by_role("button", name="Run", exact=True).click()
    live.locator(".problem", has_text="no /bin/sh here").wait_for()


def test_hostile_text_is_text(lab: Lab):
    cell = f"%%dockerfile --step .\nFROM busybox:test\nLABEL a='{HOSTILE}'\nENV B='{HOSTILE}'\n"
    _, live = shown(lab, cell)
    live.locator(".env", has_text=HOSTILE).wait_for()
    assert run(live, "echo '<img src=x>'; printf '\\033[31mred\\033[0m'").split("\n")[:2] == [
        "<img src=x>",
        "red",
    ]
    assert live.locator("img").count() == 0


def test_axe_finds_nothing_serious_in_any_theme(lab: Lab):
    notebook, _ = shown(lab, CELL, STOPPED, FAILING)
    walked = notebook.cell(1).locator(LIVE)
    walked.locator(".step", has_text="RUN rm scrap").click()
    walked.locator(".file", has_text="scrap").wait_for()
    run(walked, "ls -l")
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []


def test_a_page_loaded_again_shows_how_far_the_walk_has_come(lab: Lab):
    before = nameless(lab)
    notebook, live = shown(lab, STOPPED.replace("A=b", "ONLY=here"))
    live.get_by_role("button", name="Forward").click()
    at(live, "step 3 of 5")
    assert nameless(lab) != before
    notebook.save()
    notebook.page.reload()
    notebook.wait_idle()
    at(notebook.cell(1).locator(LIVE), "step 3 of 5")
    notebook.restart()
    notebook.cell(1).locator(LIVE).wait_for(state="detached")
    assert "stopped before step 3 of 5" in notebook.output(1)
    notebook.wait_idle()
    assert nameless(lab) == before
