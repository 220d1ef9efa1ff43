"""The same tests again where people have less: as an ordinary user, and in a pod like Binder's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.fixtures.ordinary import OrdinaryUser, ordinary_user
from tests.fixtures.pod import Pod, debian_tar, missing_for_pod, prepared_pod

TESTS = [
    "tests/engines/embedded/test_rungs.py",
    "tests/engines/embedded/test_trees.py",
    "tests/engines/embedded/test_sandbox.py",
    "tests/engines/embedded/test_proot.py",
]
APT = "tests/engines/embedded/test_apt.py"
REQUIRE = {"CONTAINER_MAGICS_TESTS_REQUIRE": "1"}


@pytest.fixture(scope="module")
def ordinary() -> Iterator[OrdinaryUser]:
    try:
        with ordinary_user() as user:
            yield user
    except FileNotFoundError as error:
        missing(str(error))


@pytest.fixture(scope="module")
def pod(docker_socket: Path) -> Iterator[Pod]:
    if reason := missing_for_pod():
        missing(reason)
    with prepared_pod(docker_socket) as prepared:
        yield prepared


@pytest.mark.unprivileged
@pytest.mark.slow
def test_as_an_ordinary_user(ordinary: OrdinaryUser):
    assert ordinary.run("grep", "-c", "^64123:", "/etc/subuid").stdout.strip() == "0"
    done = ordinary.pytest(TESTS, REQUIRE)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.docker
def test_the_pod_is_as_poor_as_it_should_be(pod: Pod):
    facts = pod.run("grep", "-E", "^(CapBnd|NoNewPrivs|Seccomp):", "/proc/self/status")
    assert facts.stdout.split() == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert pod.run("id", "-u").stdout == "1000\n"
    assert pod.run("unshare", "--user", "true").returncode != 0


@pytest.mark.docker
@pytest.mark.slow
def test_in_a_pod(pod: Pod):
    done = pod.pytest(TESTS, {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "proot"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.unprivileged
@pytest.mark.slow
def test_apt_as_an_ordinary_user(ordinary: OrdinaryUser):
    if reason := missing_for_pod():
        missing(reason)
    done = ordinary.pytest([APT], {"CONTAINER_MAGICS_TESTS_DEBIAN": str(debian_tar())})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "3 passed" in done.stdout


@pytest.mark.docker
@pytest.mark.slow
def test_apt_in_a_pod(pod: Pod):
    given = {
        "CONTAINER_MAGICS_TESTS_DEBIAN": "/debian.tar",
        "CONTAINER_MAGICS_TESTS_RUNGS": "proot",
    }
    done = pod.pytest([APT], given, mounts=[(debian_tar(), "/debian.tar")])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout


@pytest.mark.docker
def test_where_no_rung_works_all_reasons_are_given(pod: Pod):
    script = (
        "from pathlib import Path;"
        "from container_magics.engines.embedded.sandbox.client import Launcher;"
        "from container_magics.engines.embedded.sandbox.rungs import choose;"
        "choose(Path('/tmp/store'), Launcher())"
    )
    answer = pod.run("/usr/bin/python3", "-c", script, environment={"PATH": "/nowhere"})
    assert answer.returncode == 1
    for words in (
        "root: not root",
        "oneuid:",
        "seccomp profile",
        "proot:",
        "apt-get install proot",
    ):
        assert words in answer.stderr
