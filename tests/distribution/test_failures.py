"""What people are told when a pull cannot work."""

from __future__ import annotations

import json
import socket
import threading
import traceback

import pytest

from container_magics.distribution import RegistryClient
from container_magics.errors import PullError, UnreachableError
from container_magics.oci.models import OCI_INDEX, Platform
from container_magics.reference import parse
from tests.distribution.images import AMD64, Image
from tests.fixtures.registry import free_port


def failing(client, name, platform=AMD64) -> PullError:
    with pytest.raises(PullError) as caught:
        client.resolve(parse(name), platform)
    return caught.value


def error_body(code, message):
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class TestUnreachable:
    def test_refused_connection(self, client):
        host = f"127.0.0.1:{free_port()}"
        error = failing(client, f"{host}/a/b")
        assert isinstance(error, UnreachableError)
        assert [asked for asked, _ in error.answers] == [host, host]
        for scheme, (_, answer) in zip(("https", "http"), error.answers, strict=True):
            assert f'Get "{scheme}://{host}/v2/"' in answer
            assert answer.endswith(f"dial tcp {host}: connect: connection refused")
        assert "nothing listens there" in error.hint

    def test_a_name_that_does_not_exist(self, client):
        error = failing(client, "registry.invalid/a/b:v1")
        assert isinstance(error, UnreachableError)
        assert "cannot pull registry.invalid/a/b:v1: no answer from registry.invalid" in str(error)
        assert "dial tcp: lookup registry.invalid: " in error.answers[0][1]

    def test_docker_hub_is_asked_by_the_name_of_its_host(self, client, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        error = failing(client, "alpine:3.18.0")
        assert error.message.startswith("cannot pull alpine:3.18.0: no answer from docker.io")
        assert error.answers[0][0] == "registry-1.docker.io"
        assert 'Get "https://registry-1.docker.io/v2/": ' in error.answers[0][1]

    def test_a_proxy_that_is_not_there(self, client, monkeypatch):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        error = failing(client, "registry.invalid/a/b:v1")
        assert isinstance(error, UnreachableError)
        assert "proxyconnect tcp" in error.answers[0][1]
        assert "HTTPS_PROXY" in error.hint

    @pytest.mark.parametrize(
        "proxy",
        ["http://me:s3cret@host:port", "me:s3cret@127.0.0.1:1", "http://me:s3cret:80", "{here}"],
    )
    def test_the_password_of_a_proxy_is_not_said(self, client, monkeypatch, proxy):
        here = f"http://me:s3cret@127.0.0.1:{free_port()}"
        monkeypatch.setenv("HTTPS_PROXY", proxy.format(here=here))
        error = failing(client, "registry.invalid/a/b:v1")
        assert "check HTTPS_PROXY" in error.hint
        assert "s3cret" not in "".join(traceback.format_exception(error))

    def test_nor_is_the_signature_of_a_place(self, serve, client):
        plain = serve(lambda exchange: exchange.answer(404))
        place = f"https://{plain.host}/x?X-Amz-Signature=s3cret"
        server = serve(lambda exchange: exchange.answer(307, Location=place))
        error = failing(client, f"{server.host}/a/b:v1")
        assert f'Get "{place.partition("?")[0]}": ' in error.answers[0][1]
        assert "s3cret" not in "".join(traceback.format_exception(error))

    def test_no_answer_to_the_connection(self):
        with socket.socket() as listener, socket.socket() as queued:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            queued.connect(listener.getsockname())
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            with RegistryClient(timeout=0.3) as client:
                error = failing(client, f"{host}/a/b")
        assert isinstance(error, UnreachableError)
        assert error.answers[-1][1].endswith(f"dial tcp {host}: i/o timeout")

    def test_no_answer_to_the_request(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            with RegistryClient(timeout=0.3) as client:
                error = failing(client, f"{host}/a/b")
        assert isinstance(error, UnreachableError)
        assert "Client.Timeout exceeded while awaiting headers" in error.answers[-1][1]

    def test_something_that_is_no_http(self, client):
        def greet(listener):
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"SSH-2.0-nothing\r\n")

        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=greet, args=(listener,), daemon=True).start()
            error = failing(client, f"127.0.0.1:{listener.getsockname()[1]}/a/b")
            listener.shutdown(socket.SHUT_RDWR)
        assert isinstance(error, UnreachableError)
        assert len(error.answers) == 2


