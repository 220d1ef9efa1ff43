"""What all tests share: parts that a machine may lack, and a Docker engine.

A test whose marker names a part that is missing here is skipped with the reason; where
`CI=true` or `CONTAINER_MAGICS_TESTS_REQUIRE=1` it fails instead.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from container_magics.engines.docker import DockerEngine
from tests.fixtures.bases import prepared_docker, prepared_store
from tests.fixtures.busybox import docker_with_busybox, missing_for_busybox
from tests.fixtures.dockerd import missing_for_dockerd, temporary_dockerd
from tests.fixtures.podman import missing_for_podman

__all__ = ["prepared_docker", "prepared_store"]

# How long an example takes says how busy the machine is.
settings.register_profile("any", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any")

pytest_plugins = ["tests.conformance.summary"]


CASES_IN_A_GROUP = 100


def _root() -> str:
    return "" if os.geteuid() == 0 else "needs root"


def _program(*names: str) -> str:
    if any(shutil.which(name) for name in names):
        return ""
    return f"no {names[0]} here: apt-get install {names[0]}"


MISSING = {
    "docker": missing_for_dockerd,
    "podman": missing_for_podman,
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share the tests among processes: `pytest -n 2 --dist loadgroup --no-loadscope-reorder`.

    A file goes to one process, what needs the prepared bases too (marked where a fixture asks for
    them by itself), the conformance cases by the hundred; what takes long begins first.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(_group(item, groups), []).append(item)
    for name, members in groups.items():
        for item in members:
            item.add_marker(pytest.mark.xdist_group(name))
    items[:] = [item for group in sorted(groups.values(), key=_slowness) for item in group]


def _group(item: pytest.Item, groups: Mapping[str, Sequence[pytest.Item]]) -> str:
    if chosen := item.get_closest_marker("xdist_group"):
        return str(chosen.args[0])
    if {"prepared_store", "prepared_docker"} & set(getattr(item, "fixturenames", ())):
        return "bases"
    name = str(item.path.relative_to(item.config.rootpath))
    if item.path.name != "test_conformance.py":
        return name
    number = 1
    while len(groups.get(f"{name}-{number}", ())) >= CASES_IN_A_GROUP:
        number += 1
    return f"{name}-{number}"


def _slowness(group: Sequence[pytest.Item]) -> int:
    """Less for what has more slow tests."""
    return -sum(item.get_closest_marker("slow") is not None for item in group)


@pytest.fixture(scope="session")
def docker_socket() -> Iterator[Path]:
    """The socket of a dockerd that this test session started; marks nothing: use `docker` too."""
    if reason := missing_for_dockerd():
        missing(reason)
    with temporary_dockerd() as path:
        yield path


@pytest.fixture(scope="session")
def docker_engine(docker_socket: Path) -> Iterator[DockerEngine]:
    """An engine on the tests' dockerd, that has the image `busybox:test`."""
    if reason := missing_for_busybox():
        missing(reason)
    with docker_with_busybox(docker_socket) as engine:
        yield engine
