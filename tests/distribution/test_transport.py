"""Retries, resumption, redirects and schemes."""

from __future__ import annotations

import datetime
import email.utils
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from container_magics.distribution import RegistryClient
from container_magics.distribution.transport import Transport
from container_magics.errors import PullError, RegistryError, UnreachableError
from container_magics.reference import parse
from tests.distribution.images import AMD64, Image


def resolve(client, server):
    return client.resolve(parse(f"{server.host}/a/b:v1"), AMD64)


def read_layer(client, image):
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        return blob.read()


def large_image():
    return Image(os.urandom(2_500_000))


class TestRetries:
    def test_too_many_requests_is_tried_again(self, serve, client):
        image = Image()
        answers = iter([429, 429])

        def respond(exchange):
            if status := next(answers, 0):
                exchange.answer(status, b"{}", Retry_After=0)
            else:
                image.respond(exchange)

        assert resolve(client, serve(respond)).digest == image.digest

    def test_a_date_to_retry_after_counts(self, serve, client):
        image = Image()
        answers = iter([503])
        now = datetime.datetime.now(datetime.timezone.utc)

        def respond(exchange):
            if status := next(answers, 0):
                exchange.answer(status, Retry_After=email.utils.format_datetime(now))
            else:
                image.respond(exchange)

        assert resolve(client, serve(respond)).digest == image.digest

    def test_a_date_far_away_is_not_waited_for(self, serve, client):
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
        header = email.utils.format_datetime(later)
        server = serve(lambda exchange: exchange.answer(503, Retry_After=header))
        with pytest.raises(PullError, match="unexpected status 503"):
            resolve(client, server)
        assert len(server.paths()) == 1

    def test_a_minute_is_waited_in_all(self, serve, client, monkeypatch):
        waits = []
        monkeypatch.setattr(Transport, "pause", lambda _, seconds, __: waits.append(seconds))
        server = serve(lambda exchange: exchange.answer(429, Retry_After=25))
        with pytest.raises(PullError, match="retry after 25"):
            resolve(client, server)
        assert (waits, len(server.paths())) == ([25, 25], 3)

    def test_nonsense_to_retry_after_is_ignored(self, serve, client):
        image = Image()
        answers = iter([500])

        def respond(exchange):
            if status := next(answers, 0):
                exchange.answer(status, Retry_After="tomorrow")
            else:
                image.respond(exchange)

        assert resolve(client, serve(respond)).digest == image.digest

    def test_gives_up_after_a_few_tries(self, serve, client):
        server = serve(lambda exchange: exchange.answer(502, b"bad gateway", Retry_After=0))
        with pytest.raises(PullError, match="unexpected status 502 Bad Gateway"):
            resolve(client, server)
        assert 2 <= len(server.paths()) <= 5

    def test_a_dropped_connection_is_tried_again(self, serve, client):
        image = Image()
        drops = iter([True])

        def respond(exchange):
            if next(drops, False):
                exchange.drop()
            else:
                image.respond(exchange)

        assert resolve(client, serve(respond)).digest == image.digest

    def test_so_is_the_first_contact(self, serve, client):
        image = Image()

        def respond(exchange):
            if len(server.requests) == 1:
                exchange.drop()
            elif exchange.path == "/v2/":
                exchange.answer(200)
            else:
                image.respond(exchange)

        server = serve(respond)
        server.guarded = True
        assert resolve(client, server).digest == image.digest

    def test_closing_the_client_ends_the_wait(self, serve):
        client = RegistryClient(timeout=10)

        def respond(exchange):
            exchange.answer(503, Retry_After=59)
            client.close()

        with pytest.raises(UnreachableError, match="the client was closed"):
            resolve(client, serve(respond))


def test_answers_without_a_body_leave_the_connection_for_the_next(serve, client):
    image, clients = Image(), set()

    def respond(exchange):
        if exchange.path != "/v2/":
            clients.add(exchange.client_address)
        if exchange.command == "HEAD":
            exchange.answer(200, Docker_Content_Digest=image.digest)
        else:
            exchange.answer(202, Location="/v2/a/b/blobs/uploads/1")

    pusher = client.pusher(parse(f"{serve(respond).host}/a/b:v1"))
    for _ in range(3):
        assert pusher.digest_of("v1", "a/b") == image.digest
        assert pusher.mount(image.digest, "c/d") is not None
    assert len(clients) == 1


