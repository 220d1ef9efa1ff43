"""Two engines with the same base images: Debian, Python, Node.js and Go."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest, BuildSecret
from container_magics.engines.docker import DockerEngine
from container_magics.engines.embedded.engine import EmbeddedEngine
from container_magics.engines.events import Cancellation
from tests.conftest import missing
from tests.fixtures.pod import debian_tar

HERE = Path(__file__).parent
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DEBIAN = "debian:bookworm-slim"
BUILT = {"python:3.11-slim": "python", "node:20-slim": "node"}


def secrets() -> tuple[BuildSecret, ...]:
    """The certificates that this machine trusts, for the programs that download."""
    return (BuildSecret("ca", CERTIFICATES),)


@pytest.fixture(scope="session")
def embedded_engine(prepared_store: Path) -> Iterator[EmbeddedEngine]:
    """The embedded engine, with all bases."""
    if not shutil.which("mmdebstrap"):
        missing("no mmdebstrap here: apt-get install mmdebstrap")
    engine = EmbeddedEngine(prepared_store)
    with debian_tar().open("rb") as archive:
        engine.import_image(archive, DEBIAN, changes=['CMD ["bash"]'])
    for name, directory in BUILT.items():
        text = (HERE / "bases" / directory / "Dockerfile").read_text()
        request = BuildRequest(text, tags=(name,), secrets=secrets())
        engine.build(request, lambda event: None, Cancellation())
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker_engine(embedded_engine: Engine, prepared_docker: Path) -> Iterator[DockerEngine]:
    """A Docker engine with the very same images, and its own stand-in for Go."""
    engine = DockerEngine("default", f"unix://{prepared_docker}")
    archive = io.BytesIO()
    embedded_engine.save([DEBIAN, *BUILT], archive)
    archive.seek(0)
    engine.load(archive)
    yield engine
    engine.close()
