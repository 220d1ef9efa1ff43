"""Looking at a real registry: what it holds, and what a name means there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from container_magics.commands.registry import registry
from container_magics.errors import NotFoundError, RegistryError, UsageError
from container_magics.oci.models import OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Platform
from tests.distribution.conftest import serve
from tests.distribution.images import Image
from tests.fixtures.registry import push_image, push_manifest, running_registry

__all__ = ["serve"]

pytestmark = pytest.mark.registry

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
