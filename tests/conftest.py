"""What all tests share: parts that a machine may lack, and a Docker engine.

A test whose marker names a part that is missing here is skipped with the reason; where
`CI=true` or `CONTAINER_MAGICS_TESTS_REQUIRE=1` it fails instead.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.docker import DockerEngine
from tests.fixtures.bases import prepared_docker, prepared_store
from tests.fixtures.busybox import busybox_tar, missing_for_busybox
from tests.fixtures.dockerd import missing_for_dockerd, running_dockerd

__all__ = ["prepared_docker", "prepared_store"]


def _root() -> str:
    return "" if os.geteuid() == 0 else "needs root"


def _program(*names: str) -> str:
    if any(shutil.which(name) for name in names):
        return ""
    return f"no {names[0]} here: apt-get install {names[0]}"


MISSING = {
    "docker": missing_for_dockerd,
    "registry": lambda: _program("docker-registry"),
    "browser": lambda: _program("chromium"),
    "unprivileged": _root,
    "root": _root,
}


def missing(reason: str) -> None:
    """Skip the test for lack of a part, or fail it where all parts must be there."""
    if os.environ.get("CI") == "true" or os.environ.get("CONTAINER_MAGICS_TESTS_REQUIRE") == "1":
        pytest.fail(f"missing part: {reason}", pytrace=False)
    pytest.skip(reason)


def pytest_configure() -> None:
    """Take SIGINT, which a shell's background job ignores and hands on to every child."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, check in MISSING.items():
        if item.get_closest_marker(marker) and (reason := check()):
            missing(reason)


@pytest.fixture(scope="session")
def docker_socket() -> Iterator[Path]:
    """The socket of a dockerd that this test session started; marks nothing: use `docker` too."""
    if reason := missing_for_dockerd():
        missing(reason)
    root = Path(tempfile.mkdtemp(prefix="cm-docker-", dir="/tmp"))
    try:
        with running_dockerd(root) as path:
            yield path
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def docker_engine(docker_socket: Path) -> Iterator[DockerEngine]:
    """An engine on the tests' dockerd, that has the image `busybox:test`."""
    if reason := missing_for_busybox():
        missing(reason)
    engine = DockerEngine("tests", f"unix://{docker_socket}")
    engine.import_image(io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]'])
    yield engine
    engine.close()
