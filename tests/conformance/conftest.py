"""Two engines with the same base image, `busybox:test`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from container_magics.engines.docker.building.buildkit import find_cli
from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.conftest import missing
from tests.fixtures.busybox import docker_with_busybox
from tests.fixtures.dockerd import temporary_dockerd
from tests.fixtures.embedding import embedded

from .oracles import Oracles
from .server import serving


@pytest.fixture(scope="session")
def began() -> float:
    """When the tests began: files from then on were made by a build."""
    return int(time.time())


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An embedded engine with a store of its own and the image `busybox:test`."""
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        yield engine


@pytest.fixture(scope="session")
def oracles() -> Iterator[Oracles]:
    """A dockerd, which builds with BuildKit, and the reference.

    The dockerd is nobody else's: a COPY that it has in its cache keeps that one's times.
    """
    if find_cli() is None:
        missing("no docker CLI with BuildKit: apt-get install docker.io")
    with temporary_dockerd() as socket, docker_with_busybox(socket) as engine:
        yield Oracles(engine)


@pytest.fixture(scope="session")
def places() -> Iterator[Mapping[str, str]]:
    """Where the tests' servers are."""
    with serving() as addresses:
        yield addresses
