"""Which verb is meant, and what is said of those that are not here."""

from __future__ import annotations

import pytest

from container_magics.commands.dispatch import GROUPS, VERBS, resolve
from container_magics.commands.grammar import Flag
from container_magics.commands.results import Lines
from container_magics.errors import UnsupportedError, UsageError


@pytest.mark.parametrize(
    ("words", "verb"),
    [
        ("images", "images"),
        ("image ls", "images"),
        ("image rm a", "rmi"),
        ("image build .", "build"),
        ("builder build .", "build"),
        ("buildx build .", "build"),
        ("buildx b .", "build"),
        ("image prune -f", "image prune"),
        ("builder prune -f", "builder prune"),
        ("buildx prune -f", "builder prune"),
        ("image inspect a", "image inspect"),
        ("container run a", "run"),
        ("container create a", "create"),
        ("container ls", "ps"),
        ("container list", "ps"),
        ("container ps", "ps"),
        ("container stop a", "stop"),
        ("container remove a", "rm"),
        ("container prune", "container prune"),
        ("container inspect a", "container inspect"),
        ("volume list", "volume ls"),
        ("volume remove a", "volume rm"),
        ("network list", "network ls"),
        ("network remove a", "network rm"),
        ("context ls", "context ls"),
        ("--context embedded context show", "context show"),
        ("-c=embedded info", "info"),
    ],
)
def test_finds(words, verb):
    resolved = resolve(words.split())
    assert resolved.command.grammar.verb == verb
    assert resolved.context == ("embedded" if words.startswith("-") else "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("imagess", "'docker images'"),
        ("image prun", "'docker image prune'"),
        ("nothing-like-it", "See docker --help."),
        ("--froce run", "unknown flag: --froce"),
        ("--context", "flag needs an argument: --context"),
    ],
)
def test_an_unknown_verb_gets_the_nearest(words, said):
    with pytest.raises(UsageError) as raised:
        resolve(words.split())
    assert not isinstance(raised.value, UnsupportedError)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("search a", "web page"),
        ("checkpoint ls", "'docker checkpoint'"),
        ("network prune", "network rm"),
        ("compose up", "compose"),
        ("system df", "images"),
        ("-H tcp://x images", "DOCKER_HOST"),
    ],
)
def test_a_verb_of_dockers_that_is_not_here_is_refused_by_name(words, said):
    with pytest.raises(UnsupportedError) as raised:
        resolve(words.split())
    assert "is not available in this version" in raised.value.message
    assert said in str(raised.value)


def test_every_verb_has_a_help_page(docker):
    for name in VERBS:
        page = docker(name, "--help")
        assert isinstance(page, Lines)
        assert page[0].startswith(f"Usage:  docker {name}")
    for group in GROUPS:
        assert docker(group)[0] == f"Usage:  docker {group} COMMAND"
    assert docker() == docker("--help")
    assert docker("--version")[0].startswith("container-magics ")


def test_extra_flags_before_and_after_the_verb():
    extra = (Flag("lenient", "go on"),)
    assert resolve(["run", "--lenient", "a"], extra).arguments.on("lenient")
    assert resolve(["--lenient", "run", "a"], extra).arguments.on("lenient")
    assert not resolve(["run", "a", "--lenient"], extra).arguments.on("lenient")


def test_input_is_for_those_who_read_it(docker):
    with pytest.raises(UsageError, match="would not read the cell's body"):
        docker("images", stdin=b"x")


def test_help_is_a_verb_too(docker):
    assert docker("help") == docker("--help")
    assert docker("help", "run") == docker("run", "--help")


def test_too_many_arguments_are_named(docker):
    with pytest.raises(UsageError, match=r"There are 2: x:1 \."):
        docker("build", "-tag", "x:1", ".")
