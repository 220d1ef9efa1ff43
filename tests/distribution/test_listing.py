"""Tags, repositories, referrers, deleting: on Debian's registry, and on ones that page and lie."""

from __future__ import annotations

import json

import pytest

from container_magics.distribution import listing
from container_magics.distribution.listing import Names
from container_magics.errors import RegistryError
from container_magics.oci.models import OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from container_magics.reference import parse
from tests.distribution.images import Image
from tests.distribution.written_registry import WrittenRegistry, digest_of
from tests.fixtures.registry import free_port, push_blob, push_image, push_manifest

CONFIG = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}}


def paged(key, *pages):
    """Answers with one page after the other, each linked to the next."""

    def respond(exchange):
        number = int(exchange.path.partition("page=")[2] or 0)
        headers = {}
        if number + 1 < len(pages):
            path = exchange.path.partition("?")[0]
            headers["Link"] = f'<{path}?page={number + 1}>; rel="next"'
        exchange.answer(200, json.dumps({key: pages[number]}).encode(), **headers)

    return respond


def endless(body):
    """Answers with one page after the other, and always links to one more."""

    def respond(exchange):
        path, _, number = exchange.path.partition("?page=")
        link = f'<{path.partition("?")[0]}?page={int(number or 0) + 1}>; rel="next"'
        exchange.answer(200, body, Link=link, Content_Type=OCI_INDEX)

    return respond


@pytest.mark.registry
class TestRealRegistry:
    def test_tags_and_repositories(self, registry, client):
        for repository, tag in [("list/a", "v1"), ("list/a", "v2"), ("list/b", "v1")]:
            push_image(registry, repository, tag, [], CONFIG)
        assert sorted(client.tags(parse(f"{registry}/list/a"))) == ["v1", "v2"]
        assert {"list/a", "list/b"} <= set(client.repositories(registry))

    def test_a_repository_that_is_not_there(self, registry, client):
        with pytest.raises(RegistryError, match=r"list the tags of .*/list/none: name unknown"):
            client.tags(parse(f"{registry}/list/none"))

    def test_referrers_by_the_tag_that_stands_in_for_them(self, registry, client):
        subject = push_image(registry, "refer/a", "v1", [], CONFIG)
        reference = parse(f"{registry}/refer/a")
        assert client.referrers(reference, subject["digest"]) == []
        empty = push_blob(registry, "refer/a", b"{}", "application/vnd.oci.empty.v1+json")
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.sbom",
            "config": empty,
            "layers": [],
            "subject": subject,
        }
        sbom = push_manifest(registry, "refer/a", "", document)
        entry = {**sbom, "artifactType": document["artifactType"]}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        push_manifest(registry, "refer/a", subject["digest"].replace(":", "-"), index)
        [found] = client.referrers(reference, subject["digest"])
        assert (found.digest, found.artifact_type) == (sbom["digest"], document["artifactType"])
        assert client.referrers(reference, subject["digest"], "application/other") == []

    def test_deleting_a_manifest_and_a_blob(self, registry, client):
        pushed = push_image(registry, "gone/a", "v1", [(OCI_LAYER, b"layer")], CONFIG)
        reference = parse(f"{registry}/gone/a:v1")
        client.delete_manifest(reference, pushed["digest"])
        assert list(client.tags(reference)) == []
        with pytest.raises(RegistryError, match=r"delete .*/gone/a:v1: manifest unknown"):
            client.delete_manifest(reference, pushed["digest"])
        layer = Image.digest_of(b"layer")
        client.delete_blob(reference, layer)
        assert client.pusher(reference).size_of(layer) is None


