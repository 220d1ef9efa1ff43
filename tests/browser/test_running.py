"""Builds and runs while they go on, and when they are cut short, in JupyterLab in Chromium."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.browser.conftest import Lab
from tests.fixtures.processes import processes_with, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

WATCH = """index => {
    window.seen = [];
    const cell = document.querySelectorAll('.jp-Notebook .jp-Cell')[index];
    new MutationObserver(() => {
        const outputs = [...cell.querySelectorAll('.jp-OutputArea-output')];
        window.seen.push(outputs.map(output => output.innerText).join('\\n'));
    }).observe(cell, {childList: true, subtree: true, characterData: true});
}"""


def test_a_running_step_has_a_clock_and_its_last_lines(lab: Lab):
    notebook = lab.open(
        ["%%dockerfile\nFROM busybox:test\nRUN for i in 1 2 3 4 5; do echo line $i; sleep 1; done"]
    )
    notebook.page.evaluate(WATCH, 1)
    notebook.run_all()
    notebook.wait_ended(1)
    seen = notebook.page.evaluate("window.seen")
    running = [text for text in seen if "running" in text]
    clocks = {clock for text in running for clock in re.findall(r"running (\d+\.\d)s", text)}
    assert len(clocks) >= 3
    lines = [max([0, *map(int, re.findall(r"line (\d)", text))]) for text in running]
    assert len(set(lines)) >= 3
    assert lines == sorted(lines)
    assert "✓ Built" in notebook.output(1)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            "%%dockerfile -t kept:1\nFROM busybox:test\nRUN echo {0}; sleep {0}",
            "docker build was interrupted",
        ),
        ("%docker run --rm busybox:test sh -c 'echo {0}; sleep {0}'", "docker run was interrupted"),
    ],
    ids=["build", "run"],
)
def test_interrupting_ends_the_container(lab: Lab, cell, words, request):
    seconds = "100031" if "build" in request.node.name else "100032"
    notebook = lab.open([cell.format(seconds), "%docker run --rm busybox:test echo works"])
    before = lab.tags()
    notebook.run(0)
    notebook.wait_ended(0)
    notebook.run(1)
    notebook.wait_text(1, seconds)
    wait_until(lambda: bool(processes_with(f"sleep\0{seconds}")), "the container runs")
    notebook.interrupt()
    notebook.wait_ended(1)
    wait_until(lambda: not processes_with(f"sleep\0{seconds}"), "the container ends")
    shown = notebook.output(1)
    assert words in shown
    assert "Traceback" not in shown
    assert ".py" not in shown
    notebook.run(2)
    notebook.wait_text(2, "works")
    assert lab.tags() == before
    assert lab.mounts() == []


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_nothing_outlives_the_kernel(lab: Lab, how):
    seconds = "100041" if how == "restart" else "100042"
    cells = [
        f"%%dockerfile -t kept:1\nFROM busybox:test\nRUN echo {seconds}; sleep {seconds}",
        "%%dockerfile\nFROM busybox:test\nRUN echo again",
        "import os; print('kernel', os.getpid())",
    ]
    notebook = lab.open(cells)
    notebook.run(3)
    notebook.wait_text(3, "kernel")
    (kernel,) = re.findall(r"kernel (\d+)", notebook.output(3))
    notebook.run(0)
    notebook.wait_ended(0)
    notebook.run(1)
    notebook.wait_text(1, seconds)
    wait_until(lambda: bool(processes_with(f"sleep\0{seconds}")), "the container runs")
    if how == "restart":
        notebook.restart()
    else:
        os.kill(int(kernel), signal.SIGKILL)
        notebook.accept_that_the_kernel_died()
    wait_until(lambda: not processes_with(f"sleep\0{seconds}"), "the container ends")
    wait_until(lambda: lab.mounts() == [], "its mounts end")
    wait_until(lambda: not Path(f"/proc/{kernel}").exists(), "the old kernel ends")
    notebook.run(0)
    notebook.run(2)
    notebook.wait_text(2, "✓ Built")
    assert "kept:1" not in dict(lab.tags())


def test_a_failing_step_opens_its_log_and_stops_run_all(lab: Lab):
    notebook = lab.open(
        [
            "%%dockerfile\nFROM busybox:test\nRUN for i in $(seq 40); do echo line $i; done; false",
            "reached = 1",
        ]
    )
    notebook.run_all()
    notebook.wait_text(1, "StepFailedError")
    notebook.wait_idle()
    log = notebook.outputs(1).locator("details[open] pre:visible").last
    assert log.inner_text().splitlines() == [f"line {number}" for number in range(21, 41)]
    assert "exit code: 1" in notebook.output(1)
    assert notebook.prompt(2).strip() == "[ ]:"