class TestBlobs:
    def test_a_broken_download_is_resumed_where_it_broke(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)

        def respond(exchange):
            if image.start_of_range(exchange) is None:
                exchange.start(200, len(image.layer))
                exchange.wfile.write(image.layer[:1_000_000])
                exchange.drop()
            else:
                image.respond(exchange)

        server.respond = respond
        assert read_layer(client, found) == image.layer
        ranges = [headers["Range"] for _, headers in server.requests if "Range" in headers]
        assert ranges == ["bytes=1000000-"]

    def test_a_server_without_ranges_is_read_from_the_start_again(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)
        cuts = iter([2_000_000, 1_000_000])

        def respond(exchange):
            exchange.start(200, len(image.layer))
            cut = next(cuts, len(image.layer))
            exchange.wfile.write(image.layer[:cut])
            exchange.drop()

        server.respond = respond
        assert read_layer(client, found) == image.layer

    def test_a_resumption_at_another_place_is_refused(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)

        def respond(exchange):
            if image.start_of_range(exchange) is None:
                exchange.start(200, len(image.layer))
                exchange.wfile.write(image.layer[:1000])
                exchange.drop()
            else:
                exchange.answer(206, image.layer, Content_Range="bytes 0-2499999/2500000")

        server.respond = respond
        with pytest.raises(RegistryError, match="resumed at another place"):
            read_layer(client, found)

    def test_a_blob_that_always_breaks_off_is_given_up(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)

        def respond(exchange):
            start = image.start_of_range(exchange) or 0
            exchange.start(206 if start else 200, len(image.layer) - start,
                           Content_Range=f"bytes {start}-2499999/2500000")  # fmt: skip
            exchange.wfile.write(image.layer[start : start + 10])
            exchange.drop()

        server.respond = respond
        with pytest.raises(RegistryError, match=r"ended after [0-9]+ of 2500000 bytes"):
            read_layer(client, found)
        assert len(server.paths("/blobs/")) < 10

    def test_other_bytes_are_refused(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)
        image.layer = image.layer[:-1] + bytes([image.layer[-1] ^ 1])
        digest = found.manifest.layers[0].digest
        with pytest.raises(RegistryError, match=f"verification failed for digest {digest}"):
            read_layer(client, found)

    def test_other_bytes_are_refused_however_they_are_read(self, serve, client):
        image = Image(b"a" * 10)
        server = serve(image.respond)
        found = resolve(client, server)
        image.layer = b"b" * 10
        with (
            pytest.raises(RegistryError, match="verification failed"),
            client.open_blob(found, found.manifest.layers[0]) as blob,
        ):
            buffer = bytearray(6)
            assert blob.readinto(buffer) == 6
            assert buffer == b"b" * 6
            blob.readinto(buffer)

    def test_what_is_not_read_is_checked_at_the_end_of_the_block(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)
        with client.open_blob(found, found.manifest.layers[0]) as blob:
            assert blob.read(10) == image.layer[:10]
        image.layer = bytes(len(image.layer))
        with (
            pytest.raises(RegistryError, match="verification failed"),
            client.open_blob(found, found.manifest.layers[0]) as blob,
        ):
            blob.read(10)

    def test_a_blob_closed_too_early_does_not_pass_for_checked(self, serve, client):
        server = serve(Image().respond)
        found = resolve(client, server)
        with (
            pytest.raises(ValueError, match="closed"),
            client.open_blob(found, found.manifest.layers[0]) as blob,
        ):
            blob.close()

    def test_an_error_in_the_block_is_not_replaced(self, serve, client):
        image = large_image()
        server = serve(image.respond)
        found = resolve(client, server)
        image.layer = bytes(len(image.layer))
        with (
            pytest.raises(KeyError, match="mine"),
            client.open_blob(found, found.manifest.layers[0]) as blob,
        ):
            blob.read(10)
            raise KeyError("mine")

    def test_an_empty_blob(self, serve, client):
        image = Image(b"")
        assert read_layer(client, resolve(client, serve(image.respond))) == b""

    def test_a_compressing_server_does_not_change_the_bytes(self, serve, client):
        """Some stores mark gzip layers with `Content-Encoding: gzip`: they stay as they are."""
        import gzip

        image = Image(gzip.compress(b"layer"))
        server = serve(image.respond)
        found = resolve(client, server)
        server.respond = lambda exchange: exchange.answer(200, image.layer, Content_Encoding="gzip")
        assert read_layer(client, found) == image.layer
        assert all(headers["Accept-Encoding"] == "identity" for _, headers in server.requests)

    def test_several_at_once(self, serve, client):
        image = large_image()
        found = resolve(client, serve(image.respond))
        with ThreadPoolExecutor(6) as pool:
            read = list(pool.map(lambda _: read_layer(client, found), range(6)))
        assert read == [image.layer] * 6


class TestRedirects:
    def test_without_end(self, serve, client):
        server = serve(lambda exchange: exchange.answer(307, Location=exchange.path))
        with pytest.raises(PullError, match="stopped after 5 redirects"):
            resolve(client, server)

    @pytest.mark.parametrize(
        "location", ["file:///etc/passwd", "http://[", "http://x:y/", "ftp://x/"]
    )
    def test_to_no_web_address(self, serve, client, location):
        server = serve(lambda exchange: exchange.answer(302, Location=location))
        with pytest.raises(PullError, match="cannot pull"):
            resolve(client, server)


class TestSchemes:
    @pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
    def test_a_loopback_host_may_speak_plain_http(self, serve, client, address):
        image = Image()
        assert resolve(client, serve(image.respond, address)).digest == image.digest

    def test_localhost_may_speak_plain_http(self, serve, client):
        image = Image()
        port = serve(image.respond).server_address[1]
        found = client.resolve(parse(f"localhost:{port}/a/b:v1"), AMD64)
        assert found.digest == image.digest

    def test_another_host_may_not(self):
        """192.0.2.1 is nobody's: however the attempt fails, it is over HTTPS only."""
        with RegistryClient(timeout=0.2) as impatient, pytest.raises(UnreachableError) as caught:
            impatient.resolve(parse("192.0.2.1/a/b:v1"), AMD64)
        assert [answer.split(":")[0] for _, answer in caught.value.answers] == ['Get "https']
