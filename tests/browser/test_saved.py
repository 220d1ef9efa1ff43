"""What a notebook shows when it is opened again, and what building beside itself does."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Lab

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]


def test_a_saved_notebook_reads_the_same_without_a_kernel(lab: Lab):
    cells = [
        "%%dockerfile -t saved:1\nFROM busybox:test\n"
        "RUN echo from the log; head -c 100000 /dev/zero >/x",
        "%docker images saved",
    ]
    notebook = lab.open(cells)
    notebook.run_all()
    notebook.wait_text(1, "✓ Built")
    notebook.wait_text(2, "saved")
    notebook.wait_idle()
    before = [notebook.output(1), notebook.output(2)]
    assert "100kB" in before[0]
    notebook.save()
    notebook.close()
    lab.end_kernels()
    lab.distrust(notebook.path)
    again = lab.open(kernel=False)
    assert again.trusted is False
    assert [again.output(1), again.output(2)] == before
    step = again.outputs(1).filter(has_text="RUN echo from the log")
    assert not step.locator("pre", has_text="from the log").is_visible()
    step.locator("summary").click()
    assert step.locator("pre", has_text="from the log").is_visible()


def test_a_notebook_in_its_own_context_is_named_with_the_line_that_leaves_it_out(lab: Lab):
    cells = [
        "%%dockerfile\nFROM busybox:test\nCOPY . .",
        "%%writefile -a .dockerignore\n**/*.ipynb\n**/.ipynb_checkpoints",
    ]
    notebook = lab.open(cells)
    notebook.run(0)
    notebook.run(1)
    notebook.wait_text(1, "✓ Built")
    notebook.save()
    notebook.run(1)
    notebook.wait_text(1, "⚠")
    notebook.wait_text(1, "✓ Built")
    advice = notebook.outputs(1).filter(has_text="⚠").inner_text()
    assert "test.ipynb" in advice
    assert ".dockerignore" in advice
    assert re.search(r"^(\*\*/)?\*\.ipynb$", advice, re.MULTILINE)
    notebook.run(2)
    notebook.wait_text(2, "ing .dockerignore")
    notebook.run(1)
    notebook.wait_text(1, "✓ Built")
    notebook.wait_idle()
    notebook.save()
    notebook.run(1)
    notebook.wait_text(1, "CACHED")
    notebook.wait_idle()
    assert "⚠" not in notebook.output(1)


def test_the_result_of_a_long_build_is_in_view(lab: Lab):
    steps = "\n".join(f"RUN echo {number}" for number in range(70))
    notebook = lab.open([f"%%dockerfile\nFROM busybox:test\n{steps}"])
    notebook.run_all()
    notebook.wait_text(1, "✓ Built", 60_000)
    shown = notebook.output(1)
    assert "Show more outputs" not in shown
    assert [f"[{n}/71]" in shown for n in range(1, 72)] == [True] * 71
    assert notebook.outputs(1).last.inner_text().startswith("✓ Built")


def test_too_much_output_leaves_the_notebook_usable(lab: Lab):
    notebook = lab.open(
        ["r = %docker run --rm busybox:test seq 100000", "len(r.stdout.splitlines())"]
    )
    notebook.run_all()
    notebook.wait_text(2, "100000")
    shown = notebook.output(1)
    assert "97,900 lines not shown" in shown
    assert "\n2000\n" in shown
    assert "\n2001\n" not in shown
    assert shown.splitlines()[-1] == "100000"
