"""A browser for the tests of this folder, and a JupyterLab whose kernels have an engine."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.fixtures.browser import OpenNotebook, running_browser
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.jupyter import JupyterServer, running_jupyter

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

LOAD = "%load_ext container_magics"
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    # For a module only: Playwright's event loop runs in this thread as long as the browser does.
    with running_browser(tmp_path_factory.mktemp("chromium")) as context:
        yield context


@dataclass(frozen=True)
class Lab:
    """A JupyterLab whose kernels use an embedded engine's store, which has `busybox:test`.

    Attributes:
        server: the server.
        store: the store's root.
        open: makes a notebook of code cells, the first of which loads the extension, and opens it.
    """

    server: JupyterServer
    store: Path
    open: Callable[..., OpenNotebook]

    def mounts(self) -> list[str]:
        """What is mounted in the store, as this process sees it."""
        return [
            line
            for line in Path("/proc/self/mounts").read_text().splitlines()
            if str(self.store) in line
        ]

    def end_kernels(self) -> None:
        """End every kernel of the server."""
        for session in self.server.get("api/sessions"):
            self.server.delete(f"api/sessions/{session['id']}")

    def distrust(self, path: str) -> None:
        """Make a notebook one that somebody else has written: no signature fits it."""
        book = nbformat.read(self.server.root / path, as_version=4)
        book.metadata["from"] = "elsewhere"
        nbformat.write(book, self.server.root / path)

    def tags(self) -> list[tuple[str, str]]:
        """Every name in the store, with its image."""
        engine = EmbeddedEngine(self.store)
        try:
            return [(name, image.id) for image in engine.images() for name in image.names]
        finally:
            engine.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[JupyterServer, Path]]:
    folder = tmp_path_factory.mktemp("jupyter")
    store = tmp_path_factory.mktemp("store")
    engine = EmbeddedEngine(store)
    engine.import_image(io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]'])
    engine.close()
    with running_jupyter(folder, environment(store)) as running:
        yield running, store


def environment(store: Path) -> dict[str, str]:
    """What a kernel needs to use a store."""
    return {"DOCKER_CONTEXT": "embedded", "CONTAINER_MAGICS_ROOT": str(store)}


@pytest.fixture
def lab(
    server: tuple[JupyterServer, Path], browser: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Lab]:
    running, store = server
    opened: list[OpenNotebook] = []
    folder = request.node.name.replace("[", "-").rstrip("]")

    def open_notebook(
        cells: Sequence[str] = (), name: str = "test.ipynb", *, kernel: bool = True
    ) -> OpenNotebook:
        path = running.root / folder / name
        if cells:
            path.parent.mkdir(exist_ok=True)
            made = [nbformat.v4.new_code_cell(cell) for cell in (LOAD, *cells)]
            nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=METADATA), path)
        opened.append(OpenNotebook(browser, running, f"{folder}/{name}", kernel=kernel))
        return opened[-1]

    lab = Lab(running, store, open_notebook)
    yield lab
    for notebook in opened:
        notebook.close()
    lab.end_kernels()
