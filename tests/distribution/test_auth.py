"""Tokens: asked for once, sent to their own registry only."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from container_magics.distribution.auth import Challenge, TokenRequest, read_token
from container_magics.errors import PullError, UnreachableError
from container_magics.reference import parse
from tests.distribution.images import AMD64, Image
from tests.fixtures.registry import free_port


class TokenRegistry:
    """Serves an image to those who show the token that it gave last."""

    def __init__(self, serve, image=None):
        self.image = image or Image()
        self.given = 0
        self.realm = ""
        self.grant = lambda token: {"token": token, "expires_in": 300}
        self.server = serve(self.respond)

    @property
    def name(self):
        return f"{self.server.host}/team/app:v1"

    def respond(self, exchange):
        if exchange.path.startswith("/token"):
            self.given += 1
            exchange.answer(200, json.dumps(self.grant(f"token-{self.given}")).encode())
        elif self.given and exchange.headers.get("Authorization") == f"Bearer token-{self.given}":
            self.image.respond(exchange)
        else:
            realm = self.realm or f"http://{self.server.host}/token"
            challenge = (
                f'Bearer realm="{realm}",service="a registry",scope="repository:team/app:pull"'
            )
            exchange.answer(401, b"{}", WWW_Authenticate=challenge)

    def asked(self):
        return [parse_qs(urlsplit(path).query) for path in self.server.paths("/token")]


def test_asks_for_a_token_and_shows_it(serve, client):
    registry = TokenRegistry(serve)
    image = client.resolve(parse(registry.name), AMD64)
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        assert blob.read() == registry.image.layer
    assert registry.asked() == [{"service": ["a registry"], "scope": ["repository:team/app:pull"]}]


def test_takes_an_access_token_as_well(serve, client):
    registry = TokenRegistry(serve)
    registry.grant = lambda token: {"access_token": token}
    assert client.resolve(parse(registry.name), AMD64).digest == registry.image.digest


def test_threads_share_one_token(serve, client):
    registry = TokenRegistry(serve)
    names = [parse(registry.name)] * 8
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda name: client.resolve(name, AMD64), names))
    assert {image.digest for image in images} == {registry.image.digest}
    assert len(registry.asked()) == 1


def test_renews_a_token_that_the_registry_refuses(serve, client):
    registry = TokenRegistry(serve)
    image = client.resolve(parse(registry.name), AMD64)
    registry.given += 1
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        assert blob.read() == registry.image.layer
    assert len(registry.asked()) == 2


def test_does_not_ask_for_tokens_without_end(serve, client):
    registry = TokenRegistry(serve)
    registry.grant = lambda token: {"token": "wrong"}
    with pytest.raises(PullError, match="pull access denied"):
        client.resolve(parse(registry.name), AMD64)
    assert len(registry.asked()) == 1


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"token": 7}, {"token": ""}, {"token": "a\r\nX-Evil: 1"}, {"token": "x" * 40_000}],
    ids=["none", "list", "number", "empty", "two lines", "long"],
)
def test_a_malformed_token_is_not_shown(serve, client, answer):
    registry = TokenRegistry(serve)
    registry.grant = lambda token: answer
    with pytest.raises(PullError, match="the token server's answer holds no token"):
        client.resolve(parse(registry.name), AMD64)
    assert not any("Authorization" in headers for _, headers in registry.server.requests)


def test_an_odd_lifetime_does_not_matter(serve, client):
    for lifetime in ("soon", -1, None, 10**30):
        registry = TokenRegistry(serve)
        registry.grant = lambda token, lifetime=lifetime: {"token": token, "expires_in": lifetime}
        assert client.resolve(parse(registry.name), AMD64).digest == registry.image.digest


@pytest.mark.parametrize(
    ("said", "taken"), [("120", 120), ("86400", 3600), ("1e999", 3600), ("0", 60), ('"soon"', 60)]
)
def test_the_lifetime_that_is_taken(said, taken):
    assert read_token(b'{"token":"x","expires_in":%s}' % said.encode()) == ("x", taken)


def test_a_token_server_that_cannot_be_reached(serve, client):
    registry = TokenRegistry(serve)
    elsewhere = f"127.0.0.1:{free_port()}"
    registry.realm = f"http://{elsewhere}/token"
    with pytest.raises(UnreachableError) as caught:
        client.resolve(parse(registry.name), AMD64)
    assert caught.value.answers[0][0] == elsewhere
    assert "connection refused" in caught.value.answers[0][1]


def test_a_token_server_that_refuses(serve, client):
    registry = TokenRegistry(serve)
    keeper = serve(lambda exchange: exchange.answer(403, b""))
    registry.realm = f"http://{keeper.host}/token"
    with pytest.raises(PullError, match="pull access denied") as caught:
        client.resolve(parse(registry.name), AMD64)
    assert caught.value.answers == ((keeper.host, "403 Forbidden"),)


def test_a_token_stays_with_its_repository(serve, client):
    registry = TokenRegistry(serve)
    client.resolve(parse(registry.name), AMD64)
    before = len(registry.server.requests)
    client.resolve(parse(f"{registry.server.host}/other/app:v1"), AMD64)
    assert "Authorization" not in registry.server.requests[before][1]


def test_a_redirect_to_another_host_carries_no_token(serve, client, caplog):
    caplog.set_level(logging.DEBUG)
    registry = TokenRegistry(serve)
    elsewhere = serve(registry.image.respond, "127.0.0.2")
    respond = registry.image.respond_with_layer
    registry.image.respond_with_layer = lambda exchange: exchange.answer(
        307, Location=f"http://{elsewhere.host}{exchange.path}?signature=1"
    )
    image = client.resolve(parse(registry.name), AMD64)
    elsewhere.respond = respond
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        assert blob.read() == registry.image.layer
    [(path, headers)] = elsewhere.requests
    assert path.endswith("?signature=1")
    assert "GET /v2/" in caplog.text
    assert "signature" not in caplog.text, "whoever has it may read, so it is in no log"
    assert "Authorization" not in headers
    sent = [headers for path, headers in registry.server.requests if path.endswith(
        image.manifest.layers[0].digest)]  # fmt: skip
    assert sent[-1]["Authorization"] == "Bearer token-1"


def test_a_redirect_back_carries_no_token_either(serve, client):
    registry = TokenRegistry(serve)
    image = client.resolve(parse(registry.name), AMD64)
    back = serve(
        lambda exchange: exchange.answer(
            307, Location=f"http://{registry.server.host}/elsewhere{exchange.path}"
        )
    )
    registry.image.respond_with_layer = lambda exchange: exchange.answer(
        307, Location=f"http://{back.host}/x"
    )
    with (
        pytest.raises(PullError, match="pull access denied"),
        client.open_blob(image, image.manifest.layers[0]),
    ):
        pass
    returned = [headers for path, headers in registry.server.requests if "/elsewhere" in path]
    assert returned
    assert not any("Authorization" in headers for headers in returned)


def test_netrc_is_not_read(serve, client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(Image().respond)
    client.resolve(parse(f"{server.host}/a/b:v1"), AMD64)
    assert not any("Authorization" in headers for _, headers in server.requests)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
            'scope="repository:library/alpine:pull",error="insufficient_scope"',
            Challenge(
                "https://auth.docker.io/token",
                "registry.docker.io",
                "repository:library/alpine:pull",
            ),
        ),
        (
            'bearer  scope="repository:a/b:pull,push" , realm=http://x/t',
            Challenge("http://x/t", "", "repository:a/b:pull,push"),
        ),
        (
            r'Bearer realm="https://x/t",service="a \"b\""',
            Challenge("https://x/t", 'a "b"'),
        ),
        ('Basic realm="https://x"', Challenge()),
        ("Basic", Challenge()),
        ('Basic realm="x", Bearer realm="https://x/t"', Challenge("https://x/t")),
        ('Negotiate, Basic realm="Bearer", charset="UTF-8"', Challenge()),
        ('Digest realm="x", nonce="y"', None),
        ('Bearer realm="file:///etc/passwd"', None),
        ('Bearer realm="http://[bad"', None),
        ("Bearer", None),
        ("", None),
    ],
)
def test_reads_a_challenge(header, expected):
    assert Challenge.parse(header) == expected


def test_a_realm_may_have_a_query():
    asked = TokenRequest.make(Challenge("https://x/t?a=1", "s"), ["repository:a:pull"], None)
    assert asked.url == "https://x/t?a=1&service=s&scope=repository%3Aa%3Apull"
