"""Looking at a real registry: what it holds, and what a name means there."""

from __future__ import annotations

import json
import signal
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from container_magics.commands import registry as command
from container_magics.commands.registry import registry
from container_magics.distribution import listing
from container_magics.errors import NotFoundError, RegistryError, UsageError
from container_magics.oci.models import OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Platform
from tests.distribution.conftest import serve
from tests.distribution.images import Image
from tests.fixtures.processes import WAIT_SECONDS, wait_until
from tests.fixtures.registry import push_image, push_manifest, running_registry

__all__ = ["serve"]

pytestmark = pytest.mark.registry

AT_ONCE = 8
MEBIBYTE = 1024 * 1024
BASE, APP, OTHER = b"base" * 1000, b"app" * 500, b"other" * 700


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of three repositories; two of them have images with one layer in common."""
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        push(host, "flask", "1.0", BASE, APP)
        push(host, "flask", "latest", BASE, APP)
        push(host, "tools/other", "1", BASE, OTHER)
        platform = {"os": "linux", "architecture": "arm64"}
        entry = {**push(host, "several", "arm", b"arm"), "platform": platform}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        push_manifest(host, "several", "all", index)
        yield host


def push(host: str, repository: str, tag: str, *layers: bytes) -> dict[str, Any]:
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}
    return push_image(host, repository, tag, [(OCI_LAYER, layer) for layer in layers], config)


def test_it_lists_tags_sizes_and_what_is_shared(host: str):
    view = registry(f"http://{host}/")
    frame = view.frame().set_index(["repository", "tag"])
    names = [("flask", "1.0"), ("flask", "latest"), ("several", "all"), ("several", "arm")]
    assert list(frame.index) == [*names, ("tools/other", "1")]
    assert frame.loc[("flask", "1.0"), "digest"] == frame.loc[("flask", "latest"), "digest"]
    assert list(frame["shared"]) == [len(BASE), len(BASE), len(b"arm"), len(b"arm"), len(BASE)]
    assert frame.loc[("several", "all"), "platforms"] == ("linux/arm64",)
    configs = {blob for each in view.holdings.tags for blob in each.configs}
    size_of_configs = sum(blob.size for blob in configs)
    assert view.holdings.stored == len(BASE + APP + OTHER + b"arm") + size_of_configs
    assert "flask:1.0, flask:latest, tools/other:1" in str(view)
    assert "3 repositories, 5 tags" in view._repr_html_()


def test_a_part_that_is_missing_is_no_reason_to_leave_out_the_rest(serve):
    """Nor are attestations read; and what several tags name is read once."""
    image, index_of = Image(), Image.index_of
    there = json.loads(index_of(image.manifest, OCI_MANIFEST))["manifests"]
    arm, unknown = Platform("linux", "arm64"), Platform("unknown", "unknown")
    gone = json.loads(index_of(b"gone", OCI_MANIFEST, arm))["manifests"]
    attested = json.loads(index_of(b"attested", OCI_MANIFEST, unknown))["manifests"]
    index = json.dumps({"schemaVersion": 2, "manifests": there + gone + attested}).encode()

    def respond(exchange):
        if "/tags/list" in exchange.path:
            exchange.answer(200, b'{"tags": ["1", "2"]}')
        elif exchange.path.endswith(("/1", "/2")):
            exchange.answer(200, index, Content_Type=OCI_INDEX)
        elif exchange.path.endswith(image.digest):
            image.respond(exchange)
        else:
            exchange.answer(404)

    server = serve(respond)
    holdings = registry(f"{server.host}/a/b").holdings
    assert [(each.tag, each.platforms) for each in holdings.tags] == [
        ("1", ("linux/amd64",)),
        ("2", ("linux/amd64",)),
    ]
    assert holdings.tags[0].size == len(image.layer) + len(image.config)
    assert list(holdings.problems) == ["a/b:1", "a/b:2"]
    assert "a part of it is missing: manifest for" in holdings.problems["a/b:1"]
    assert sorted(server.paths("sha256:")) == sorted(
        f"/v2/a/b/manifests/{each['digest']}" for each in there + gone
    )


def test_a_registry_that_gives_no_more_today_is_asked_no_more(serve):
    image = Image()

    def respond(exchange):
        if "/tags/list" in exchange.path:
            exchange.answer(200, json.dumps({"tags": [f"{n:03}" for n in range(200)]}).encode())
        elif exchange.path.endswith("/000"):
            image.respond(exchange)
        else:
            body = b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "enough"}]}'
            exchange.answer(429, body, Retry_After=3600)

    server = serve(respond)
    holdings = registry(f"{server.host}/a/b").holdings
    assert [each.tag for each in holdings.tags] == ["000"]
    ((place, why),) = holdings.problems.items()
    assert place == server.host
    assert "toomanyrequests: enough" in why
    assert len(server.paths("/manifests/")) < 50


def serving(repositories: dict[str, list[str]], documents: dict[str, bytes], padding: bytes = b""):
    """Answers with tags, and with what a tag or digest means; indexes have manifests in them."""

    def respond(exchange):
        name = exchange.path.rpartition("/")[2]
        if "/_catalog" in exchange.path:
            exchange.answer(200, json.dumps({"repositories": list(repositories)}).encode())
        elif "/tags/list" in exchange.path:
            tags = repositories[exchange.path.removeprefix("/v2/").partition("/tags/")[0]]
            exchange.answer(200, json.dumps({"tags": tags}).encode())
        elif name in documents:
            kind = OCI_INDEX if b'"manifests"' in documents[name] else OCI_MANIFEST
            exchange.answer(200, documents[name] + padding, Content_Type=kind)
        else:
            exchange.answer(404)

    return respond


def index_of(images: Sequence[Image], padding: bytes = b"", **more: str) -> bytes:
    entries = [
        Image.descriptor(image.manifest + padding, OCI_MANIFEST)
        | {"platform": {"os": "linux", "architecture": "arm64"}}
        for image in images
    ]
    return json.dumps({"schemaVersion": 2, "manifests": entries, "annotations": more}).encode()


def several_images(count: int) -> list[Image]:
    return [Image(b"layer %d" % number) for number in range(count)]


class TestWhatIsLeftOut:
    def test_a_tag_that_is_no_name(self, serve):
        image = Image()
        bad = ["not a tag", "", f"v1@{image.digest}", "v1\x1b[31m" + "x" * 1000]
        server = serve(
            serving(
                {"a": ["v1", *bad], "b": ["v1"], "a:d": ["v1"], "C": ["v1"]}, {"v1": image.manifest}
            )
        )
        view = registry(server.host)
        assert [(each.repository, each.tag) for each in view.holdings.tags] == [
            ("a", "v1"),
            ("b", "v1"),
        ]
        assert view.holdings.problems["a"].startswith("4 tags have no valid name, and are left out")
        assert len(view.holdings.problems["a"]) < 300
        assert sorted(view.holdings.problems) == ["C", "a", "a:d"]
        assert len(server.paths("/tags/list")) == 2, "what is no name is not asked for"
        assert "\x1b" not in str(view)

    def test_where_nothing_is_left_it_does_not_say_that_nothing_is_there(self, serve):
        view = registry(f"{serve(serving({'a': ['not a tag']}, {})).host}/a")
        assert view.holdings.problems["a"] == (
            '1 tag has no valid name, and is left out: "not a tag"'
        )
        assert "no image could be read" in str(view)
        assert "holds no images" in str(registry(f"{serve(serving({'a': []}, {})).host}/a"))

    def test_images_of_an_index_after_the_first_hundred(self, serve):
        images = several_images(103)
        documents = {image.digest: image.manifest for image in images} | {"1": index_of(images)}
        server = serve(serving({"a": ["1"]}, documents))
        holdings = registry(f"{server.host}/a").holdings
        assert len(holdings.tags[0].layers) == 100
        assert len(server.paths("sha256:")) == 100
        assert holdings.problems == {
            "a:1": "its index names 3 images after the first 100: left out"
        }

    def test_manifests_after_128_mebibytes(self, serve):
        images, padding = several_images(60), b" " * (4 * MEBIBYTE - 1000)
        documents = {Image.digest_of(each.manifest + padding): each.manifest for each in images}
        respond = serving({"a": ["1"]}, documents, padding)
        index = index_of(images, padding)

        def unpadded_index(exchange):
            if exchange.path.endswith("/1"):
                exchange.answer(200, index, Content_Type=OCI_INDEX)
            else:
                respond(exchange)

        server = serve(unpadded_index)
        problems = registry(f"{server.host}/a").holdings.problems
        assert problems == {
            server.host: "not all of it was read: its manifests have more than 134,217,728 bytes"
        }
        assert 32 <= len(server.paths("sha256:")) <= 33 + AT_ONCE

    @pytest.mark.parametrize(
        ("bound", "most", "words"),
        [
            ("_MOST_MANIFESTS", 3, "not all of it was read: it has more than 3 manifests"),
            ("_MOST_BLOBS", 5, "not all of it was read: its manifests name more than"),
        ],
    )
    def test_manifests_after_too_many(self, serve, monkeypatch, bound, most, words):
        monkeypatch.setattr(command, bound, most)
        documents = {str(n): image.manifest for n, image in enumerate(several_images(40))}
        server = serve(serving({"a": list(documents)}, documents))
        holdings = registry(f"{server.host}/a").holdings
        assert words in holdings.problems[server.host]
        assert 1 <= len(holdings.tags) <= most
        assert len(server.paths("/manifests/")) <= most + AT_ONCE

    def test_tags_whose_layers_are_too_many_together(self, serve, monkeypatch):
        """A hundred images that each of two thousand indexes names, say."""
        monkeypatch.setattr(command, "_MOST_BLOBS", 5)
        image = Image()
        documents = {str(n): index_of([image], n=str(n)) for n in range(4)}
        server = serve(serving({"a": list(documents)}, documents | {image.digest: image.manifest}))
        holdings = registry(f"{server.host}/a").holdings
        assert [each.tag for each in holdings.tags] == ["0", "1"]
        assert "layers: the rest is left out" in holdings.problems[server.host]

    def test_repositories_after_too_many(self, serve, monkeypatch):
        monkeypatch.setattr(command, "_MOST_REPOSITORIES", 3)
        monkeypatch.setattr(listing, "_MAX_NAMES", 5)
        server = serve(serving({f"r{number}": [] for number in range(7)}, {}))
        problem = registry(server.host).holdings.problems[server.host]
        assert "it lists more than 5 repositories" in problem
        assert "it has more than 3 repositories: the rest was not asked for tags" in problem
        assert len(server.paths("/tags/list")) == 3

    def test_problems_after_a_hundred_are_counted(self, serve):
        server = serve(serving({f"R{number:03}": [] for number in range(105)}, {}))
        view = registry(server.host)
        for shown in (str(view), view._repr_html_()):
            assert "R099" in shown
            assert "R100" not in shown
            assert "5 problems more" in shown


def test_manifests_are_not_kept_while_others_are_read(serve):
    images, padding = several_images(96), b" " * MEBIBYTE
    documents = {str(number): image.manifest for number, image in enumerate(images)}
    server = serve(serving({"a": list(documents)}, documents, padding))
    tracemalloc.start()
    try:
        assert len(registry(f"{server.host}/a")) == len(images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * MEBIBYTE


class TestInterrupts:
    """They come once as many manifests are asked for as are read at once."""

    @pytest.fixture
    def interrupt(self) -> threading.Barrier:
        main = threading.main_thread().ident
        return threading.Barrier(AT_ONCE, partial(signal.pthread_kill, main, signal.SIGINT))

    def test_it_does_not_wait_for_a_registry_that_drips(self, serve, interrupt):
        released, waited_for = threading.Event(), []

        def respond(exchange):
            if "/tags/list" in exchange.path:
                exchange.answer(200, json.dumps({"tags": [f"{n}" for n in range(50)]}).encode())
            elif released.is_set() or waited_for:
                exchange.drop()
            else:
                interrupt.wait(WAIT_SECONDS)
                exchange.start(200, 100_000, Content_Type=OCI_MANIFEST)
                for _ in range(100):
                    exchange.wfile.write(b" ")
                    if released.wait(0.1):
                        exchange.drop()
                        return
                waited_for.append(exchange.path)

        server = serve(respond)
        with pytest.raises(KeyboardInterrupt):
            registry(f"{server.host}/a/b")
        assert waited_for == []
        released.set()
        wait_until(lambda: not threads_for(server.host), "its threads end")
        assert len(set(server.paths("/manifests/"))) == AT_ONCE, "no other is asked for any more"

    def test_it_ends_waits_for_another_try(self, serve, interrupt):
        asked = Counter[str]()

        def respond(exchange):
            if "/tags/list" in exchange.path:
                exchange.answer(
                    200, json.dumps({"tags": [f"{n}" for n in range(AT_ONCE)]}).encode()
                )
                return
            asked[exchange.path] += 1
            if asked[exchange.path] == 1:
                interrupt.wait(WAIT_SECONDS)
            exchange.answer(503, Retry_After=10)

        server = serve(respond)
        with pytest.raises(KeyboardInterrupt):
            registry(f"{server.host}/a/b")
        wait_until(lambda: not threads_for(server.host), "its threads end")
        assert set(asked.values()) == {1}


def threads_for(host: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if host in thread.name]


def test_one_repository(host: str):
    assert list(registry(f"{host}/tools/other").frame()["tag"]) == ["1"]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("alpine", UsageError, "is no registry"),
        ("localhost:1/flask:1.0", UsageError, "names an image"),
        ("localhost:1", RegistryError, "localhost:1"),
    ],
)
def test_what_is_no_registry_is_said(name: str, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        registry(name)


def test_manifest_inspect_prints_the_document(docker, host: str):
    document = docker("manifest", "inspect", f"{host}/flask:1.0")
    assert [layer["size"] for layer in document["layers"]] == [len(BASE), len(APP)]
    assert json.loads(str(document)) == document
    index = docker("manifest", "inspect", "-v", f"{host}/several:all")
    (entry,) = json.loads(str(index))
    assert entry["Descriptor"]["platform"]["architecture"] == "arm64"
    assert entry["OCIManifest"]["layers"][0]["size"] == len(b"arm")


def test_manifest_inspect_of_what_is_not_there(docker, host: str):
    with pytest.raises(NotFoundError, match=f"no such manifest: {host}/flask:9"):
        docker("manifest", "inspect", f"{host}/flask:9")
