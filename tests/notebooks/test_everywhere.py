"""Notebooks again where people have less: as an ordinary user, and in a pod like Binder's.

Base images included: they are made there, from packages, with what the place allows. The first
everywhere; a web server as the ordinary user, who may not listen at port 80.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import missing
from tests.fixtures.ordinary import ordinary_user
from tests.fixtures.pod import missing_for_pod, prepared_pod

FIRST = "tests/notebooks/test_small_images.py"
WEB = "tests/notebooks/test_living.py::test_dockerfile[embedded]"

pytestmark = pytest.mark.slow


@pytest.mark.unprivileged
def test_as_an_ordinary_user():
    with ordinary_user() as user:
        assert user.run("grep", "-c", "^64123:", "/etc/subuid").stdout.strip() == "0"
        done = user.pytest([FIRST, WEB], {"CONTAINER_MAGICS_RUNG": "oneuid"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "10 passed" in done.stdout


@pytest.mark.docker
def test_in_a_pod(docker_socket: Path):
    if reason := missing_for_pod():
        missing(reason)
    with prepared_pod(docker_socket) as pod:
        done = pod.pytest([FIRST], {"CONTAINER_MAGICS_RUNG": "proot"})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "9 passed" in done.stdout
