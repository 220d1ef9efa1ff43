"""Uploads along the specification: chunks, resumption, what to do where a registry takes none."""

from __future__ import annotations

import random
from urllib.parse import parse_qs, urlsplit

import pytest

from container_magics.distribution.uploads import CHUNK
from container_magics.errors import PushError
from container_magics.reference import parse
from tests.distribution.written_registry import WrittenRegistry, digest_of

PIECE = random.Random(7).randbytes(1 << 20)
PIECES = [PIECE[n:] + PIECE[:n] for n in range(2 * CHUNK // len(PIECE) + 1)]
DATA = b"".join(PIECES)


@pytest.fixture
def start(serve, client):
    """A registry with options, and a pusher to `a/b` there."""

    def start(**options):
        registry = WrittenRegistry(**options)
        server = serve(registry.respond)
        return registry, client.pusher(parse(f"{server.host}/a/b:v1"))

    return start


def methods(registry):
    return [method for method, _ in registry.asked]


def test_what_fits_into_a_chunk_goes_at_once(start):
    registry, pusher = start()
    blob = pusher.push(lambda: [b"small ", b"thing"])
    assert (blob.digest, blob.size) == (digest_of(b"small thing"), 11)
    assert registry.blobs["a/b"] == {blob.digest: b"small thing"}
    assert methods(registry) == ["POST", "PUT"]


def test_what_does_not_goes_in_chunks(start):
    registry, pusher = start()
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert methods(registry) == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]
    assert registry.ranges[:2] == [f"0-{CHUNK - 1}", f"{CHUNK}-{2 * CHUNK - 1}"]


def test_an_empty_blob(start):
    registry, pusher = start()
    assert registry.blobs == {}
    assert pusher.push(list).size == 0
    assert registry.blobs["a/b"] == {digest_of(b""): b""}


def test_chunks_are_as_large_as_the_registry_wants_them(start):
    registry, pusher = start(least=CHUNK + 1)
    assert pusher.push(lambda: PIECES).digest == digest_of(DATA)
    assert all(size > CHUNK for size in registry.sizes[:-1])


@pytest.mark.parametrize("options", [{"chunks": False}, {"least": 1 << 30}])
def test_where_no_chunks_are_taken_one_request_has_all(start, options):
    registry, pusher = start(**options)
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert methods(registry)[-3:] == ["HEAD", "POST", "PUT"]
    assert registry.uploads == {}, "none is left half-made"


@pytest.mark.parametrize("kept", [0, 1, 5, 1_000_000, CHUNK])
def test_a_broken_upload_goes_on_where_the_registry_says(start, kept):
    registry, pusher = start()
    registry.broken["PATCH"] = [None, registry.keep_and_drop(kept)]
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert ("GET", "/v2/a/b/blobs/uploads/0") in registry.asked
    assert methods(registry).count("POST") == 1
    sent = sum(registry.sizes)
    assert sent == len(DATA) - kept, "what had arrived was not sent again"


def test_a_registry_whose_range_stays_at_the_first_chunk(start):
    """Amazon's: it has every chunk, and its answers do not say so."""
    registry, pusher = start()
    place = registry._place
    registry._place = lambda *where: place(*where) | {"Range": f"0-{CHUNK - 1}"}
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert methods(registry) == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]


@pytest.mark.parametrize("status", [400, 404, 405, 416])
def test_a_registry_that_takes_one_chunk_and_no_more(start, status):
    """The second loss is the last: from then on, each blob goes in one request."""
    registry, pusher = start()
    registry.broken["PATCH"] = [None, registry.refuse(status)] * 9
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert methods(registry).count("PATCH") == 4
    registry.asked.clear()
    other = pusher.push(lambda: [*PIECES, b"more"])
    assert registry.blobs["a/b"][other.digest] == DATA + b"more"
    assert methods(registry) == ["POST", "DELETE", "HEAD", "POST", "PUT"]
    assert registry.uploads == {}


def test_an_answer_that_was_lost_is_asked_for(start):
    registry, pusher = start()
    registry.broken["PUT"] = [registry.do_and_drop]
    assert registry.blobs == {}
    assert pusher.push(lambda: [b"x"]).size == 1
    assert methods(registry) == ["POST", "PUT", "HEAD"]


def test_an_upload_that_the_registry_has_lost_begins_again(start):
    registry, pusher = start()
    registry.broken["PATCH"] = [None, lambda exchange: (registry.uploads.clear(), exchange.drop())]
    assert registry.blobs == {}
    blob = pusher.push(lambda: PIECES)
    assert registry.blobs["a/b"] == {blob.digest: DATA}
    assert methods(registry).count("POST") == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_is_for_now_is_tried_again(start, method, status):
    registry, pusher = start()
    registry.broken[method] = [registry.refuse(status, Retry_After=0)] * 2
    assert pusher.push(lambda: PIECES).digest == digest_of(DATA)


