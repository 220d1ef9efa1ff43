"""All views in one notebook: saved and reopened, exported, in Notebook 7, and without widgets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import nbformat
import pytest

from tests.browser.conftest import LOAD, METADATA, Lab, environment
from tests.fixtures.browser import OpenNotebook
from tests.fixtures.jupyter import JupyterServer, running_jupyter
from tests.fixtures.processes import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "notebook-7.png"
LIVE = ".container-magics-live .view"
INVITATION = "run this cell where Jupyter widgets work"
BUILD = """\
FROM busybox:test AS make
RUN head -c 2000000 /dev/urandom > /app
FROM busybox:test
COPY --from=make /app /srv/app
ENV COLOUR=green
CMD ["echo", "hello"]
"""
CELLS = [
    f"%%dockerfile --stages -t all:1\n{BUILD}",
    f"%%dockerfile --step -t all:1\n{BUILD}",
    "%layers all:1",
    "%compare all:1 busybox:test",
    "import container_magics as cm\n"
    f"cm.experiment({{'one': {BUILD!r}, 'two': {BUILD.replace('hello', 'bye')!r}}}, context=None)",
]
SAID = {
    1: ["make", "COPY --from", "2MB", "busybox:test"],
    2: ["COPY --from=make /app /srv/app", "COLOUR", "green"],
    3: ["Layers of all:1", "COPY /app /srv/app", "2MB", "1.98MB"],
    4: ["all:1", "busybox:test", "estimated", "root", "10 versions"],
    5: ["two prints something else than one", "bye"],
}
"""What each view must say, live or not."""


def executed(lab: Lab) -> OpenNotebook:
    notebook = lab.open(CELLS)
    notebook.run_all()
    notebook.wait_ended(len(CELLS), 60_000)
    notebook.wait_idle()
    for number in SAID:
        notebook.cell(number).locator(LIVE).wait_for()
    return notebook


@pytest.mark.parametrize("trusted", [True, False])
def test_reopened_with_a_new_kernel_every_static_form_stands(lab: Lab, trusted: bool):
    notebook = executed(lab)
    notebook.save()
    notebook.close()
    lab.end_kernels()
    if not trusted:
        lab.distrust(notebook.path)
    again = lab.open()
    assert again.trusted is trusted
    for number, words in SAID.items():
        text = all_text(again, number)
        assert [word for word in words if word not in text] == []
        assert "rror displaying" not in text
        assert "model not found" not in text
        assert again.cell(number).locator(LIVE).count() == 0
        pictures = again.outputs(number).locator("img").all()
        assert all(each.evaluate("i => i.complete && i.naturalWidth > 0") for each in pictures)
    saved = nbformat.read(lab.server.root / notebook.path, as_version=4)
    mimes = {m for cell in saved.cells for o in cell.outputs for m in o.get("data", {})}
    assert not [mime for mime in mimes if "widget" in mime]
    assert "widgets" not in saved.metadata


def all_text(notebook: OpenNotebook, number: int) -> str:
    """The text of a cell's outputs, folded parts and descriptions of pictures too."""
    contents = notebook.outputs(number).all_text_contents()
    pictures = [
        each.get_attribute("alt") or "" for each in notebook.outputs(number).locator("img").all()
    ]
    return re.sub(r"\s+", " ", "\n".join([*contents, *pictures]))


def test_exported_html_holds_the_numbers_and_instructions(lab: Lab):
    from nbconvert import HTMLExporter

    notebook = executed(lab)
    notebook.save()
    saved = nbformat.read(lab.server.root / notebook.path, as_version=4)
    page, _ = HTMLExporter().from_notebook_node(saved)
    for words in SAID.values():
        assert [word for word in words if word.replace("<", "&lt;") not in page] == []


def test_without_a_widget_manager_the_static_forms_stand(
    browser: BrowserContext, server: tuple[JupyterServer, Path], tmp_path: Path
):
    config = tmp_path / "jupyter" / "config" / "labconfig"
    config.mkdir(parents=True)
    disabled = {"@jupyter-widgets/jupyterlab-manager": True, "anywidget": True}
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}))
    with running_jupyter(tmp_path / "jupyter", environment(server[1])) as running:
        cells = [nbformat.v4.new_code_cell(cell) for cell in (LOAD, *CELLS)]
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata=METADATA), running.root / "x.ipynb"
        )
        notebook = OpenNotebook(browser, running, "x.ipynb")
        notebook.run_all()
        notebook.wait_ended(len(CELLS), 60_000)
        notebook.wait_idle()
        for number, words in SAID.items():
            text = all_text(notebook, number)
            assert [word for word in words if word not in text] == []
            assert notebook.cell(number).locator(LIVE).count() == 0
            assert notebook.outputs(number).get_by_text(INVITATION).first.is_visible()
        notebook.close()


