"""`docker logs`, `attach`: what a container writes, then and now."""

from __future__ import annotations

import time

import pytest

from container_magics.engines.containers import LogRequest
from container_magics.engines.events import Output
from container_magics.errors import (
    ConflictError,
    NotFoundError,
    RunError,
    UnsupportedError,
    UsageError,
)

from .engine import container

WEB, JOB = container(1, "web"), container(2, "job", "exited")


@pytest.fixture(autouse=True)
def _made(engine):
    engine.made = [JOB, WEB, container(3, "still", "paused")]


def interrupted(engine, verb):
    """Let a verb write a line, and then be interrupted as a cell is."""

    def write(*arguments, **_):
        *_, emit, cancel = arguments
        emit(Output(1, b"so far\n"))
        while not cancel.cancelled:
            time.sleep(0.01)
        return 0

    setattr(engine, verb, write)


class Interrupting:
    """Interrupts the thread that writes, as the kernel's SIGINT does, at the first text."""

    def __init__(self, surface):
        self._surface = surface
        self._write = surface.write

    def __call__(self, text, stream=1):
        self._write(text, stream)
        self._surface.write = self._write
        raise KeyboardInterrupt


def test_logs_are_shown_and_kept_by_stream(docker, engine, surface):
    engine.events = [Output(1, b"one\n"), Output(2, b"two\n")]
    result = docker("logs", "web")
    assert (result.stdout, result.stderr, result.returncode) == ("one\n", "two\n", 0)
    assert (surface.out, surface.err) == ("one\n", "two\n")
    assert engine.requests == [("logs", "web", LogRequest())]


def test_every_flag_reaches_the_request(docker, engine):
    docker(
        "logs", "-ft", "-n", "5", "--since", "1577934245.5", "--until=2020-01-02T03:04:05Z", "web"
    )
    assert engine.requests == [
        ("logs", "web", LogRequest(True, 5, 1577934245.5, 1577934245.0, timestamps=True))
    ]
    engine.requests.clear()
    before = time.time()
    docker("logs", "--since", "10m", "--tail", "-1", "web")
    request = engine.requests[0][2]
    assert before - 600 <= request.since <= time.time() - 600
    assert request.tail is None


def test_an_interruption_ends_the_following(docker, engine, surface):
    interrupted(engine, "logs")
    surface.write = Interrupting(surface)
    result = docker("logs", "-f", "web")
    assert (result.stdout, result.returncode) == ("so far\n", 0)


def test_an_interruption_of_what_does_not_follow_is_one(docker, engine, surface):
    interrupted(engine, "logs")
    surface.write = Interrupting(surface)
    with pytest.raises(KeyboardInterrupt):
        docker("logs", "web")


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        ("logs --details web", UnsupportedError, "--details"),
        ("logs --tail few web", UsageError, '"few"'),
        ("logs --since soon web", UsageError, 'invalid value for "since"'),
        ("logs nothing", NotFoundError, "No such container: nothing"),
        ("attach job", ConflictError, "cannot attach to a stopped container"),
        ("attach still", ConflictError, "cannot attach to a paused container"),
        ("attach --detach-keys x web", UnsupportedError, "Interrupting the cell detaches"),
    ],
)
def test_refusals(docker, engine, words, kind, said):
    with pytest.raises(kind) as raised:
        docker(*words.split())
    assert said in str(raised.value)
    assert engine.requests == []


def test_attach_feeds_shows_and_ends_as_the_container(docker, engine, surface):
    engine.events = [Output(1, b"pong\n")]
    assert docker("attach", "web", stdin=b"ping").stdout == surface.out == "pong\n"
    assert engine.fed == b"ping"
    assert engine.requests == [("attach", "web", False)]
    engine.returncode = 7
    with pytest.raises(RunError) as raised:
        docker("attach", "--no-stdin", "web")
    assert raised.value.exit_code == 7
    assert engine.fed == b""
    assert docker("attach", "web", lenient=True).returncode == 7


def test_an_interruption_detaches(docker, engine, surface):
    interrupted(engine, "attach")
    surface.write = Interrupting(surface)
    assert docker("attach", "web").stdout == "so far\n"
