"""Hosting a registry as the chapter does it: `registry:2` at port 80, where names need no port."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import tarfile
import urllib.request
from pathlib import Path

import pytest

from tests.fixtures.busybox import busybox_tar
from tests.fixtures.engines import typed
from tests.fixtures.processes import wait_until
from tests.fixtures.registries import port_80

__all__ = ["port_80"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bases")]

RUN = "run -d -p 80:5000 --restart=always --name registry registry:2"
IMAGE = "localhost/user/image"


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.root),
        pytest.param("docker", marks=pytest.mark.docker),
    ]
)
def magics(request: pytest.FixtureRequest, tmp_path: Path):
    """`container-magics WORDS…` on an engine that has `registry:2`, or its stand-in."""
    chosen = {"DOCKER_CONFIG": str(tmp_path / "config")}
    if request.param == "docker":
        chosen["DOCKER_HOST"] = f"unix://{request.getfixturevalue('prepared_docker')}"
    else:
        chosen["DOCKER_CONTEXT"] = "embedded"
        chosen["CONTAINER_MAGICS_ROOT"] = str(request.getfixturevalue("prepared_store"))
    run = typed([sys.executable, "-m", "container_magics.cli"], chosen, tmp_path)
    yield run
    run("rm", "-f", "-v", "registry")
    run("rmi", "-f", IMAGE)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A root file system whose layer nobody else has."""
    content = io.BytesIO(busybox_tar())
    with tarfile.open(fileobj=content, mode="a") as files:
        files.addfile(tarfile.TarInfo("hosted"))
    path = tmp_path / "files.tar"
    path.write_bytes(content.getvalue())
    return path


def tags() -> list[str] | None:
    """The image's tags in the registry at port 80, or None where it does not answer."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open("http://localhost/v2/user/image/tags/list", timeout=5) as answer:
            return list(json.load(answer)["tags"])
    except urllib.error.HTTPError as refusal:
        return [] if refusal.code == 404 else None
    except OSError:
        return None


def test_the_registry_of_the_chapter(port_80, magics, archive):
    magics(*RUN.split())
    wait_until(lambda: tags() == [], "an empty registry at port 80")
    assert b":80->5000/tcp" in magics("ps", "--filter", "name=registry").stdout

    magics("import", "-c", 'CMD ["ls", "/hosted"]', os.fspath(archive), "image")
    magics("tag", "image", IMAGE)
    said = magics("push", IMAGE).stdout.decode()
    assert f"The push refers to repository [{IMAGE}]" in said
    assert "latest: digest: sha256:" in said
    assert tags() == ["latest"]
    magics("rmi", "image", IMAGE)
    assert "Pull complete" in magics("pull", IMAGE).stdout.decode()
    assert magics("run", "--rm", IMAGE).stdout == b"/hosted\n"

    magics("restart", "-t", "0", "registry")
    wait_until(lambda: tags() == ["latest"], "the image after a restart")

    state = ("inspect", "-f", "{{.State.Running}} {{.RestartCount}} {{.State.Pid}}", "registry")
    running, restarts, process = magics(*state).stdout.decode().split()
    assert (running, restarts) == ("true", "0")
    os.kill(int(process), signal.SIGKILL)
    wait_until(lambda: magics(*state).stdout.decode().split()[:2] == ["true", "1"], "it comes back")
    wait_until(lambda: tags() == ["latest"], "the image after its end")
    magics("rmi", IMAGE)
    assert "Pull complete" in magics("pull", IMAGE).stdout.decode()
    assert magics("run", "--rm", IMAGE).stdout == b"/hosted\n"