class TestRefused:
    @pytest.mark.parametrize("status", [401, 403])
    def test_denied(self, serve, client, status):
        body = error_body("DENIED", "requested access to the resource is denied")
        server = serve(lambda exchange: exchange.answer(status, body))
        error = failing(client, f"{server.host}/secret/app:v1")
        assert error.message.startswith(
            f"pull access denied for {server.host}/secret/app, repository does not exist or may "
            "require 'docker login': denied: requested access to the resource is denied"
        )
        assert not isinstance(error, UnreachableError)

    def test_basic_credentials_are_wanted(self, serve, client):
        header = 'Basic realm="private"'
        server = serve(lambda exchange: exchange.answer(401, b"", WWW_Authenticate=header))
        error = failing(client, f"{server.host}/secret/app:v1")
        assert "'docker login': no basic auth credentials" in error.message
        assert error.answers == ((server.host, "401 Unauthorized: no basic auth credentials"),)

    def test_a_token_that_is_not_enough(self, serve, client):
        header = 'Bearer realm="http://{}/token",error="insufficient_scope"'
        body = error_body("UNAUTHORIZED", "authentication required")

        def respond(exchange):
            if exchange.path.startswith("/token"):
                exchange.answer(200, b'{"token":"x"}')
            else:
                exchange.answer(401, body, WWW_Authenticate=header.format(server.host))

        server = serve(respond)
        error = failing(client, f"{server.host}/somebody/else:v1")
        assert "'docker login': denied: requested access to the resource is denied" in str(error)

    def test_a_token_server_says_why(self, serve, client):
        body = b'{"details":"incorrect username or password"}'
        challenge = 'Bearer realm="http://{}/token"'
        server = serve(
            lambda exchange: exchange.answer(
                401, body, WWW_Authenticate=challenge.format(server.host)
            )
        )
        error = failing(client, f"{server.host}/a/b:v1")
        assert error.answers == (
            (server.host, "401 Unauthorized: unauthorized: incorrect username or password"),
        )

    def test_unknown_repository(self, serve, client):
        body = error_body("NAME_UNKNOWN", "repository name not known to registry")
        server = serve(lambda exchange: exchange.answer(404, body))
        error = failing(client, f"{server.host}/a/b:v1")
        assert error.message.startswith(
            f"repository {server.host}/a/b not found: name unknown: repository name not known"
        )

    def test_rate_limit(self, serve, client):
        body = error_body("TOOMANYREQUESTS", "You have reached your pull rate limit.")
        server = serve(lambda exchange: exchange.answer(429, body, Retry_After=3600))
        error = failing(client, f"{server.host}/a/b:v1")
        assert "toomanyrequests: You have reached your pull rate limit." in error.message
        assert "retry after 3600" in error.hint
        assert len(server.paths()) == 1

    def test_what_is_no_registry(self, serve, client):
        server = serve(lambda exchange: exchange.answer(418, b"<html>"))
        error = failing(client, f"{server.host}/a/b:v1")
        assert "unexpected status 418" in error.message

    def test_a_registry_s_words_are_cleaned_and_cut(self, serve, client):
        body = error_body("DENIED", "\x1b[31mred\r\n\u202eevil" + "x" * 10_000)
        server = serve(lambda exchange: exchange.answer(403, body))
        error = failing(client, f"{server.host}/a/b:v1")
        assert all(char.isprintable() or char == "\n" for char in str(error))
        assert len(str(error)) < 1500

    @pytest.mark.parametrize(
        "body",
        [b"{}", b"[]", b'{"errors":[]}', b'{"errors":[7]}', b'{"errors":7}', b"\xff", b"[" * 9999],
    )
    def test_errors_of_another_form(self, serve, client, body):
        server = serve(lambda exchange: exchange.answer(404, body))
        assert "not found: unexpected status 404" in failing(client, f"{server.host}/a/b").message


class TestUnusable:
    def test_a_manifest_too_large(self, serve, client):
        image = Image(padding=5_000_000)
        server = serve(image.respond)
        assert "manifest larger than" in failing(client, f"{server.host}/a/b:v1").message

    def test_a_manifest_that_promises_no_length(self, serve, client):
        def respond(exchange):
            exchange.send_response(200)
            exchange.end_headers()
            exchange.drop()
            try:
                for _ in range(100):
                    exchange.wfile.write(b" " * 100_000)
            except OSError:
                pass  # the client has seen enough

        server = serve(respond)
        assert "manifest larger than" in failing(client, f"{server.host}/a/b:v1").message

    def test_a_manifest_that_is_not_what_its_digest_says(self, serve, client):
        image = Image()
        server = serve(lambda exchange: exchange.answer(200, image.manifest + b" "))
        error = failing(client, f"{server.host}/a/b@{image.digest}")
        assert f"manifest verification failed for digest {image.digest}" in error.message

    def test_a_manifest_that_is_not_what_the_registry_s_header_says(self, serve, client):
        header = f"sha256:{'0' * 64}"
        server = serve(
            lambda exchange: exchange.answer(200, Image().manifest, Docker_Content_Digest=header)
        )
        error = failing(client, f"{server.host}/a/b:v1")
        assert f"manifest verification failed for digest {header}" in error.message

    def test_a_manifest_that_is_no_json(self, serve, client):
        server = serve(lambda exchange: exchange.answer(200, b"<html>", Content_Type="text/html"))
        error = failing(client, f"{server.host}/a/b:v1")
        assert "manifest is not JSON" in error.message
        assert error.answers[0][0] == server.host

    def test_a_configuration_too_large(self, serve, client):
        image = Image(config_size=9_000_000)
        server = serve(image.respond)
        assert "configuration larger than" in failing(client, f"{server.host}/a/b:v1").message
        assert server.paths("/blobs/") == []

    def test_a_configuration_that_is_not_what_its_digest_says(self, serve, client):
        image = Image()
        image.config = image.config.replace(b"linux", b"minix")
        server = serve(image.respond)
        with pytest.raises(Exception, match="verification failed for digest sha256"):
            client.resolve(parse(f"{server.host}/a/b:v1"), AMD64)

    def test_indexes_within_indexes_without_end(self, serve, client):
        image = Image()
        levels = [image.manifest]
        media_type = image.media_type
        for _ in range(5):
            levels.append(Image.index_of(levels[-1], media_type))
            media_type = OCI_INDEX
        documents = {Image.digest_of(level): level for level in levels}

        def respond(exchange):
            tail = exchange.path.rpartition("/")[2]
            exchange.answer(200, documents.get(tail, levels[-1]))

        server = serve(respond)
        assert "nested too deeply" in failing(client, f"{server.host}/a/b:v1").message

    def test_the_platform_that_is_missing(self, serve, client):
        index = Image.index_of(Image().manifest, Image.media_type, Platform("linux", "arm64"))
        server = serve(lambda exchange: exchange.answer(200, index))
        error = failing(client, f"{server.host}/a/b:v1")
        assert "no matching manifest for linux/amd64" in error.message
        assert "linux/arm64" in error.message
