"""What is here of an image is found by its upstream name, also where that is its stand-in."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from container_magics.errors import UnreachableError
from container_magics.lab.aliases import stand_in
from container_magics.reference import parse
from tests.fixtures.embedding import Heard, embedded
from tests.fixtures.engines import context, environment, magics

__all__ = ["context", "environment", "magics"]

NAME = "alpine:3.18.0"
STAND_IN = stand_in(parse(NAME))


@pytest.fixture
def here(magics, environment: dict[str, str], context: Path):
    """The stand-in's ID; one that is busybox, in its place."""
    labels = [f"--label={name}={value}" for name, value in STAND_IN.labels.items()]
    magics("build", "-q", "-t", STAND_IN.name, *labels, os.fspath(context))
    names = [STAND_IN.name]
    if "DOCKER_HOST" in environment:  # As `lab prepare` does it: this engine knows no stand-ins.
        magics("tag", STAND_IN.name, NAME)
        names.append(NAME)
    yield magics("image", "inspect", "-f", "{{.Id}}", STAND_IN.name).stdout
    magics("rmi", "-f", *names)


def test_verbs_that_look_at_what_is_here(magics, environment, here):
    assert magics("image", "inspect", "-f", "{{.Id}}", NAME).stdout == here
    assert magics("inspect", "-f", "{{.Id}}", f"docker.io/library/{NAME}").stdout == here
    assert b"busybox" in magics("history", "--no-trunc", NAME).stdout
    assert magics("layers", "--json", NAME).stdout
    said = magics("tag", NAME, "localhost/me/mine:1").stderr.decode()
    if "DOCKER_HOST" not in environment:
        assert said == f"{NAME}: a stand-in, not the image itself: {STAND_IN.summary}\n"
    assert magics("image", "inspect", "-f", "{{.Id}}", "localhost/me/mine:1").stdout == here
    magics("rmi", "localhost/me/mine:1")
    assert f"stand-in for {NAME}".encode() in magics("images", STAND_IN.name).stdout


def test_what_is_saved_says_what_it_is(magics, environment, here):
    with tarfile.open(fileobj=io.BytesIO(magics("save", NAME).stdout)) as archive:
        (image,) = json.load(archive.extractfile("manifest.json"))
        config = json.load(archive.extractfile(image["Config"]))
    assert image["RepoTags"] == [NAME if "DOCKER_HOST" in environment else STAND_IN.name]
    assert STAND_IN.labels.items() <= config["config"]["Labels"].items()


def test_no_other_image_is_removed_than_was_named(magics, environment, here):
    if "DOCKER_HOST" in environment:
        assert magics("rmi", NAME).stdout == f"Untagged: {NAME}\n".encode()
    else:
        said = magics("rmi", NAME, code=1).stderr.decode()
        assert f"No such image: {NAME}" in said
        assert f"Its stand-in is here: {STAND_IN.name}" in said
    assert magics("image", "inspect", "-f", "{{.Id}}", STAND_IN.name).stdout == here


def test_never_to_pull_is_never_to_take_a_stand_in(magics, environment, here):
    if "DOCKER_HOST" not in environment:
        said = magics("run", "--rm", "--pull=never", NAME, "true", code=125).stderr.decode()
        assert f"No such image: {NAME}" in said
        assert "There is a stand-in" in said


def test_an_image_of_that_name_counts_for_more(magics, context, here):
    magics("build", "-q", "-t", NAME, "--label=a=b", os.fspath(context))
    assert magics("image", "inspect", "-f", "{{.Config.Labels.a}}", NAME).stdout == b"b\n"
    magics("rmi", NAME)


@pytest.mark.root
def test_where_no_registry_answers_a_line_says_what_there_is(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with embedded(tmp_path / "store") as engine:
        with pytest.raises(UnreachableError) as failed:
            engine.pull(NAME, Heard(), Cancellation())
        assert failed.value.hint.endswith(f"container-magics lab prepare {NAME}")
        engine.tag("busybox:test", STAND_IN.name)
        with pytest.raises(UnreachableError) as failed:
            engine.pull(NAME, Heard(), Cancellation())
        assert f"Its stand-in is here, as {STAND_IN.name}" in failed.value.hint
        heard = Heard()
        engine.create(RunRequest(NAME, ("true",)), heard, Cancellation())
    (warning,) = [text for text in heard.messages if text.startswith("WARNING")]
    assert STAND_IN.summary in warning
    assert "no answer from registry-1.docker.io" in warning
    assert "proxyconnect" not in warning