def test_without_the_widget_packages_it_is_said_how_to_install_them(lab: Lab):
    notebook = lab.open(["import sys; sys.modules['anywidget'] = None", "%layers busybox:test"])
    notebook.run_all()
    notebook.wait_text(2, "Layers of busybox:test")
    assert "pip install anywidget" in notebook.output(2)


# --- Notebook 7 -----------------------------------------------------------------------------------


@pytest.fixture
def notebook7(browser: BrowserContext, lab: Lab) -> Iterator[Page7]:
    """The notebook of all views in Notebook 7, after Run All."""
    folder = lab.server.root / "seven"
    folder.mkdir(exist_ok=True)
    cells = [nbformat.v4.new_code_cell(cell) for cell in (LOAD, *CELLS)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), folder / "seven.ipynb")
    page = Page7(browser, lab.server, "seven/seven.ipynb")
    yield page
    page.page.close()


def _idle(server: JupyterServer) -> bool:
    try:
        kernels = server.get("api/kernels")
    except HTTPError as error:
        # What JupyterLab's server answers while a kernel of its list is just being started.
        assert error.code == 500, error
        return False
    return any(each["connections"] and each["execution_state"] == "idle" for each in kernels)


class Page7:
    """A notebook in Notebook 7."""

    def __init__(self, browser: BrowserContext, server: JupyterServer, path: str) -> None:
        self.page = browser.new_page()
        self.page.goto(f"{server.url}notebooks/{path}?token={server.token}")
        self.cells = self.page.locator(".jp-Notebook .jp-CodeCell")
        self.cells.first.wait_for(timeout=60_000)
        wait_until(lambda: _idle(server), "the kernel is there")
        self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()

    def run_all(self) -> None:
        self.page.locator(".lm-MenuBar-item", has_text="Run").first.click()
        self.page.locator(".lm-Menu-item:visible", has_text="Run All Cells").first.click()


def test_notebook_7_shows_every_view_live(notebook7: Page7):
    notebook7.run_all()
    for number in SAID:
        notebook7.cells.nth(number).locator(LIVE).wait_for(timeout=60_000)
        assert not notebook7.cells.nth(number).get_by_text(INVITATION).first.is_visible()
    layers = notebook7.cells.nth(3).locator(LIVE)
    layers.locator(".layer", has_text="COPY").click()
    layers.locator(".row", has_text="srv/").click()
    layers.locator(".row.added", has_text="app").wait_for()
    if os.environ.get("CONTAINER_MAGICS_PICTURES") == "1":
        notebook7.cells.nth(3).scroll_into_view_if_needed()
        notebook7.page.screenshot(path=PICTURE)


# --- hostile images -------------------------------------------------------------------------------

HOSTILE = "<img src=x onerror=window.hacked=1>"
LONG = HOSTILE * 300


def test_labels_file_names_and_log_lines_are_text_in_every_view(lab: Lab):
    build = "\n".join(
        [
            "FROM busybox:test AS make",
            f"LABEL short='{HOSTILE}' long='{LONG}'",
            f"RUN echo '{HOSTILE}'; echo '{LONG}'; mkdir '/{HOSTILE}'",
            f"RUN echo x > '/{HOSTILE}/{HOSTILE}'",
            "FROM make",
            f"ENV NAME='{HOSTILE}'",
            f'COPY --from=make ["/{HOSTILE}", "/copied {HOSTILE}/"]',
            f"CMD echo '{HOSTILE}'",
        ]
    )
    variants = {HOSTILE: build}
    notebook = lab.open(
        [
            f"%%dockerfile --stages -t hostile:1\n{build}",
            f"%%dockerfile --step -t hostile:1\n{build}",
            "%layers hostile:1",
            "%compare hostile:1 busybox:test",
            f"import container_magics as cm\ncm.experiment({variants!r}, context=None)",
            f"%%dockerfile\nFROM busybox:test\nRUN echo '{HOSTILE}'; exit 1",
        ]
    )
    notebook.run_all()
    for number in range(1, 6):
        notebook.cell(number).locator(LIVE).wait_for(timeout=60_000)
    notebook.wait_ended(6, 60_000)
    notebook.wait_text(6, "exit code: 1")
    layers = notebook.cell(3).locator(LIVE)
    layers.locator(".layer").last.click()
    layers.locator(".row", has_text="copied").click()
    layers.locator(".row[aria-level='2']", has_text=HOSTILE).wait_for()
    assert HOSTILE in notebook.output(6)
    sources = notebook.page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea')].flatMap((area) => {
            const roots = [area, ...[...area.querySelectorAll('*')]
                .map((each) => each.shadowRoot).filter(Boolean)];
            return roots.flatMap((root) => [...root.querySelectorAll('img')].map((i) => i.src));
        })"""
    )
    assert [source[:40] for source in sources if not source.startswith("data:image/png")] == []
    assert notebook.page.evaluate("window.hacked") is None
