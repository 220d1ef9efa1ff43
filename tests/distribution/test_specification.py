"""The endpoints of the OCI distribution specification 1.1: what is sent, and what an answer means.

A table of requests (`REQUESTS`), one of refusals (all of those, by every status of a failure), and
tables of answers and of whole uploads. `end-4b`, an upload in one POST, is never asked for: the
digest is known last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from container_magics.distribution.mirrors import Source
from container_magics.distribution.remote import RemoteImage
from container_magics.distribution.uploads import CHUNK, StoredBlob
from container_magics.errors import ExhaustedError, PullError, PushError, RegistryError
from container_magics.oci.models import (
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    parse_manifest,
)
from container_magics.reference import parse
from tests.distribution.images import AMD64, Image

IMAGE = Image()
LAYER = Image.descriptor(IMAGE.layer, OCI_LAYER)["digest"]
SMALL = b"layer"
LARGE = bytes(range(256)) * (CHUNK // 256) + b"end"
WHOLE = Image.digest_of(LARGE)
BASE, UPLOADS = "/v2/a/b", "/v2/a/b/blobs/uploads/"
KIND = "application/vnd.example.sbom"
BINARY = "application/octet-stream"
FINISHED = f"digest={LAYER}"


@dataclass(frozen=True)
class Sent:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)
    body: bytes = field(default=b"", compare=False)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str | int] = field(default_factory=dict)


def answer(status: int, body: bytes = b"", /, **headers: str | int) -> Answer:
    return Answer(status, body, headers)


def begun(place: str = "/upload/1", **headers: str | int) -> Answer:
    return answer(202, Location=place, **headers)


def at(end: int, place: str = "/upload/1", status: int = 202) -> Answer:
    """An upload goes on; `end` is the position of its last byte."""
    return answer(status, Location=place, Range=f"0-{end}")


def refusal(status: int, code: str = "") -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": "no"}]}).encode() if code else b""
    return answer(status, body, Retry_After=0)


def index(*kinds: str) -> bytes:
    """An index of manifests by their artifact types."""
    entries = [
        {**Image.descriptor(kind.encode(), OCI_MANIFEST), "artifactType": kind} for kind in kinds
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return json.dumps(document).encode()


class Scripted:
    """Answers one request after the other, the last for ever; `sent` has what came.

    A method that is in `others` gets that answer in place of the last.
    """

    def __init__(self, serve: Callable) -> None:
        self.answers: list[Answer] = []
        self.others: dict[str, Answer] = {}
        self.sent: list[Sent] = []
        self.server = serve(self._respond)
        self.reference = parse(f"{self.server.host}/a/b:v1")

    def _respond(self, exchange) -> None:
        self.sent.append(
            Sent(exchange.command, exchange.path, dict(exchange.headers), exchange.body)
        )
        exchange.body = b""
        if len(self.answers) > 1:
            given = self.answers.pop(0)
        else:
            given = self.others.get(exchange.command, self.answers[0])
        exchange.start(given.status, len(given.body), **given.headers)
        if exchange.command != "HEAD":
            exchange.wfile.write(given.body)

    @property
    def lines(self) -> list[str]:
        """Method, path and range of each request."""
        return [
            " ".join(filter(None, (each.method, each.path, each.headers.get("Content-Range", ""))))
            for each in self.sent
        ]


@pytest.fixture
def scripted(serve) -> Scripted:
    return Scripted(serve)


# --- what is done at each endpoint ---------------------------------------------------------------

Act = Callable[..., object]


def read_blob(client, reference):
    parts = (IMAGE.digest, "", IMAGE.manifest, parse_manifest(IMAGE.manifest), IMAGE.config)
    source = Source(reference.registry, reference.repository)
    remote = RemoteImage(reference, *parts, reference.registry, source)
    with client.open_blob(remote, Descriptor(OCI_LAYER, LAYER, len(IMAGE.layer))) as reader:
        return reader.read()


def blob_size(client, reference):
    return client.pusher(reference).size_of(LAYER)


def manifest(client, reference):
    return client.manifest(reference).digest


def manifest_by_digest(client, reference):
    return client.manifest(parse(f"{reference.name}@{IMAGE.digest}")).digest


def manifest_digest(client, reference):
    return client.pusher(reference).digest_of("v1", OCI_MANIFEST)


def push_small(client, reference):
    return client.pusher(reference).push(lambda: [SMALL])


def push_large(client, reference):
    return client.pusher(reference).push(lambda: [LARGE])


def put_tag(client, reference):
    return client.pusher(reference).put_manifest(IMAGE.manifest, OCI_MANIFEST, "v1")


def put_digest(client, reference):
    return client.pusher(reference).put_manifest(IMAGE.manifest, OCI_MANIFEST, "")


def tags(client, reference):
    return list(client.tags(reference))


def delete_tag(client, reference):
    return client.delete_tag(reference)


def delete_manifest(client, reference):
    return client.delete_manifest(reference, IMAGE.digest)


def delete_blob(client, reference):
    return client.delete_blob(reference, LAYER)


def mount(client, reference):
    found = client.pusher(reference).mount(LAYER, "other/repository")
    return found if found is None else found.location.partition("/upload")[1]


def referrers(client, reference):
    return [each.artifact_type for each in client.referrers(reference, IMAGE.digest)]


def referrers_of_kind(client, reference):
    return [each.artifact_type for each in client.referrers(reference, IMAGE.digest, KIND)]


MANIFEST_KINDS = {DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST}
GOOD_MANIFEST = answer(200, IMAGE.manifest, Content_Type=OCI_MANIFEST)


@dataclass(frozen=True)
class Row:
    """One endpoint: what does it, which request that is, and the answer of success.

    `before` are the answers to requests before that.
    """

    act: Act
    method: str
    path: str
    good: Answer
    gives: object
    fails: type[RegistryError]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    before: Sequence[Answer] = ()


TAGS = answer(200, b'{"name":"a/b","tags":["v1","v2"]}')
REFERRERS = f"{BASE}/referrers/{IMAGE.digest}"

REQUESTS = {
    "end-2 GET": Row(
        read_blob, "GET", f"{BASE}/blobs/{LAYER}", answer(200, IMAGE.layer), IMAGE.layer, PullError,
        {"Accept-Encoding": "identity"},
    ),
    "end-2 HEAD": Row(
        blob_size, "HEAD", f"{BASE}/blobs/{LAYER}", answer(200, IMAGE.layer), 5, PushError,
    ),
    "end-3 GET tag": Row(
        manifest, "GET", f"{BASE}/manifests/v1", GOOD_MANIFEST, IMAGE.digest, PullError,
        {"Accept": ", ".join(sorted([OCI_INDEX, DOCKER_MANIFEST_LIST]) +
                             sorted([OCI_MANIFEST, DOCKER_MANIFEST]))},
    ),
    "end-3 GET digest": Row(
        manifest_by_digest, "GET", f"{BASE}/manifests/{IMAGE.digest}", GOOD_MANIFEST, IMAGE.digest,
        PullError,
    ),
    "end-3 HEAD": Row(
        manifest_digest, "HEAD", f"{BASE}/manifests/v1",
        answer(200, IMAGE.manifest, Docker_Content_Digest=IMAGE.digest), IMAGE.digest, PushError,
        {"Accept": OCI_MANIFEST},
    ),
    "end-4a": Row(
        push_small, "POST", UPLOADS, begun(), StoredBlob(LAYER, 5), PushError,
        {"Content-Length": "0"},
    ),
    "end-5": Row(
        push_large, "PATCH", "/upload/1", at(CHUNK - 1), StoredBlob(WHOLE, len(LARGE)), PushError,
        {"Content-Type": BINARY, "Content-Length": str(CHUNK), "Content-Range": f"0-{CHUNK - 1}"},
        LARGE[:CHUNK], [begun()],
    ),
    "end-6": Row(
        push_small, "PUT", f"/upload/1?{FINISHED}", answer(201), StoredBlob(LAYER, 5), PushError,
        {"Content-Type": BINARY, "Content-Length": "5"}, SMALL, [begun()],
    ),
    "end-7 tag": Row(
        put_tag, "PUT", f"{BASE}/manifests/v1", answer(201), IMAGE.digest, PushError,
        {"Content-Type": OCI_MANIFEST}, IMAGE.manifest,
    ),
    "end-7 digest": Row(
        put_digest, "PUT", f"{BASE}/manifests/{IMAGE.digest}", answer(201), IMAGE.digest, PushError,
        {"Content-Type": OCI_MANIFEST}, IMAGE.manifest,
    ),
    "end-8b": Row(tags, "GET", f"{BASE}/tags/list?n=1000", TAGS, ["v1", "v2"], RegistryError),
    "end-9 tag": Row(
        delete_tag, "DELETE", f"{BASE}/manifests/v1", answer(202), None, RegistryError,
    ),
    "end-9 digest": Row(
        delete_manifest, "DELETE", f"{BASE}/manifests/{IMAGE.digest}", answer(202), None,
        RegistryError,
    ),
    "end-10": Row(
        delete_blob, "DELETE", f"{BASE}/blobs/{LAYER}", answer(202), None, RegistryError,
    ),
    "end-11": Row(
        mount, "POST", f"{UPLOADS}?mount={LAYER.replace(':', '%3A')}&from=other%2Frepository",
        answer(201), None, PushError, {"Content-Length": "0"},
    ),
    "end-12a": Row(
        referrers, "GET", REFERRERS, answer(200, index(KIND), Content_Type=OCI_INDEX), [KIND],
        RegistryError,
    ),
    "end-12b": Row(
        referrers_of_kind, "GET", f"{REFERRERS}?artifactType=application%2Fvnd.example.sbom",
        answer(200, index(KIND, "other"), Content_Type=OCI_INDEX), [KIND], RegistryError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_sent(scripted, client, name):
    row = REQUESTS[name]
    scripted.answers = [*row.before, row.good, answer(201)]
    assert row.act(client, scripted.reference) == row.gives
    sent = scripted.sent[len(row.before)]
    assert (sent.method, sent.path) == (row.method, row.path)
    assert sent.body == row.body
    assert {key: sent.headers.get(key) for key in row.headers} == row.headers
    assert "Authorization" not in sent.headers


# --- failures ------------------------------------------------------------------------------------

FAILURES = {
    400: "NAME_INVALID",
    401: "UNAUTHORIZED",
    403: "DENIED",
    404: "NAME_UNKNOWN",
    405: "UNSUPPORTED",
    413: "",
    416: "",
    429: "TOOMANYREQUESTS",
    500: "UNKNOWN",
    501: "",
}
NO_FAILURES = {
    ("end-2 HEAD", 404): None,
    ("end-2 HEAD", 405): None,
    ("end-3 HEAD", 404): "",
    ("end-3 HEAD", 405): "",
    ("end-12a", 404): [],
    ("end-12b", 404): [],
}
"""What is no failure, and what it means."""
OF_UPLOADS = {
    *(("end-5", status) for status in (400, 404, 405, 416, 501)),
    *(("end-6", status) for status in (404, 416)),
}
"""Answers after which another way is tried; see `UPLOADED`."""
CASES = [(name, status) for name in REQUESTS for status in FAILURES]


@pytest.mark.parametrize(("name", "status"), [each for each in CASES if each not in OF_UPLOADS])
def test_a_refusal_is_named_with_who_said_what(scripted, client, name, status):
    row = REQUESTS[name]
    scripted.answers = [*row.before, refusal(status, FAILURES[status])]
    if row.before:
        scripted.others = {"HEAD": answer(404), "GET": answer(204, Location="/upload/1")}
    if (name, status) in NO_FAILURES:
        assert row.act(client, scripted.reference) == NO_FAILURES[name, status]
        return
    with pytest.raises(row.fails) as caught:
        row.act(client, scripted.reference)
    [(host, said)] = caught.value.answers
    assert host == scripted.server.host
    assert said.startswith(f"{status} ")
    assert row.method == "HEAD" or FAILURES[status].lower().replace("_", " ") in said
    assert isinstance(caught.value, ExhaustedError) == (status == 429 and row.fails is PullError)
    tries = [each for each in scripted.sent if each.method == row.method]
    assert (len(tries) > 1) == (status in (429, 500))


@pytest.mark.parametrize("status", [200, 401, 403, 404, 405, 500])
def test_end_1_is_asked_only_to_find_out_what_is_spoken(serve, client, status):
    """A registry is one by what it gives; many say at `/v2/` that one should log in."""

    def respond(exchange):
        if exchange.path == "/v2/":
            exchange.answer(status)
        else:
            IMAGE.respond(exchange)

    server = serve(respond)
    server.guarded = True
    assert client.resolve(parse(f"{server.host}/a/b:v1"), AMD64).digest == IMAGE.digest
    assert [path for path, _ in server.requests].count("/v2/") == 1


# --- redirects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_redirect_is_followed_as_http_has_it(scripted, client, name, status):
    """Only 307 and 308 ask for the same method and body again."""
    row = REQUESTS[name]
    scripted.answers = [*row.before, answer(status, Location="/elsewhere"), row.good, answer(201)]
    number = len(row.before)
    if row.method in ("GET", "HEAD") or status in (307, 308):
        assert row.act(client, scripted.reference) == row.gives
        first, second = scripted.sent[number : number + 2]
        assert (first.path, second.path) == (row.path, "/elsewhere")
        assert (second.method, second.body) == (row.method, row.body)
        return
    scripted.answers = [*row.before, answer(status, Location="/elsewhere")]
    with pytest.raises(row.fails, match=f"unexpected status {status}"):
        row.act(client, scripted.reference)
    assert "/elsewhere" not in [each.path for each in scripted.sent]


# --- answers that say more than their status -----------------------------------------------------

BY_TAG = f"{BASE}/manifests/{IMAGE.digest.replace(':', '-')}"
NEXT = '<{}>; rel="next"'
OTHER = "sha256:" + "0" * 64

ANSWERED = {
    # end-3: what the digest in the header says must be true.
    "digest of a manifest": ("end-3 GET tag", [
        answer(200, IMAGE.manifest, Content_Type=OCI_MANIFEST, Docker_Content_Digest=IMAGE.digest),
    ], IMAGE.digest),
    "no digest": ("end-3 HEAD", [answer(200, IMAGE.manifest)], ""),
    "parameters of a type": ("end-3 GET tag", [
        answer(200, IMAGE.manifest, Content_Type=f"{OCI_MANIFEST}; charset=utf-8"),
    ], IMAGE.digest),
    # end-2: a size is only said by Content-Length.
    "a size": ("end-2 HEAD", [answer(200, IMAGE.layer, Docker_Content_Digest=LAYER)], 5),
    # end-8: pages, by a Link that is relative or not.
    "pages of tags": ("end-8b", [
        answer(200, b'{"tags":["a"]}', Link=NEXT.format("/v2/a/b/tags/list?n=1&last=a")),
        answer(200, b'{"tags":["b"]}', Link=NEXT.format("list?n=1&last=b")),
        answer(200, b'{"tags":null}'),
    ], ["a", "b"]),
    "another relation": ("end-8b", [
        answer(200, b'{"tags":["a"]}', Link='</x>; rel="prev"'),
        answer(500),
    ], ["a"]),
    # end-9, end-10: 202, and what older registries say.
    "a tag that is gone": ("end-9 tag", [answer(200)], None),
    "a manifest that is gone": ("end-9 digest", [answer(204)], None),
    # end-11: an upload in place of the mount.
    "no mount": ("end-11", [begun()], "/upload"),
    # end-12: pages; filters that were applied or not; the tag in place of the API.
    "pages of referrers": ("end-12a", [
        answer(200, index("x"), Content_Type=OCI_INDEX, Link=NEXT.format("?page=2")),
        answer(200, index("y"), Content_Type=OCI_INDEX),
    ], ["x", "y"]),
    "no referrers": ("end-12a", [answer(200, index(), Content_Type=OCI_INDEX)], []),
    "filtered there": ("end-12b", [
        answer(200, index(KIND), Content_Type=OCI_INDEX, OCI_Filters_Applied="artifactType"),
    ], [KIND]),
    "an index at the tag": ("end-12b", [
        refusal(404), answer(200, index(KIND, "other"), Content_Type=OCI_INDEX),
    ], [KIND]),
    "nothing at the tag": ("end-12a", [refusal(404), refusal(404, "MANIFEST_UNKNOWN")], []),
    "a manifest at the tag": ("end-12a", [refusal(404), GOOD_MANIFEST], []),
    "nonsense at the tag": ("end-12a", [refusal(404), answer(200, b"[]")], []),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer(scripted, client, name):
    row, answers, means = ANSWERED[name]
    scripted.answers = [*answers, refusal(410)]
    assert REQUESTS[row].act(client, scripted.reference) == means
    if "at the tag" in name:
        assert scripted.lines[1:] == [f"GET {BY_TAG}"]


FALSE = {
    "another manifest": ("end-3 GET digest", GOOD_MANIFEST.headers, IMAGE.manifest + b" "),
    "another digest": ("end-3 GET tag", {"Docker_Content_Digest": OTHER}, IMAGE.manifest),
    "another type": ("end-3 GET tag", {"Content_Type": OCI_INDEX}, IMAGE.manifest),
    "another blob": ("end-2 GET", {}, b"LAYER"),
    "another stored manifest": ("end-7 tag", {"Docker_Content_Digest": OTHER}, b""),
    "an API that gives a manifest": ("end-12a", GOOD_MANIFEST.headers, IMAGE.manifest),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_is_not_true_is_refused(scripted, client, name):
    row, headers, body = FALSE[name]
    scripted.answers = [Answer(201 if row.startswith("end-7") else 200, body, headers)]
    with pytest.raises(RegistryError):
        REQUESTS[row].act(client, scripted.reference)


WARNINGS = {
    '299 - "It will be removed."': ["It will be removed."],
    '299 - "a", 299 - "b \\"c\\"", 299 - "a"': ["a", 'b "c"'],
    '299 - "two\tlines"': ["two lines"],
    '199 - "not one" "Thu, 01 Jan 1970 00:00:00 GMT"': [],
    "299 - unquoted": [],
    f'299 - "{"x" * 5000}"': [],
}


@pytest.mark.parametrize("header", WARNINGS)
def test_warnings_are_heard_once(scripted, client, header):
    scripted.answers = [answer(200, TAGS.body, Warning=header)]
    for expected in (WARNINGS[header], []):
        assert tags(client, scripted.reference) == ["v1", "v2"]
        assert client.warnings() == [f"{scripted.server.host}: {each}" for each in expected]


# --- uploads from end to end ---------------------------------------------------------------------

LAST = CHUNK - 1
POST, PATCH = f"POST {UPLOADS}", f"PATCH /upload/1 0-{LAST}"
PATCH_REST = f"PATCH /upload/1 {CHUNK}-{CHUNK + 2}"
PUT, PUT_SMALL = f"PUT /upload/1?digest={WHOLE}", f"PUT /upload/1?digest={LAYER}"
BLOB, BLOB_SMALL = f"HEAD {BASE}/blobs/{WHOLE}", f"HEAD {BASE}/blobs/{LAYER}"
STATUS = "GET /upload/1"
GIVEN_UP = "DELETE /upload/1"
TO_END = [(PATCH_REST, at(CHUNK + 2)), (PUT, answer(201))]
IN_CHUNKS = [(POST, begun()), (PATCH, at(LAST)), *TO_END]

UPLOADED = {
    "in one request": (SMALL, [(POST, begun()), (PUT_SMALL, answer(201))]),
    "in chunks": (LARGE, IN_CHUNKS),
    "each at the place that the one before named": (LARGE, [
        (POST, begun("/upload/1?state=x%3D")),
        (f"PATCH /upload/1?state=x%3D 0-{LAST}", at(LAST, "2?state=y")),
        (f"PATCH /upload/2?state=y {CHUNK}-{CHUNK + 2}", at(CHUNK + 2, "3")),
        (f"PUT /upload/3?digest={WHOLE}", answer(201)),
    ]),
    "the answer to a chunk has no Range": (LARGE, [
        (POST, begun()), (PATCH, answer(202)), *TO_END,
    ]),
    "end-13 after 416": (LARGE, [
        (POST, begun()),
        (PATCH, refusal(416)),
        (STATUS, at(99, "/upload/3", 204)),
        (f"PATCH /upload/3 100-{LAST}", at(LAST)),
        *TO_END,
    ]),
    "end-13 after 429": (LARGE, [
        (POST, begun()),
        (PATCH, refusal(429)),
        (STATUS, at(0, status=204)),
        (PATCH, at(LAST)),
        *TO_END,
    ]),
    "end-13 says 404": (LARGE, [
        (POST, begun()),
        (PATCH, refusal(416)),
        (STATUS, refusal(404, "BLOB_UPLOAD_UNKNOWN")),
        (GIVEN_UP, refusal(404)),
        *IN_CHUNKS,
    ]),
    "end-13 says 429": (LARGE, [
        (POST, begun()),
        (PATCH, refusal(500)),
        (STATUS, refusal(429)),
        (STATUS, at(99, status=204)),
        (f"PATCH /upload/1 100-{LAST}", at(LAST)),
        *TO_END,
    ]),
    "end-5 says 404 later": (LARGE, [
        (POST, begun()),
        (PATCH, at(LAST)),
        (PATCH_REST, refusal(404, "BLOB_UPLOAD_UNKNOWN")),
        (GIVEN_UP, refusal(404)),
        *IN_CHUNKS,
    ]),
    **{
        f"end-5 says {status}: no chunks": (LARGE, [
            (POST, begun()),
            (PATCH, refusal(status)),
            (GIVEN_UP, answer(204)),
            (BLOB, refusal(404)),
            (POST, begun()),
            (PUT, answer(201)),
        ])
        for status in (400, 404, 405, 501)
    },
    "end-6 says 404": (LARGE, [
        *IN_CHUNKS[:-1],
        (PUT, refusal(404, "BLOB_UPLOAD_UNKNOWN")),
        (GIVEN_UP, refusal(404)),
        *IN_CHUNKS,
    ]),
    "end-6 says 400": (LARGE, [
        *IN_CHUNKS[:-1], (PUT, refusal(400, "DIGEST_INVALID")), (GIVEN_UP, answer(204)), *IN_CHUNKS,
    ]),
    "end-6 says 416": (SMALL, [
        (POST, begun()),
        (PUT_SMALL, refusal(416)),
        (BLOB_SMALL, refusal(404)),
        (STATUS, at(1, status=204)),
        (f"{PUT_SMALL} 2-4", answer(201)),
    ]),
    "end-6 was done and says 500": (SMALL, [
        (POST, begun()), (PUT_SMALL, refusal(500)), (BLOB_SMALL, answer(200, SMALL)),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("name", UPLOADED)
def test_an_upload(scripted, client, name):
    content, conversation = UPLOADED[name]
    requests, answers = zip(*conversation, strict=True)
    scripted.answers = [*answers, refusal(410)]
    stored = client.pusher(scripted.reference).push(lambda: [content])
    assert stored == StoredBlob(Image.digest_of(content), len(content))
    assert scripted.lines == list(requests)
    for each in scripted.sent:
        if each.body:
            start, _, end = each.headers.get("Content-Range", f"0-{len(content) - 1}").partition(
                "-"
            )
            assert each.body == content[int(start) : int(end) + 1]


def test_an_upload_elsewhere_is_shown_no_credential(scripted, serve, client):
    """ "offloading to another server": the place that a registry gives may be anywhere."""
    asked = []

    def respond(exchange):
        asked.append((exchange.command, exchange.headers.get("Authorization")))
        exchange.answer(201)

    other = serve(respond, "127.0.0.2")
    scripted.answers = [begun(f"http://{other.host}/store?signed=1")]
    assert push_small(client, scripted.reference) == StoredBlob(LAYER, 5)
    assert asked == [("PUT", None)]