class TestAlongTheSpecification:
    def test_pages_follow_one_another(self, serve, client):
        server = serve(paged("tags", ["a", "b"], ["c"], None))
        assert client.tags(parse(f"{server.host}/a/b")) == Names(("a", "b", "c"))
        assert server.paths("/v2/a/b/tags/list?n=1000"), "as many at once as there may be"

    def test_pages_of_repositories(self, serve, client):
        server = serve(paged("repositories", ["a/b"], ["c/d"]))
        assert client.repositories(server.host) == Names(("a/b", "c/d"))

    def test_pages_that_go_round_end(self, serve, client):
        link = '</v2/a/b/tags/list?n=1000>; rel="next"'
        server = serve(lambda exchange: exchange.answer(200, b'{"tags":["a"]}', Link=link))
        assert set(client.tags(parse(f"{server.host}/a/b"))) == {"a"}
        assert len(server.paths()) <= 2

    def test_no_more_names_are_kept_than_anyone_reads(self, serve, client):
        names = [f"n{number}" for number in range(60_000)]
        server = serve(paged("repositories", names, names, names))
        listed = client.repositories(server.host)
        assert len(listed.found) == 100_000
        assert listed.cut == "it lists more than 100,000 repositories: the rest is left out"
        assert len(server.paths()) == 2, "the third page is not asked for"

    def test_pages_without_an_end_are_left(self, serve, client, monkeypatch):
        monkeypatch.setattr(listing, "_MAX_PAGES", 20)
        server = serve(endless(b'{"tags": ["a"]}'))
        listed = client.tags(parse(f"{server.host}/a/b"))
        assert listed.found == ("a",) * 20
        assert listed.cut == "it lists more than 20 pages of tags: the rest is left out"
        assert len(server.paths()) == 20

    def test_pages_are_left_after_32_mebibytes(self, serve, client):
        padding = b" " * (4 * 1024 * 1024 - 100)
        server = serve(endless(b'{"tags": ["a"]}' + padding))
        listed = client.tags(parse(f"{server.host}/a/b"))
        assert listed.cut == "it lists more than 32 MiB of tags: the rest is left out"
        assert len(listed.found) == len(server.paths()) == 9
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
        server = serve(endless(index + padding))
        subject = Image.digest_of(b"subject")
        with pytest.raises(RegistryError, match="it lists more than 32 MiB of them"):
            client.referrers(parse(f"{server.host}/a/b"), subject)
        assert len(server.paths()) == 9

    def test_the_referrers_api(self, serve, client):
        entries = [
            {**Image.descriptor(kind.encode(), OCI_MANIFEST), "artifactType": kind}
            for kind in ("one", "other")
        ]
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
        server = serve(
            lambda exchange: exchange.answer(
                200, json.dumps(index).encode(), Content_Type=OCI_INDEX
            )
        )
        subject = Image.digest_of(b"subject")
        found = client.referrers(parse(f"{server.host}/a/b"), subject, "one")
        assert [each.artifact_type for each in found] == ["one"], "a registry need not filter"
        assert server.paths() == [f"/v2/a/b/referrers/{subject}?artifactType=one"]

    @pytest.mark.parametrize(
        ("act", "method", "path"),
        [
            ("delete_tag", "DELETE", "/v2/a/b/manifests/v1"),
            ("delete_manifest", "DELETE", "/v2/a/b/manifests/{digest}"),
            ("delete_blob", "DELETE", "/v2/a/b/blobs/{digest}"),
        ],
    )
    def test_what_is_deleted_where(self, serve, client, act, method, path):
        asked = []

        def respond(exchange):
            asked.append((exchange.command, exchange.path))
            exchange.answer(202)

        server = serve(respond)
        digest = Image.digest_of(b"x")
        arguments = () if act == "delete_tag" else (digest,)
        getattr(client, act)(parse(f"{server.host}/a/b:v1"), *arguments)
        assert asked == [(method, path.format(digest=digest))]

    def test_a_deletion_whose_answer_was_lost_is_none_that_failed(self, serve, client):
        registry = WrittenRegistry()
        digest = digest_of(b"x")
        registry.blobs["a/b"] = {digest: b"x"}
        registry.broken["DELETE"] = [registry.do_and_drop]
        reference = parse(f"{serve(registry.respond).host}/a/b")
        client.delete_blob(reference, digest)
        assert registry.blobs["a/b"] == {}
        with pytest.raises(RegistryError, match="blob unknown"):
            client.delete_blob(reference, digest)

    def test_a_registry_that_deletes_nothing(self, serve, client):
        body = json.dumps({"errors": [{"code": "UNSUPPORTED", "message": "no"}]}).encode()
        server = serve(lambda exchange: exchange.answer(405, body))
        with pytest.raises(RegistryError, match=r"cannot delete .*/a/b:v1: unsupported") as caught:
            client.delete_tag(parse(f"{server.host}/a/b:v1"))
        assert "does not allow" in caught.value.hint

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{}", b'{"tags":7}', b'{"tags":[7]}', b"[" * 9999, b"x" * 5_000_000]
    )
    def test_nonsense(self, serve, client, body):
        server = serve(lambda exchange: exchange.answer(200, body))
        with pytest.raises(RegistryError, match=r"cannot list the tags of .*/a/b"):
            client.tags(parse(f"{server.host}/a/b"))
        with pytest.raises(RegistryError, match="cannot list what refers to"):
            client.referrers(parse(f"{server.host}/a/b"), Image.digest_of(b""))

    def test_nobody_there(self, client):
        host = f"127.0.0.1:{free_port()}"
        with pytest.raises(RegistryError, match=f"cannot list the repositories of {host}"):
            client.repositories(host)
