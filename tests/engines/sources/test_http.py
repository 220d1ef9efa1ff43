"""Downloads, from a real server that answers as a test wants."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from container_magics.engines.events import Cancellation
from container_magics.engines.sources.http import Known, download, file_name
from container_magics.errors import BuildError

DATA = b"content\n" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        self.server.respond(self)

    def answer(self, status: int = 200, body: bytes = DATA, **headers: str):
        """Send an answer; header names have `_` for `-`."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.requests = []
        server.respond = _Handler.answer
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server, tmp_path, path: str = "/f", respond: Callable | None = None, **more):
    if respond is not None:
        server.respond = respond
    return download(f"{server.url}{path}", tmp_path / "target", Cancellation(), **more)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.txt", "b.txt"),
        ("http://h/b%20c?x=/y#z", "b c"),
        ("http://h/a/", "a"),
        ("http://h/", "__unnamed__"),
        ("http://h", "__unnamed__"),
        ("http://h/a/..", "__unnamed__"),
        ("http://h/%2e%2e", "__unnamed__"),
        ("http://h/x%2fy", "y"),
        ("http://[::1/x", "__unnamed__"),
    ],
)
def test_what_a_download_is_called(url, name):
    assert file_name(url) == name


def test_content_digest_time_and_etag(server, tmp_path):
    headers = {"ETag": '"1"', "Last_Modified": "Fri, 14 Jul 2017 02:40:00 GMT"}
    got = get(server, tmp_path, respond=lambda request: request.answer(**headers))
    assert got == (DIGEST, '"1"', 1_500_000_000, True)
    assert (tmp_path / "target").read_bytes() == DATA


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 01 Jan 1950 00:00:00 GMT"])
def test_a_time_that_is_none(server, tmp_path, date):
    got = get(server, tmp_path, respond=lambda request: request.answer(Last_Modified=date))
    assert got.mtime == 0


def test_what_is_known_is_not_sent_again(server, tmp_path):
    def respond(request):
        same = request.headers.get("If-None-Match") == '"1"'
        request.answer(304, b"") if same else request.answer(ETag='"1"')

    known = Known('"1"', DIGEST)
    assert get(server, tmp_path, respond=respond, known=known) == (DIGEST, '"1"', 0, False)
    assert not (tmp_path / "target").exists()
    assert get(server, tmp_path, known=Known('"0"', "old")).digest == DIGEST


def test_the_bytes_are_kept_as_they_are_sent(server, tmp_path):
    packed = gzip.compress(DATA)
    get(
        server,
        tmp_path,
        respond=lambda request: request.answer(body=packed, Content_Encoding="gzip"),
    )
    assert (tmp_path / "target").read_bytes() == packed
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


def test_redirects_are_followed_up_to_a_limit(server, tmp_path):
    def respond(request):
        left = int(request.path[1:])
        if left:
            request.answer(302, b"", Location=f"/{left - 1}")
        else:
            request.answer()

    assert get(server, tmp_path, "/10", respond).digest == DIGEST
    with pytest.raises(BuildError, match="10 redirects"):
        get(server, tmp_path, "/11")


@pytest.mark.parametrize(
    ("respond", "message"),
    [
        (lambda request: request.answer(404, b""), "invalid response status 404 Not Found"),
        (lambda request: request.answer(500, b""), "invalid response status 500"),
        (lambda request: request.answer(304, b""), "invalid response status 304"),
        (lambda request: request.answer(200, DATA, Content_Length="9999999"), "failed to load"),
        (lambda request: request.wfile.write(b"nonsense"), "failed to load"),
        (lambda request: request.answer(302, b"", Location="file:///etc/passwd"), "failed to load"),
    ],
)
def test_answers_that_are_no_file(server, tmp_path, respond, message):
    with pytest.raises(BuildError, match=message):
        get(server, tmp_path, respond=respond)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://", "http://[::1/x", "http://x y/"])
def test_a_url_that_leads_nowhere(tmp_path, url):
    with pytest.raises(BuildError, match="failed to load"):
        download(url, tmp_path / "target", Cancellation())


def test_no_password_in_a_message(tmp_path):
    with pytest.raises(BuildError) as caught:
        download("http://me:hunter2@127.0.0.1:1/x", tmp_path / "target", Cancellation())
    assert "hunter2" not in str(caught.value)


def test_a_download_can_be_given_up(server, tmp_path):
    cancel = Cancellation()

    def respond(request):
        cancel.cancel()
        request.answer(body=DATA * 1000)

    server.respond = respond
    with pytest.raises(BuildError, match="cancelled"):
        download(f"{server.url}/f", tmp_path / "target", cancel)
