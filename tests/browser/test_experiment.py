"""The experiment view in JupyterLab."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import Lab
from tests.fixtures.axe import serious_violations

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "experiment.png"
LIVE = ".container-magics-live .view"
CELL = '''\
import container_magics as cm

BUILD = """FROM busybox:test AS build
RUN head -c 30000000 /dev/urandom > /sdk && cp /bin/busybox /busybox
"""
cm.experiment(
    {
        "single stage": BUILD + 'CMD ["/busybox", "echo", "Hello, World!"]',
        "multi-stage": BUILD + """FROM busybox:test
COPY --from=build /busybox /busybox
CMD ["/busybox", "echo", "Hello, World!"]""",
        "nothing else": BUILD + """FROM scratch
COPY --from=build /busybox /busybox
CMD ["/busybox", "echo", "%s"]""",
    },
    context=None,
    reference={"single stage": 35, "multi-stage": 4.1},
)
'''


def executed(lab: Lab, last: str):
    notebook = lab.open([CELL % last])
    notebook.run_all()
    notebook.wait_ended(1, 60_000)
    notebook.wait_idle()
    live = notebook.cell(1).locator(LIVE)
    live.wait_for()
    return notebook, live


def test_variants_are_tried_shown_and_compared(lab: Lab):
    notebook, live = executed(lab, "Hello, World!")
    assert "All 3 variants print the same" in live.inner_text()
    live.get_by_role("button", name="multi-stage").click()
    panel = live.locator("#variant-1")
    panel.locator("pre", has_text="COPY --from=build").wait_for()
    assert panel.locator("pre").last.inner_text() == "Hello, World!"
    live.get_by_label("Versions N").fill("100")
    live.locator("text=100 versions").first.wait_for()
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        notebook.page.set_viewport_size({"width": 1280, "height": 4000})
        live.screenshot(path=PICTURE)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.change_theme(theme)
        assert serious_violations(notebook.page, ".container-magics-live") == []


def test_a_variant_that_prints_something_else_says_so(lab: Lab):
    notebook, live = executed(lab, "Good bye")
    said = "nothing else prints something else than single stage"
    assert said in live.inner_text()
    notebook.save()
    notebook.close()
    lab.end_kernels()
    again = lab.open(kernel=False)
    assert said in again.output(1)
