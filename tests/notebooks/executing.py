"""Executing a notebook on each engine, and finding what its cells showed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

__all__ = ["DOCKER", "EMBEDDED", "Executed", "execute"]

REPOSITORY = Path(__file__).parents[2]
EMBEDDED = pytest.param("embedded")
DOCKER = pytest.param("docker", marks=pytest.mark.docker)


class Executed:
    """A notebook's outputs, found by the beginning of their cells."""

    def __init__(self, book: nbformat.NotebookNode) -> None:
        self.cells = [cell for cell in book.cells if cell.cell_type == "code"]

    def _starting(self, start: str) -> list[nbformat.NotebookNode]:
        return [cell for cell in self.cells if cell.source.startswith(start)]

    def texts(self, start: str) -> list[str]:
        """What each cell that begins so printed and displayed, as text."""
        return [
            "".join(
                output.get("text", "") or output.get("data", {}).get("text/plain", "") + "\n"
                for output in cell.outputs
            )
            for cell in self._starting(start)
        ]

    def text(self, start: str) -> str:
        """The same of the only cell that begins so."""
        (text,) = self.texts(start)
        return text

    def html(self, start: str) -> str:
        """The value of the only cell that begins so, as HTML."""
        (cell,) = self._starting(start)
        return str(cell.outputs[-1].data["text/html"])

    @property
    def errors(self) -> list[str]:
        """The failures that stopped a cell."""
        return [
            output.evalue
            for cell in self.cells
            for output in cell.outputs
            if output.output_type == "error"
        ]


@pytest.fixture(scope="module")
def execute(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Executed]]:
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

    execute.environment = chosen
    yield execute
    if "DOCKER_HOST" in chosen:  # Other tests list the containers of this dockerd.
        docker = ["/usr/bin/docker", "-H", chosen["DOCKER_HOST"]]
        listed = subprocess.run([*docker, "ps", "-aq"], check=True, capture_output=True)
        if found := listed.stdout.decode().split():
            subprocess.run([*docker, "rm", "-f", *found], check=True, capture_output=True)
