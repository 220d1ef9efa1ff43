"""Embedded engines with a busybox base; fixtures of the registry's tests that are used here too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.distribution.conftest import plain_environment, serve
from tests.fixtures.embedding import embedded
from tests.fixtures.sandbox import RUNGS

__all__ = ["plain_environment", "serve"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine with a store of its own, on the rung that it finds."""
    with embedded(tmp_path_factory.mktemp("store")) as engine:
        yield engine


@pytest.fixture(scope="module", params=RUNGS)
def on_rung(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedEngine]:
    """The same on every rung that this user can have here."""
    with embedded(tmp_path_factory.mktemp("rung"), request.param) as engine:
        assert engine.rung.name == request.param
        yield engine


@pytest.fixture
def on(on_rung: EmbeddedEngine) -> Iterator[EmbeddedEngine]:
    """The engine of a rung; its containers are gone afterwards."""
    yield on_rung
    for container in on_rung.containers(every=True):
        on_rung.remove_container(container.id, force=True)
