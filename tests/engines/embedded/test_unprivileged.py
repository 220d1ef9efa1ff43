"""The same tests again where people have less.

As an ordinary user, one with sub-UIDs, in a pod like Binder's, and as root of a plain `docker run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.fixtures.cgroups import delegated_groups, missing_for_delegation
from tests.fixtures.ordinary import (
    OrdinaryUser,
    missing_for_sub_ids,
    ordinary_user,
    user_with_sub_ids,
)
from tests.fixtures.pod import Pod, debian_tar, missing_for_pod, prepared_pod

TESTS = [
    "tests/engines/embedded/test_rungs.py",
    "tests/engines/embedded/test_trees.py",
    "tests/engines/embedded/test_sandbox.py",
    "tests/engines/embedded/test_proot.py",
    "tests/engines/embedded/test_owners.py",
    "tests/engines/embedded/test_true_owners.py",
    "tests/engines/embedded/test_chroot.py",
    "tests/engines/embedded/test_subuid.py",
    "tests/engines/embedded/test_copying_into.py",
    "tests/engines/embedded/test_volumes.py",
]
LIMITS = "tests/engines/embedded/test_limits.py"
CONTAINERS = ["tests/engines/embedded/test_containers.py", LIMITS]
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
def with_sub_ids() -> Iterator[OrdinaryUser]:
    if reason := missing_for_sub_ids():
        missing(reason)
    try:
        with user_with_sub_ids() as user:
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


@pytest.mark.unprivileged
@pytest.mark.slow
def test_as_a_user_with_sub_ids(with_sub_ids: OrdinaryUser):
    done = with_sub_ids.pytest(TESTS, REQUIRE)
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


@pytest.mark.docker
@pytest.mark.slow
def test_as_root_of_a_plain_docker_run(pod: Pod):
    root = pod.as_root()
    facts = root.run("grep", "-E", "^(CapBnd|NoNewPrivs|Seccomp):", "/proc/self/status")
    assert facts.stdout.split() == [
        "CapBnd:", "00000000a80425fb", "NoNewPrivs:", "0", "Seccomp:", "2",
    ]  # fmt: skip
    # What the tests of rungs expect to be chosen is the first of these.
    done = root.pytest(TESTS, {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "chroot,proot"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.unprivileged
@pytest.mark.slow
def test_containers_as_an_ordinary_user(ordinary: OrdinaryUser):
    done = ordinary.pytest(CONTAINERS, {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "oneuid"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.unprivileged
@pytest.mark.slow
def test_containers_as_a_user_with_sub_ids(with_sub_ids: OrdinaryUser):
    done = with_sub_ids.pytest(CONTAINERS, {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "subuid"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.unprivileged
@pytest.mark.slow
def test_limits_as_users_who_may_write_control_groups(
    ordinary: OrdinaryUser, with_sub_ids: OrdinaryUser
):
    if reason := missing_for_delegation():
        missing(reason)
    for user, rungs in ((ordinary, "oneuid,proot"), (with_sub_ids, "subuid")):
        given = {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": rungs}
        with delegated_groups(user.uid) as user.groups:
            done = user.pytest([LIMITS], {**given, "CONTAINER_MAGICS_TESTS_LIMITS": "1"})
        user.groups = ()
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        assert " passed" in done.stdout


@pytest.mark.docker
@pytest.mark.slow
def test_containers_in_a_pod(pod: Pod):
    done = pod.pytest(CONTAINERS, {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "proot"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.docker
@pytest.mark.slow
def test_containers_as_root_of_a_plain_docker_run(pod: Pod):
    given = {**REQUIRE, "CONTAINER_MAGICS_TESTS_RUNGS": "chroot"}
    done = pod.as_root().pytest(CONTAINERS, given)
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


@pytest.mark.unprivileged
@pytest.mark.slow
def test_apt_as_a_user_with_sub_ids(with_sub_ids: OrdinaryUser):
    if reason := missing_for_pod():
        missing(reason)
    given = {
        "CONTAINER_MAGICS_TESTS_DEBIAN": str(debian_tar()),
        "CONTAINER_MAGICS_TESTS_RUNGS": "subuid",
    }
    done = with_sub_ids.pytest([APT], given)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "2 passed" in done.stdout


@pytest.mark.docker
@pytest.mark.slow
def test_apt_as_root_of_a_plain_docker_run(pod: Pod):
    given = {
        "CONTAINER_MAGICS_TESTS_DEBIAN": "/debian.tar",
        "CONTAINER_MAGICS_TESTS_RUNGS": "chroot",
    }
    done = pod.as_root().pytest([APT], given, mounts=[(debian_tar(), "/debian.tar")])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout


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
