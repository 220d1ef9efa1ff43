"""Builds of several stages, and with too much output, while they go on in JupyterLab."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.conftest import Lab

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
PICTURE = REPOSITORY / "docs" / "images" / "build-progress.png"
DARK_PICTURE = REPOSITORY / "build" / "pictures" / "build-progress-dark.png"

TWO_STAGES = """\
%%dockerfile -t two-stages --no-cache
FROM busybox:test AS server
RUN echo compiling the server; sleep 4; mkdir /src; head -c 3000000 /dev/urandom > /src/app

FROM busybox:test AS pages
RUN sleep 1; echo rendering pages; sleep 3; mkdir /site; echo hello > /site/index.html

FROM busybox:test
COPY --from=server /src/app /
COPY --from=pages /site /site
CMD ["/app"]
"""

BARS = """index => [...document.querySelectorAll('.jp-Notebook .jp-Cell')[index]
    .querySelectorAll('span[title*=" to "]')].map(bar => ({
        title: bar.title,
        left: Math.min(...[...bar.children].map(p => p.getBoundingClientRect().left)),
        right: Math.max(...[...bar.children].map(p => p.getBoundingClientRect().right)),
        heights: [...bar.children].map(p => p.getBoundingClientRect().height),
        above: bar.firstChild.getBoundingClientRect().top - bar.getBoundingClientRect().top,
    }))"""


def test_stages_that_run_at_the_same_time_are_seen_to(lab: Lab):
    notebook = lab.open([TWO_STAGES.rstrip()])
    notebook.run_all()
    for stage in ("server", "pages"):
        notebook.outputs(1).filter(has_text=f"stage {stage}").filter(has_text="running").wait_for()
    waiting = notebook.outputs(1).filter(has_text="COPY --from=pages")
    assert "waiting" in waiting.inner_text()
    notebook.wait_text(1, "✓ Built")
    notebook.wait_idle()
    (took,) = re.findall(r"(\d+\.\d)s\s*$", notebook.outputs(1).last.inner_text())
    assert 4 <= float(took) < 6
    assert re.findall(r"^stage (\w+)|^\[(\S+) (\d)/", notebook.output(1), re.MULTILINE) == [
        ("server", "", ""),
        *[("", "server", number) for number in "12"],
        ("pages", "", ""),
        *[("", "pages", number) for number in "12"],
        ("2", "", ""),
        *[("", "stage-2", number) for number in "123"],
    ]
    bars = server, pages, last = notebook.page.evaluate(BARS, 1)
    assert max(server["left"], pages["left"]) < min(server["right"], pages["right"]) - 50
    assert last["right"] > max(server["right"], pages["right"]) - 5
    for bar in (server, pages):
        begin, end, whole = re.fullmatch(
            r"(\d+\.\d)s to (\d+\.\d)s of (\d+\.\d)s", bar["title"]
        ).groups()
        assert float(end) - float(begin) >= 4
        assert float(whole) < 6
    text = notebook.output(1)
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        DARK_PICTURE.parent.mkdir(parents=True, exist_ok=True)
        notebook.picture(PICTURE, first=1, last=1)
        notebook.change_theme("JupyterLab Dark")
        notebook.picture(DARK_PICTURE, first=1, last=1)
        notebook.change_theme("JupyterLab Light")
    notebook.save()
    notebook.close()
    lab.end_kernels()
    lab.distrust(notebook.path)
    again = lab.open(kernel=False)
    assert again.trusted is False
    assert again.output(1) == text
    assert again.page.evaluate(BARS, 1) == list(bars)


def test_a_step_that_prints_200_000_lines_leaves_the_notebook_usable(lab: Lab):
    notebook = lab.open(["%%dockerfile\nFROM busybox:test\nRUN seq 200000", "6 * 7"])
    notebook.run_all()
    notebook.wait_text(1, "✓ Built")
    notebook.wait_text(2, "42")
    notebook.wait_idle()
    step = notebook.outputs(1).filter(has_text="RUN seq 200000")
    step.locator("summary").click()
    lines = step.locator("pre").inner_text().splitlines()
    gap = re.fullmatch(r"… 199,500 lines left out; all of it: (/\S+/step-2\.log) …", lines[100])
    assert gap
    assert [*lines[:100], *lines[101:]] == list(map(str, [*range(1, 101), *range(199601, 200001)]))
    path = Path(gap[1])
    assert path.read_text() == "".join(f"{number}\n" for number in range(1, 200001))
    notebook.save()
    assert (lab.server.root / notebook.path).stat().st_size < 100_000
    # A key press must get through at once.
    notebook.cell(2).locator(".cm-content").click(timeout=2000)
    notebook.page.keyboard.type("1 + ", delay=1)
    assert "1 + " in notebook.cell(2).inner_text()
    lab.end_kernels()
    assert not path.exists()
