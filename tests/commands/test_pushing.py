"""`push`: what is said, what is returned, and which flags mean what."""

from __future__ import annotations

import pytest

from container_magics.engines.events import Message, PullProgress
from container_magics.errors import PushError, UnsupportedError, UsageError

from .engine import summary

EVENTS = [
    Message("The push refers to repository [localhost:5000/a]"),
    PullProgress("abc", "Preparing"),
    PullProgress("abc", "Pushed"),
    Message("latest: digest: sha256:1 size: 2"),
]


@pytest.fixture
def pushed(engine):
    engine.events = EVENTS
    engine.listed = [
        summary(1, "localhost:5000/a:latest"),
        summary(2, "localhost:5000/a:v2"),
        summary(3, "localhost:5000/ab:v2"),
    ]
    return engine


def test_push_says_what_docker_says(docker, pushed, surface):
    image = docker("push", "localhost:5000/a")
    assert surface.out == (
        "Using default tag: latest\n"
        "The push refers to repository [localhost:5000/a]\n"
        "abc: Preparing\nabc: Pushed\n"
        "latest: digest: sha256:1 size: 2\n"
    )
    assert image == pushed.listed[0]
    assert pushed.requests == [("push", "localhost:5000/a:latest", False)]


def test_a_quiet_push(docker, pushed, surface):
    docker("image", "push", "-q", "localhost:5000/a:v2")
    assert surface.out == "localhost:5000/a:v2\n"


def test_all_tags(docker, pushed, surface):
    images = docker("push", "-a", "localhost:5000/a")
    assert "default tag" not in surface.out
    assert images == pushed.listed[:2]
    assert pushed.requests == [("push", "localhost:5000/a", True)]
    docker("push", "--all-tags", "--quiet", "localhost:5000/a")
    assert surface.out.endswith("\nlocalhost:5000/a\n")


def test_a_failure_is_the_engine_s(docker, pushed, surface):
    pushed.failure = PushError("denied: requested access to the resource is denied")
    with pytest.raises(PushError, match="denied"):
        docker("push", "localhost:5000/a")
    assert "abc: Pushed" in surface.out


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["-a", "a:v1"], UsageError, "tag can't be used with --all-tags/-a"),
        ([f"a@sha256:{'0' * 64}"], UsageError, "cannot push a digest reference"),
        (["--platform", "linux/arm64", "a"], UnsupportedError, "platform"),
        ([], UsageError, "requires exactly 1 argument"),
    ],
)
def test_words_that_make_no_sense(docker, pushed, words, error, said):
    with pytest.raises(error, match=said):
        docker("push", *words)
    assert pushed.requests == []