def test_a_registry_that_asks_for_a_long_wait_is_not_waited_for(start):
    registry, pusher = start()
    registry.broken["PATCH"] = [registry.refuse(429, "TOOMANYREQUESTS", Retry_After=3600)]
    with pytest.raises(PushError, match=r"cannot push .*: toomanyrequests") as caught:
        pusher.push(lambda: PIECES)
    assert "retry after 3600" in caught.value.hint
    assert registry.uploads == {}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "UNAUTHORIZED", "unauthorized"),
        (401, "", "unauthorized: authentication required"),
        (403, "DENIED", "denied"),
        (403, "", "denied: requested access to the resource is denied"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_who_may_not_push_is_told_in_dockers_words(start, method, status, code, words):
    registry, pusher = start()
    registry.broken[method] = [registry.refuse(status, code)]
    with pytest.raises(PushError) as caught:
        pusher.push(lambda: PIECES)
    assert caught.value.message.startswith(words)
    assert "docker login" in caught.value.hint
    assert registry.uploads == {}


def test_other_bytes_than_were_sent_are_not_taken_for_the_blob(start):
    registry, pusher = start()
    wrong = registry.refuse(400, "DIGEST_INVALID")
    registry.broken["PUT"] = [wrong] * 10
    with pytest.raises(PushError, match="digest invalid") as caught:
        pusher.push(lambda: [b"x"])
    assert "changes the data" in caught.value.hint
    assert 2 <= methods(registry).count("PUT") <= 5
    assert registry.uploads == {}


def test_a_digest_other_than_ours_is_no_success(start):
    registry, pusher = start()
    registry.broken["PUT"] = [registry.refuse(201, Docker_Content_Digest="sha256:" + "0" * 64)]
    with pytest.raises(PushError, match="in place of"):
        pusher.push(lambda: [b"x"])


def test_an_upload_without_a_place(start):
    registry, pusher = start()
    registry.broken["POST"] = [registry.refuse(202)]
    with pytest.raises(PushError, match="named no place"):
        pusher.push(lambda: [b"x"])


def test_what_ends_the_content_ends_the_upload(start):
    registry, pusher = start()

    def content():
        yield from PIECES
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        pusher.push(content)
    assert registry.uploads == {}


class TestMounting:
    def test_a_blob_of_another_repository(self, start):
        registry, pusher = start()
        registry.blobs["library/ubuntu"] = {digest_of(b"layer"): b"layer"}
        assert pusher.mount(digest_of(b"layer"), "library/ubuntu") is None
        assert pusher.size_of(digest_of(b"layer")) == 5

    def test_a_registry_that_begins_an_upload_instead(self, start):
        registry, pusher = start(mounts=False)
        registry.blobs["library/ubuntu"] = {digest_of(b"layer"): b"layer"}
        begun = pusher.mount(digest_of(b"layer"), "library/ubuntu")
        assert begun is not None
        assert pusher.push(lambda: [b"layer"], begun).size == 5
        assert methods(registry) == ["POST", "PUT"], "that upload is the one which is used"


class TestManifests:
    def test_a_tag(self, start):
        registry, pusher = start()
        digest = pusher.put_manifest(b"{}", "application/x", "v1")
        assert digest == digest_of(b"{}")
        assert registry.manifests["a/b"]["v1"] == ("application/x", b"{}")
        assert pusher.digest_of("v1", "application/x") == digest
        assert pusher.digest_of("v2", "application/x") == ""

    def test_no_tag(self, start):
        registry, pusher = start()
        pusher.put_manifest(b"{}", "application/x", "")
        assert list(registry.manifests["a/b"]) == [digest_of(b"{}")]

    def test_one_that_was_changed_on_the_way_is_sent_again(self, start):
        registry, pusher = start()
        registry.broken["PUT"] = [registry.refuse(201, Docker_Content_Digest="sha256:0")]
        pusher.put_manifest(b"{}", "application/x", "v1")
        assert registry.manifests["a/b"]["v1"] == ("application/x", b"{}")
        registry.broken["PUT"] = [registry.refuse(201, Docker_Content_Digest="sha256:0")] * 9
        with pytest.raises(PushError, match="stored the manifest 'sha256:0' in place of"):
            pusher.put_manifest(b"{}", "application/x", "v1")

    def test_one_that_is_refused(self, start):
        registry, pusher = start()
        registry.broken["PUT"] = [registry.refuse(400, "MANIFEST_INVALID")]
        with pytest.raises(PushError, match=r"cannot push .*/a/b:v1: manifest invalid"):
            pusher.put_manifest(b"{}", "application/x", "v1")


class TestScopes:
    """A token is asked for what is done, and for a mount's source as well."""

    def test_pushing_and_mounting(self, serve, client):
        registry = WrittenRegistry()
        registry.blobs["library/ubuntu"] = {digest_of(b"layer"): b"layer"}
        asked = []

        def respond(exchange):
            if exchange.path.startswith("/token"):
                asked.append(parse_qs(urlsplit(exchange.path).query)["scope"])
                exchange.answer(200, b'{"token":"t%d"}' % len(asked))
            elif exchange.headers.get("Authorization") == f"Bearer t{len(asked)}" and asked:
                registry.respond(exchange)
            else:
                realm = f'Bearer realm="http://{server.host}/token",service="s"'
                exchange.answer(401, b"", WWW_Authenticate=realm)

        server = serve(respond)
        pusher = client.pusher(parse(f"{server.host}/a/b:v1"))
        pusher.push(lambda: [b"x"])
        assert asked == [["repository:a/b:pull,push"]]
        assert pusher.mount(digest_of(b"layer"), "library/ubuntu") is None
        assert asked[1:] == [["repository:a/b:pull,push", "repository:library/ubuntu:pull"]]
        assert registry.blobs["a/b"].keys() == {digest_of(b"x"), digest_of(b"layer")}
