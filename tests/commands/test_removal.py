"""`tag`, `rmi` and `image prune`."""

from __future__ import annotations

import pytest

from container_magics.engines.results import PruneReport, Removal
from container_magics.errors import (
    ConflictError,
    ContainerMagicsError,
    InvalidReferenceError,
    NotFoundError,
    UsageError,
)

from .engine import summary

A, USED = summary(1, "a:1"), summary(2, "used:1")


@pytest.fixture(autouse=True)
def _listed(engine):
    engine.listed = [A, USED]


def test_tag(docker, engine):
    assert docker("tag", "a:1", "localhost/user/img") is None
    assert docker("image", "tag", "a:1", "b") is None
    assert engine.requests == [("tag", "a:1", "localhost/user/img"), ("tag", "a:1", "b")]
    with pytest.raises(InvalidReferenceError):
        docker("tag", "a:1", "Upper")


def test_rmi_reports_in_dockers_words(docker, surface):
    assert docker("rmi", "a:1") == Removal(("a:1",), (A.id,))
    assert surface.out == f"Untagged: a:1\nDeleted: {A.id}\n"


def test_flags_after_operands(docker, engine):
    docker("rmi", "used:1", "-f")
    assert engine.requests == [("rmi", "used:1", True)]


def test_rmi_goes_on_after_a_failure(docker, surface):
    with pytest.raises(ConflictError, match="conflict"):
        docker("rmi", "used:1", "a:1")
    assert "Untagged: a:1" in surface.out
    with pytest.raises(ContainerMagicsError, match=r"(?s)conflict.*No such image: b"):
        docker("rmi", "used:1", "b")


def test_rmi_force_forgives_what_is_not_there(docker, surface):
    docker("rmi", "-f", "nothing", "a:1")
    assert "No such image: nothing" in surface.err
    with pytest.raises(NotFoundError):
        docker("rmi", "nothing")


def test_prune(docker, engine, surface):
    report = docker("image", "prune", "-af")
    assert isinstance(report, PruneReport)
    assert engine.requests == [("prune", True)]
    assert surface.out == "Deleted Images:\ndeleted: sha256:aa\n\nTotal reclaimed space: 5.571MB\n"


@pytest.mark.parametrize(("answer", "said"), [(None, "Add -f"), (False, "cancelled")])
def test_prune_asks_first(docker, engine, surface, answer, said):
    surface.answer = answer
    with pytest.raises(UsageError, match=said):
        docker("image", "prune")
    assert engine.requests == []
    assert "[y/N]" in surface.questions[0]


def test_prune_after_a_yes(docker, engine, surface):
    surface.answer = True
    docker("image", "prune")
    assert engine.requests == [("prune", False)]


@pytest.mark.parametrize("group", ["builder", "buildx"])
def test_builder_prune_reports_in_dockers_words(docker, engine, surface, group):
    report = docker(group, "prune", "-af")
    assert report == PruneReport(Removal(deleted=("abc", "def")), 1_230_000)
    assert engine.requests == [("builder prune", True)]
    assert surface.out == (
        "Deleted build cache objects:\nabc\ndef\n\nTotal reclaimed space: 1.23MB\n"
    )


def test_builder_prune_asks_first(docker, engine, surface):
    with pytest.raises(UsageError, match="dangling build cache"):
        docker("builder", "prune")
    assert engine.requests == []
    surface.answer = True
    docker("builder", "prune")
    assert engine.requests == [("builder prune", False)]
    assert surface.out == "Total reclaimed space: 1.23MB\n"
