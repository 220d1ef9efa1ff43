"""`docker create`: a container that does not run yet."""

from __future__ import annotations

import pytest

from container_magics.engines.events import Message
from container_magics.errors import ConflictError, NotFoundError, UsageError

from .engine import summary


def test_prints_and_gives_the_id(docker, engine, surface, tmp_path):
    engine.events = [Message("Unable to find image 'image:latest' locally")]
    file = tmp_path / "cid"
    identity = docker("create", "-it", "--name", "web", "--cidfile", str(file), "image", "sh")
    assert (surface.out, file.read_text()) == (f"{identity}\n", identity)
    assert "Unable to find image" in surface.err
    ((_, request),) = engine.requests
    assert (request.command, request.tty, request.open_stdin) == (("sh",), True, True)
    assert engine.container("web").state == "created"


def test_quiet_hides_the_pull(docker, engine, surface):
    engine.events = [Message("Unable to find image 'image:latest' locally")]
    docker("create", "-q", "image")
    assert surface.err == ""


def test_pull_always_and_never(docker, engine):
    with pytest.raises(NotFoundError):
        docker("create", "--pull", "never", "image:1")
    engine.listed = [summary(1, "image:1")]
    docker("create", "--pull", "never", "image:1")
    docker("create", "--pull", "always", "image:1")
    assert [request[0] for request in engine.requests] == ["create", "pull", "create"]


def test_a_name_in_use_is_a_conflict(docker, engine):
    engine.failure = ConflictError("Conflict. The container name is already in use")
    with pytest.raises(ConflictError):
        docker("create", "--name", "web", "image")


def test_it_does_not_run(docker):
    with pytest.raises(UsageError, match="unknown shorthand flag: 'd' in -d"):
        docker("create", "-d", "image")
