"""`layers` as a command: its flags, its JSON, its thresholds."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from container_magics.cli import main
from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.engines.embedded.material import docker_archive, image_config, layer_tar
from tests.fixtures.embedding import embedded


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    layers = (layer_tar({"a": b"x" * 500, "b": b"z" * 9000}), layer_tar({"a": b"y" * 700}))
    with embedded(root) as engine:
        assert isinstance(engine, EmbeddedEngine)
        archive = docker_archive(image_config(*layers), layers, tags=("application:v1",))
        engine.load(io.BytesIO(archive))
    return root


@pytest.fixture
def run(store, monkeypatch, capsys):
    monkeypatch.setenv("CONTAINER_MAGICS_ROOT", str(store))
    monkeypatch.setenv("DOCKER_CONTEXT", "embedded")
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def run(*words):
        code = main(["layers", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_terminal_gets_a_table(run):
    code, out, err = run("application:v1")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == (
        "application:v1: 10.2kB in 2 layers, efficiency 93.14%, 1.2kB wasted"
    )
    assert out.splitlines()[1].split() == [
        *("LAYER", "SIZE", "ADDED", "CHANGED", "REMOVED", "INSTRUCTION")
    ]


def test_json_has_dive_s_keys(run):
    _, out, _ = run("application:v1", "--json")
    said = json.loads(out)
    assert said["image"]["sizeBytes"] == 10_200
    assert said["image"]["inefficientBytes"] == 1200
    assert said["image"]["fileReference"] == [{"count": 2, "sizeBytes": 1200, "file": "/a"}]
    assert [layer["sizeBytes"] for layer in said["layer"]] == [9500, 700]
    assert said["layer"][1]["changed"] == 1


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["--lowest-efficiency", "0.95"], "--lowest-efficiency"),
        (["--highest-wasted-bytes", "1kB"], "--highest-wasted-bytes"),
        (["--highest-wasted-bytes=1199"], "--highest-wasted-bytes"),
        (["--highest-user-wasted-percent", "0.5"], "--highest-user-wasted-percent"),
        (["--ci"], "--highest-user-wasted-percent"),
    ],
)
def test_a_threshold_that_is_broken_fails(run, words, word):
    code, _, err = run("application:v1", *words)
    assert code == 1
    assert word in err
    assert "1.2kB /a" in err


@pytest.mark.parametrize(
    "words",
    [
        ["--lowest-efficiency", "0.9"],
        ["--highest-wasted-bytes", "2kB"],
        ["--ci", "--highest-user-wasted-percent", "disabled"],
    ],
)
def test_a_threshold_that_holds_passes(run, words):
    assert run("application:v1", *words)[0] == 0


@pytest.mark.parametrize(
    "words", [["--lowest-efficiency", "2"], ["--highest-wasted-bytes", "lots"]]
)
def test_a_threshold_that_makes_no_sense_is_told(run, words):
    code, _, err = run("application:v1", *words)
    assert code == 125
    assert f'invalid argument "{words[1]}"' in err


def test_an_unknown_image_has_the_nearest_name(run):
    code, _, err = run("aplication:v1")
    assert code == 1
    assert "No such image: aplication:v1" in err
    assert "Did you mean application:v1?" in err
