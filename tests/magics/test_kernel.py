"""The magics in a real Jupyter kernel, driven by nbclient: what the notebook file holds."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELLS = [
    "%load_ext container_magics",
    "%docker build -q -t box:1 .",
    "%docker images",
    "r = %docker run --rm box:1",
    "r",
    "%%dockerfile -t cell:1\nFROM box:1\nRUN echo from the step",
    "%docker run --rm box:1 sh -c 'exit 3'",
    "%%dockerfile\nFROM box:1\nRUN printf 'red \\033[31mtext\\n'; exit 4",
    "%docker inspect -f '{{json .Config.Cmd}}' box:1",
    "%docker run --rm box:1 sh -c 'echo 1; sleep 0.3; echo 2 >&2; sleep 0.3; echo 3'",
]


@pytest.fixture(scope="module")
def outputs(environment: dict[str, str], context: Path) -> dict[str, list]:
    """The outputs of each cell, by its first line."""
    root = str(Path(__file__).parents[2])
    env = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    env |= environment | {"PYTHONPATH": root}
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        book, allow_errors=True, timeout=120, resources={"metadata": {"path": str(context)}}
    )
    client.execute(env=env)
    return {cell.source: cell.outputs for cell in book.cells}


def test_a_table_is_html_with_dockers_text_beside_it(outputs):
    (shown,) = outputs["%docker images"]
    assert shown.output_type == "display_data"
    assert shown.data["text/html"].startswith("<table")
    assert shown.data["text/plain"].startswith("REPOSITORY")


def test_run_keeps_its_streams_apart_and_its_value_short(outputs):
    streams = {shown.name: shown.text for shown in outputs["r = %docker run --rm box:1"]}
    assert streams == {"stdout": "hello\n", "stderr": "oops\n"}
    (value,) = outputs["r"]
    assert value.data["text/plain"] == "RunOutput(returncode=0)"


def test_streams_come_in_their_order(outputs):
    texts = [(shown.name, shown.text) for shown in outputs[CELLS[-1]]]
    assert texts == [("stdout", "1\n"), ("stderr", "2\n"), ("stdout", "3\n")]


def test_a_build_is_displays_with_text_beside_them(outputs):
    shown = outputs[CELLS[5]]
    assert {each.output_type for each in shown} == {"display_data"}
    assert all({"text/html", "text/plain"} <= set(each.data) for each in shown)
    assert "cell:1" in shown[-1].data["text/plain"]


def test_a_failure_is_a_message_without_frames(outputs):
    (error,) = outputs[CELLS[6]]
    assert error.output_type == "error"
    assert error.ename == "RunError"
    assert error.traceback == ["RunError: box:1 sh -c exit 3: exited with status 3"]
    *_, error = outputs[CELLS[7]]
    assert error.ename == "StepFailedError"
    assert not any(".py" in line or "\x1b" in line for line in error.traceback)


def test_a_value_of_text_is_text(outputs):
    (shown,) = outputs[CELLS[8]]
    assert shown.data["text/plain"] == '["sh","-c","echo hello; echo oops >&2"]'


def test_run_all_stops_at_a_failure(environment, context):
    env = os.environ | environment | {"PYTHONPATH": str(Path(__file__).parents[2])}
    cells = ["%load_ext container_magics", "%docker run nothing/here:0 \\\n  ls", "reached = 1"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(book, timeout=120, resources={"metadata": {"path": str(context)}})
    with pytest.raises(CellExecutionError, match="nothing/here:0"):
        client.execute(env=env)
    assert book.cells[2].execution_count is None
