"""Images of layers made for a test, in an embedded engine of its own."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from container_magics.engines.contents import Contents
from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.engines.embedded.material import docker_archive, image_config
from tests.fixtures.embedding import embedded


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EmbeddedEngine]:
    with embedded(tmp_path / "store") as engine:
        yield engine


@pytest.fixture
def contents(engine: EmbeddedEngine) -> Callable[..., Contents]:
    """Load an image of these layers (tars, lowest first), and give its contents."""

    def load(*layers: bytes, name: str = "made:test", **config: object) -> Contents:
        archive = docker_archive(image_config(*layers, **config), layers, tags=(name,))
        engine.load(io.BytesIO(archive))
        return engine.contents(name)

    return load
