"""Two engines with the same base image, `busybox:test`."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest

from container_magics.engines.docker import DockerEngine
from container_magics.engines.docker.buildkit import find_cli
from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.conftest import missing
from tests.fixtures.busybox import busybox_tar, missing_for_busybox


@pytest.fixture(scope="session")
def began() -> float:
    """When the tests began: files from then on were made by a build."""
    return int(time.time())


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An embedded engine with a store of its own and the image `busybox:test`."""
    if reason := missing_for_busybox():
        missing(reason)
    engine = EmbeddedEngine(tmp_path_factory.mktemp("store"))
    engine.import_image(io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]'])
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def buildkit_engine(docker_engine: DockerEngine) -> DockerEngine:
    """The tests' Docker engine, that builds with BuildKit."""
    if find_cli() is None:
        missing("no docker CLI with BuildKit: apt-get install docker.io")
    return docker_engine
