"""`push` in a terminal on every engine; the other engine pulls and runs what was pushed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.docker import DockerEngine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import RunRequest
from tests.fixtures.embedding import Heard
from tests.fixtures.engines import context, environment, magics
from tests.fixtures.registry import PASSWORD, free_port, running_registry
from tests.fixtures.skopeo import skopeo

__all__ = ["context", "environment", "magics"]

pytestmark = [pytest.mark.registry, pytest.mark.docker, pytest.mark.root]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def other(
    environment: dict[str, str], docker_socket: Path, tmp_path: Path
) -> Iterator[DockerEngine | EmbeddedEngine]:
    """The engine that has not pushed."""
    if "DOCKER_HOST" in environment:
        engine: DockerEngine | EmbeddedEngine = EmbeddedEngine(tmp_path / "other")
    else:
        engine = DockerEngine("other", f"unix://{docker_socket}")
    yield engine
    engine.close()


def test_what_one_engine_pushes_the_other_runs(magics, context, registry, other):
    name = f"{registry}/me/{type(other).__name__.lower()}:v1"
    magics("build", "-q", "-t", name, os.fspath(context))
    said = magics("push", name).stdout.decode()
    assert said.startswith(f"The push refers to repository [{name[:-3]}]\n")
    assert re.search(r"^[0-9a-f]{12}: Pushed$", said, re.MULTILINE)
    closing = re.search(r"^v1: digest: (sha256:[0-9a-f]{64}) size: [0-9]+$", said, re.MULTILINE)
    assert closing, said
    again = magics("push", name).stdout.decode()
    assert "Layer already exists" in again
    assert "Pushed" not in again
    assert magics("push", "-q", name).stdout.decode() == f"{name}\n"

    told = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))
    assert told["Digest"] == closing[1]
    listed = json.loads(magics("inspect", name).stdout)
    assert f"{name[:-3]}@{closing[1]}" in listed[0]["RepoDigests"]
    pulled = other.pull(name, lambda _: None, Cancellation())
    assert pulled.id == listed[0]["Id"]
    heard = Heard()
    result = other.run(RunRequest(name, remove=True), heard, Cancellation())
    assert (result.returncode, heard.output()) == (0, "hello\n")
    other.remove_image(name, force=True)


def test_another_repository_and_all_tags(magics, context, registry):
    name = f"{registry}/me/first"
    magics("build", "-q", "-t", f"{name}:1", "-t", f"{name}:2", os.fspath(context))
    said = magics("push", "--all-tags", name).stdout.decode()
    assert re.findall(r"^([12]): digest: ", said, re.MULTILINE) == ["1", "2"]
    magics("tag", f"{name}:1", f"{registry}/you/second:1")
    assert "Mounted from me/first" in magics("push", f"{registry}/you/second:1").stdout.decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{host}/no/such"], "An image does not exist locally with the tag: {host}/no/such"),
        (["{host}/here/app:2"], "tag does not exist: {host}/here/app:2"),
    ],
)
def test_what_is_not_here(magics, context, registry, words, said):
    magics("build", "-q", "-t", f"{registry}/here/app:1", os.fspath(context))
    done = magics("push", *(word.format(host=registry) for word in words), code=1)
    assert said.format(host=registry) in done.stderr.decode()


def test_nobody_there(magics, context):
    name = f"127.0.0.1:{free_port()}/a:1"
    magics("build", "-q", "-t", name, os.fspath(context))
    said = magics("push", name, code=1).stderr.decode()
    assert f"cannot push {name}" in said
    assert "connection refused" in said


def test_a_registry_that_wants_a_login(magics, context, tmp_path):
    with running_registry(tmp_path / "locked", locked=True) as host:
        name = f"{host}/me/app:1"
        magics("build", "-q", "-t", name, os.fspath(context))
        said = magics("push", name, code=1).stderr.decode()
        assert "unauthorized: authentication required" in said or "no basic auth" in said
        assert f"docker login {host}" in said
        magics("login", "-u", "me", "--password-stdin", host, stdin=PASSWORD.encode())
        done = magics("push", name)
        assert b": Pushed" in done.stdout
        assert PASSWORD not in (done.stdout + done.stderr).decode()
        magics("logout", host)
