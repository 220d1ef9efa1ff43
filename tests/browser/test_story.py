"""The first notebook in JupyterLab, on the embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import environment
from tests.fixtures.browser import OpenNotebook
from tests.fixtures.jupyter import running_jupyter

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = [pytest.mark.browser, pytest.mark.root, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "build" / "pictures"
MILLISECONDS = 180_000


@pytest.fixture(scope="module")
def notebook(
    browser: BrowserContext, prepared_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenNotebook]:
    """The notebook after Run All."""
    with running_jupyter(tmp_path_factory.mktemp("jupyter"), environment(prepared_store)) as server:
        name = "01-small-images.ipynb"
        (server.root / name).write_bytes((REPOSITORY / "notebooks" / name).read_bytes())
        notebook = OpenNotebook(browser, server, name)
        notebook.run_all()
        notebook.wait_text(notebook.find("largest, smallest"), "times the smallest", MILLISECONDS)
        notebook.wait_idle()
        yield notebook
        notebook.close()


@pytest.mark.parametrize("tag", ["single_stage", "multi_stage", "distroless"])
def test_each_image_is_built_and_greets(notebook: OpenNotebook, tag: str):
    built = notebook.output(notebook.find(f"%%dockerfile -t go-hello-world:{tag}"))
    assert f"✓ Built go-hello-world:{tag}" in built
    assert "✗" not in built
    ran = notebook.output(notebook.find(f"%docker run --rm go-hello-world:{tag}"))
    assert ran.strip() == "Hello, World!"


def test_no_output_is_an_error(notebook: OpenNotebook):
    assert notebook.panel.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0
    shell = notebook.find("%docker run --rm --no-raise-error --entrypoint sh")
    assert "executable file not found" in notebook.output(shell)


def test_tables_fit_and_do_not_break_their_short_cells(notebook: OpenNotebook):
    for start in ("images = %docker images", "%docker history"):
        table = notebook.outputs(notebook.find(start)).locator("table")
        assert table.evaluate("table => table.scrollWidth <= table.parentElement.clientWidth")
    cells = notebook.outputs(notebook.find("images = %docker images")).locator("td")
    heights = [cell.bounding_box()["height"] for cell in cells.all()]
    assert max(heights) < 60
    short = [cell for cell in cells.all() if len(cell.inner_text()) <= 24]
    assert all(
        cell.evaluate("cell => getComputedStyle(cell).whiteSpace") == "nowrap" for cell in short
    )


def test_the_chart_is_drawn(notebook: OpenNotebook):
    chart = notebook.outputs(notebook.find("import container_magics as cm")).locator("img")
    assert chart.evaluate("image => image.complete && image.naturalWidth") > 500


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_pictures_to_look_at(notebook: OpenNotebook, theme: str):
    PICTURES.mkdir(parents=True, exist_ok=True)
    notebook.change_theme(theme)
    path = PICTURES / f"{theme.split()[1].lower()}.png"
    notebook.picture(path)
    assert path.stat().st_size > 50_000
