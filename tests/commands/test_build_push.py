"""`docker build --push` on every builder: what was built is in the registry under each name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

import pytest

from tests.fixtures.engines import context, environment, magics
from tests.fixtures.registry import free_port, running_registry
from tests.fixtures.skopeo import skopeo

__all__ = ["context", "environment", "magics"]

pytestmark = [pytest.mark.registry, pytest.mark.root]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


def digest_of(name: str) -> str:
    return str(json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{name}"))["Digest"])


@pytest.mark.parametrize("buildkit", ["1", "0"])
def test_every_name_is_pushed(magics, context, registry, buildkit, monkeypatch):
    monkeypatch.setenv("DOCKER_BUILDKIT", buildkit)
    first, second = f"{registry}/built/a{buildkit}:1", f"{registry}/built/b{buildkit}"
    words = ["-t", first, "-t", second, "--metadata-file", "meta", os.fspath(context)]
    said = magics("build", "--push", *words).stdout.decode()
    assert re.findall(r"^The push refers to repository \[(.*)]$", said, re.MULTILINE) == [
        first.removesuffix(":1"),
        second,
    ]
    closing = re.findall(r"^(\w+): digest: (sha256:[0-9a-f]{64}) size: ", said, re.MULTILINE)
    assert closing == [("1", digest_of(first)), ("latest", digest_of(second))]
    document = json.loads((magics.home / "meta").read_text())
    assert document["containerimage.digest"] == digest_of(first)
    magics("rmi", first, second)


def test_an_output_says_the_same_and_may_say_it_quietly(magics, context, registry):
    name = f"{registry}/built/output:1"
    done = magics("build", "-q", "-o", f"type=registry,name={name}", os.fspath(context))
    assert done.stdout == magics("image", "inspect", "-f", "{{.Id}}", name).stdout
    digests = json.loads(magics("image", "inspect", name).stdout)[0]["RepoDigests"]
    assert f"{registry}/built/output@{digest_of(name)}" in digests


def test_what_was_not_built_is_not_pushed(magics, registry):
    (magics.home / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    done = magics("build", "--push", "-t", f"{registry}/built/never:1", ".", code=1)
    assert b"The push refers to" not in done.stdout


def test_what_was_not_pushed_is_still_here(magics, context):
    name = f"127.0.0.1:{free_port()}/built/here:1"
    done = magics("build", "--push", "-t", name, "--iidfile", "id", os.fspath(context), code=1)
    assert f"cannot push {name}" in done.stderr.decode()
    assert not (magics.home / "id").exists()
    assert magics("image", "inspect", "-f", "{{.Id}}", name).stdout
