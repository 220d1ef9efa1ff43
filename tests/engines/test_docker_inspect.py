"""What inspect shows: the embedded engine's documents have Docker's keys, in Docker's order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest, Ulimit
from container_magics.engines.docker import DockerEngine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from container_magics.engines.run_request import Mount, Publish, RunRequest, Tmpfs, Volume
from tests.fixtures.embedding import embedded
from tests.fixtures.living import alone
from tests.fixtures.processes import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.root]

IMAGE = "inspected:test"
DOCKERFILE = """\
FROM busybox:test
MAINTAINER me
ENV A=b
LABEL l=m
EXPOSE 80
VOLUME /data
WORKDIR /w
USER 0
HEALTHCHECK --interval=0.1s --timeout=9s --start-period=1s --retries=2 CMD true
STOPSIGNAL SIGINT
SHELL ["/bin/sh", "-e", "-c"]
ONBUILD RUN true
ENTRYPOINT ["sh", "-c"]
CMD ["sleep 100"]
"""
NAMED_BY_PEOPLE = {"Labels", "ExposedPorts", "Volumes", "Ports", "PortBindings", "Tmpfs"}
"""The keys of these are names or ports."""
OF_THE_DRIVER = {"Data"}
NOT_HERE = {
    "ResolvConfPath": "made anew at each start, and kept nowhere",
    "HostnamePath": "the same",
    "HostsPath": "the same",
    "ExecIDs": "what is executed has no ID",
    "HostConfig.Runtime": "there is no OCI runtime",
    "HostConfig.MaskedPaths": "they depend on the rung, and cannot be chosen",
    "HostConfig.ReadonlyPaths": "the same",
    "Config.AttachStdin": "it is not kept who was attached at the start",
    "Config.AttachStdout": "the same",
    "Config.AttachStderr": "the same",
}
ONLY_HERE = {
    "State.Shim": "the process that looks after the container",
    "State.Supervisor": "its init's parent",
    "State.Listener": "its listener",
    "State.Groups": "its control groups",
    "Config.Shell": "what runs its health check",
}


@pytest.fixture
def engines(
    docker_engine: DockerEngine, tmp_path: Path
) -> Iterator[tuple[DockerEngine, EmbeddedEngine]]:
    with embedded(tmp_path / "store") as ours, alone(docker_engine) as theirs:
        yield theirs, ours
        theirs.remove_image(IMAGE, force=True)


def built(engine: Engine) -> str:
    request = BuildRequest(DOCKERFILE, tags=(IMAGE,))
    return engine.build(request, lambda _: None, Cancellation()).made.id


def keys(document: Any, path: str = "") -> list[str]:
    """Every key, with those above it, in their order."""
    found: list[str] = []
    if isinstance(document, dict):
        for key, value in document.items():
            # A network's name is none of the engine's keys.
            below = f"{path}.*" if path.endswith("Networks") else f"{path}.{key}".lstrip(".")
            found.append(below)
            if key not in NAMED_BY_PEOPLE | OF_THE_DRIVER:
                found += keys(value, below)
    elif isinstance(document, list):
        for value in sorted(document, key=str):
            found += keys(value, f"{path}[]")
    return list(dict.fromkeys(found))


def without(found: list[str], exceptions: dict[str, str]) -> list[str]:
    left = [key for key in found if not any(f"{key}.".startswith(f"{e}.") for e in exceptions)]
    assert left != found, "an exception that is none any more"
    return left


def test_images(engines):
    theirs, ours = (engine.inspect(built(engine)) for engine in engines)
    assert keys(ours) == keys(theirs)
    for key in ("Config", "ContainerConfig", "Author", "Comment", "Parent", "Container"):
        assert ours[key] == theirs[key]


def test_containers(engines, tmp_path):
    (tmp_path / "shared").mkdir()
    request = RunRequest(
        IMAGE,
        ("sleep 100",),
        mounts=(Mount(tmp_path / "shared", "/shared", read_only=True),),
        volumes=(Volume("", "/fresh"),),
        tmpfs=(Tmpfs("/quick", 1 << 20),),
        publish=(Publish(80),),
        hosts={"db": "10.0.0.1"},
        ulimits=(Ulimit("nofile", 100, 200),),
        stop_timeout=1,
        init=True,
    )
    documents = []
    for engine in engines:
        built(engine)
        container = engine.create(request, lambda _: None, Cancellation())
        documents.append([engine.inspect(container)])
        engine.start(container)
        wait_until(
            lambda engine=engine, container=container: (
                engine.container(container).health == "healthy"
            ),
            "its health",
        )
        documents[-1].append(engine.inspect(container))
    for theirs, ours in zip(*documents, strict=True):
        assert without(keys(ours), ONLY_HERE) == without(keys(theirs), NOT_HERE)
        for key in ("Binds", "Mounts", "PortBindings", "RestartPolicy", "Ulimits", "ExtraHosts"):
            assert ours["HostConfig"][key] == theirs["HostConfig"][key]
        assert ours["Config"]["OnBuild"] is theirs["Config"]["OnBuild"] is None
