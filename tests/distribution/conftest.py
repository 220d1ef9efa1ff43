"""A real registry for the session, and an HTTP server that misbehaves as a test wants."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import MSG_PEEK

import pytest

from container_magics.distribution import RegistryClient
from tests.fixtures.registry import running_registry

_TLS_HANDSHAKE = b"\x16"


@pytest.fixture(scope="session")
def registry(tmp_path_factory) -> Iterator[str]:
    """`host:port` of a running docker-registry; use the `registry` marker too."""
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient(timeout=10) as client:
        yield client


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path_factory):
    """Nothing of the machine that runs the tests: proxies, netrc, authorities, credentials."""
    for variable in ("DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path_factory.mktemp("configuration")))
    monkeypatch.delenv("CONTAINERS_REGISTRIES_CONF", raising=False)
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {
            "CURL_CA_BUNDLE", "NETRC", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE",
        }:  # fmt: skip
            monkeypatch.delenv(name)


class Exchange(BaseHTTPRequestHandler):
    """One request; `answer` sends a whole answer to it."""

    server: FakeRegistry
    protocol_version = "HTTP/1.1"

    def handle(self):
        if self.server.secure or self.connection.recv(1, MSG_PEEK) not in (b"", _TLS_HANDSHAKE):
            super().handle()

    body = b""

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_POST  # noqa: N815 - as the base class wants

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        if self.path == "/v2/" and not self.server.guarded:
            self.answer(200, b"{}")
            return
        self.server.respond(self)

    def answer(self, status: int, body: bytes = b"", /, **headers: str | int):
        """Send a whole answer; header names have `_` for `-`."""
        self.start(status, len(body), **headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def start(self, status: int, length: int, /, **headers: str | int):
        """Send all but the body of an answer."""
        self.send_response(status)
        for name, value in {"Content_Length": length, **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def drop(self):
        """End the connection after this answer, whatever was promised."""
        self.close_connection = True

    def log_message(self, *_):
        pass


class FakeRegistry(ThreadingHTTPServer):
    """Answers with a function; `requests` lists (path, headers) as they came.

    `/v2/` is answered with 200, unless the registry is `guarded`.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        respond: Callable[[Exchange], None],
        address: str,
        certificate: str,
        client_authority: Path | None = None,
    ):
        super().__init__((address, 0), Exchange)
        self.respond = respond
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.secure = bool(certificate)
        self.guarded = False
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if client_authority:
                context.load_verify_locations(client_authority)
                context.verify_mode = ssl.CERT_REQUIRED
                # Later versions tell a client only when it has sent its request already.
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def host(self) -> str:
        return f"{self.server_address[0]}:{self.server_address[1]}"

    def paths(self, part: str = "") -> list[str]:
        """The paths asked for that hold a text, without the first contact's `/v2/`."""
        return [path for path, _ in self.requests if part in path and path != "/v2/"]

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeRegistry]]:
    """Start servers: `serve(respond, address="127.0.0.1", certificate="")`."""
    servers: list[FakeRegistry] = []

    def start(respond, address="127.0.0.1", certificate="", **options):
        server = FakeRegistry(respond, address, certificate, **options)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
