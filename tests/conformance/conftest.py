"""Two engines with the same base image, `busybox:test`."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from container_magics.engines.docker import DockerEngine
from container_magics.engines.docker.buildkit import find_cli
from container_magics.engines.embedded.engine import EmbeddedEngine
from tests.conftest import missing
from tests.fixtures.busybox import busybox_tar, missing_for_busybox

from .model import OLD, tar_of


@pytest.fixture(scope="session")
def began() -> float:
    """When the tests began: files from then on were made by a build."""
    return int(time.time())


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An embedded engine with a store of its own and the image `busybox:test`."""
    if reason := missing_for_busybox():
        missing(reason)
    engine = EmbeddedEngine(tmp_path_factory.mktemp("store"))
    engine.import_image(io.BytesIO(busybox_tar()), "busybox:test", changes=['CMD ["/bin/sh"]'])
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def buildkit_engine(docker_engine: DockerEngine) -> DockerEngine:
    """The tests' Docker engine, that builds with BuildKit."""
    if find_cli() is None:
        missing("no docker CLI with BuildKit: apt-get install docker.io")
    return docker_engine


class _Files(BaseHTTPRequestHandler):
    """Gives every path but `/missing` the same content; `/no-time` without a Last-Modified."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/missing":
            self.send_error(404)
            return
        content = tar_of({"t": "t\n"}) if path.endswith(".tar") else b"served\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if path != "/no-time":
            self.send_header("Last-Modified", formatdate(OLD, usegmt=True))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a web server on this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
