"""The notebooks that look at images, executed: what they say is so."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


class Executed:
    """A notebook's outputs, found by the beginning of their cells."""

    def __init__(self, book: nbformat.NotebookNode) -> None:
        self.cells = [cell for cell in book.cells if cell.cell_type == "code"]

    def text(self, start: str) -> str:
        """What the only cell that begins so printed and displayed, as text."""
        (cell,) = [cell for cell in self.cells if cell.source.startswith(start)]
        return "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "") + "\n"
            for output in cell.outputs
        )

    @property
    def errors(self) -> list[str]:
        return [
            output.evalue
            for cell in self.cells
            for output in cell.outputs
            if output.output_type == "error"
        ]


EMBEDDED = pytest.param("embedded")
DOCKER = pytest.param("docker", marks=pytest.mark.docker)


@pytest.fixture(scope="module")
def execute(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Executed]:
    """Execute a notebook in a folder of its own."""
    chosen = {"DOCKER_CONFIG": str(tmp_path_factory.mktemp("docker-config"))}
    if request.param == "docker":
        chosen["DOCKER_HOST"] = f"unix://{request.getfixturevalue('prepared_docker')}"
        chosen["CONTAINER_MAGICS_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    else:
        chosen["DOCKER_CONTEXT"] = "embedded"
        chosen["CONTAINER_MAGICS_ROOT"] = str(request.getfixturevalue("prepared_store"))
    env = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    paths = [str(REPOSITORY), *filter(None, [env.get("PYTHONPATH")])]

    def execute(name: str) -> Executed:
        book = nbformat.read(REPOSITORY / "notebooks" / f"{name}.ipynb", as_version=4)
        assert not any(cell.get("outputs") for cell in book.cells)
        assert "widgets" not in book.metadata
        folder = tmp_path_factory.mktemp(name)
        client = NotebookClient(
            book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        client.execute(env=env | chosen | {"PYTHONPATH": os.pathsep.join(paths)})
        return Executed(book)

    return execute


@pytest.mark.parametrize("execute", [EMBEDDED, DOCKER], indirect=True)
def test_architecture_and_layers(execute):
    done = execute("02-architecture-and-layers")
    assert done.errors == []
    rows, layers = re.search(r"(\d+) rows of history, (\d+) layers", done.text("page = ")).groups()
    assert int(rows) >= 9 > int(layers)
    assert "All 3 variants print the same" in done.text("deleting = ")
    wasted = done.text("%layers deleting:deleted-later")
    assert "20MB wasted" in wasted
    assert "shared" in done.text("%compare page:1 page:2").lower()
    writable = done.text("cm.layers(scribbled.container)")
    assert re.search(r"\s1 +0 +1 +the container's writable layer", writable)
    assert "index.html" in done.text("%docker run --rm page:1 ls")


# On one engine: the commands and views in them are tested on both.
@pytest.mark.parametrize("execute", [EMBEDDED], indirect=True)
def test_cache(execute):
    done = execute("04-cache")
    assert done.errors == []
    times = dict(re.findall(r"'([a-z ]+)': '([\d.]+) s'", done.text("import time")))
    # The RUN sleeps for two seconds, where it runs.
    assert float(times["seldom first"]) < 2 <= float(times["all at once"])
    stepped = done.text("%%dockerfile --step")
    assert "RUN rm needs.txt" in stepped
    stages = done.text("%%dockerfile --stages")
    assert re.search(r"\btest\b.*\bno\b", stages)


@pytest.mark.parametrize("execute", [EMBEDDED], indirect=True)
def test_distroless(execute):
    done = execute("07-distroless")
    assert done.errors == []
    compared = done.text("BUILD = ")
    assert "All 4 variants print the same" in compared
    assert "no such file" in done.text("%docker run --rm --no-raise-error needs-libc").lower()
    assert "executable file not found" in done.text("%docker run --rm --no-raise-error --entryp")
    assert done.text("%docker run --rm hello:scratch").strip() == "Hello, World!"
    assert "only in A" in done.text("two.difference()")
    assert "build" in done.text("cm.stages(variants")
