"""The first notebook, executed on each engine: real compiling, real images, real containers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = REPOSITORY / "notebooks" / "01-small-images.ipynb"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bases")]


@pytest.fixture(
    scope="module",
    params=[
        "embedded",
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def outputs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list]:
    """The outputs of each code cell, by the cell's text."""
    chosen = {"DOCKER_CONFIG": str(tmp_path_factory.mktemp("docker-config"))}
    if request.param == "docker":
        chosen["DOCKER_HOST"] = f"unix://{request.getfixturevalue('prepared_docker')}"
    else:
        chosen["DOCKER_CONTEXT"] = "embedded"
        chosen["CONTAINER_MAGICS_ROOT"] = str(request.getfixturevalue("prepared_store"))
    env = {k: v for k, v in os.environ.items() if k not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    book = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}})
    paths = [str(REPOSITORY), *filter(None, [env.get("PYTHONPATH")])]
    client.execute(env=env | chosen | {"PYTHONPATH": os.pathsep.join(paths)})
    return {cell.source: cell.outputs for cell in book.cells if cell.cell_type == "code"}


def _starting(outputs: Mapping[str, list], start: str) -> list:
    (found,) = [shown for source, shown in outputs.items() if source.startswith(start)]
    return found


def _text(shown: list) -> str:
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in shown
    )


@pytest.mark.parametrize("tag", ["single_stage", "multi_stage", "distroless"])
def test_each_image_is_built_and_greets(outputs, tag):
    built = _starting(outputs, f"%%dockerfile -t go-hello-world:{tag} .")
    assert f"✓ Built go-hello-world:{tag}" in built[-1].data["text/plain"]
    ran = _starting(outputs, f"%docker run --rm go-hello-world:{tag}")
    assert [(each.name, each.text) for each in ran] == [("stdout", "Hello, World!\n")]


def test_no_cell_failed(outputs):
    assert not [
        shown for each in outputs.values() for shown in each if shown.output_type == "error"
    ]


def test_a_later_build_takes_the_compiling_from_the_cache(outputs):
    shown = _starting(outputs, "%%dockerfile -t go-hello-world:multi_stage .")
    (compiling,) = [each for each in shown if "go build" in each.data["text/plain"]]
    assert "CACHED" in compiling.data["text/plain"]


def test_sizes_differ_as_the_story_says(outputs):
    sizes = {}
    for tag in ("single_stage", "multi_stage", "distroless"):
        built = _starting(outputs, f"%%dockerfile -t go-hello-world:{tag} .")[-1]
        number, unit = re.search(r"Size +([\d.]+)(MB|GB)", built.data["text/plain"]).groups()
        sizes[tag] = float(number) * {"MB": 1, "GB": 1000}[unit]
    assert sizes["single_stage"] > 600
    assert sizes["single_stage"] / sizes["multi_stage"] > 50
    assert 20 < sizes["single_stage"] / sizes["distroless"] < 60
    assert sizes["multi_stage"] < sizes["distroless"]


def test_a_distroless_image_has_no_shell_and_the_other_has(outputs):
    failing = [each for each in outputs if "--no-raise-error --entrypoint sh" in each]
    (shown,) = outputs[failing[0]]
    assert shown.name == "stderr"
    assert "executable file not found" in shown.text
    (shown,) = _starting(outputs, "%docker run --rm --entrypoint sh go-hello-world:multi_stage")
    assert shown.text == "hello from a shell\n"


def test_history_has_a_row_for_each_instruction(outputs):
    (shown,) = _starting(outputs, "%docker history go-hello-world:single_stage")
    rows = shown.data["text/plain"].splitlines()
    assert rows[0].split() == ["IMAGE", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"]
    for row, instruction in zip(rows[1:], ("CMD", "RUN", "COPY app.go", "WORKDIR"), strict=False):
        assert instruction in row
    assert shown.data["text/html"].count("<tr>") == len(rows)


def test_images_are_listed_and_drawn(outputs):
    listed = _text(_starting(outputs, "images = %docker images"))
    # Docker orders by the second; two of them are often made in the same one.
    assert sorted(line.split()[:2] for line in listed.splitlines()[1:]) == [
        ["go-hello-world", tag] for tag in ("distroless", "multi_stage", "single_stage")
    ]
    (chart,) = _starting(outputs, "import container_magics as cm")
    assert chart.data["image/png"].startswith("iVBORw0KGgo")
    assert re.fullmatch(
        r"The largest is \d+ times the smallest\.\n", _text(_starting(outputs, "largest, smallest"))
    )
