"""Pulling from a real registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard

from container_magics.distribution import RegistryClient
from container_magics.errors import PullError, RegistryError, UnreachableError
from container_magics.oci.models import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    DOCKER_MANIFEST_LIST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Descriptor,
    Platform,
)
from container_magics.reference import parse
from tests.fixtures.registry import push_blob, push_image, push_manifest
from tests.fixtures.skopeo import skopeo

pytestmark = pytest.mark.registry

AMD64 = Platform("linux", "amd64")


def tar_of(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def config_for(architecture):
    return {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers"}}


def test_resolves_a_tag_to_checked_documents(registry, client):
    config = config_for("amd64")
    pushed = push_image(registry, "one/plain", "v1", [(OCI_LAYER, tar_of("a", b"x"))], config)
    image = client.resolve(parse(f"{registry}/one/plain:v1"), AMD64)
    assert image.digest == pushed["digest"]
    assert image.digest == f"sha256:{hashlib.sha256(image.manifest_bytes).hexdigest()}"
    assert image.index_digest == ""
    assert image.host == registry
    assert json.loads(image.config_bytes) == config
    assert image.manifest.config.media_type == OCI_CONFIG
    assert [layer.media_type for layer in image.manifest.layers] == [OCI_LAYER]


def test_a_name_without_a_tag_is_latest(registry, client):
    pushed = push_image(registry, "one/untagged", "latest", [], config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/untagged"), AMD64)
    assert image.digest == pushed["digest"]
    assert image.reference.tag == "latest"


def test_gives_layers_as_they_are_stored(registry, client):
    tree = tar_of("file", os.urandom(3_000_000))
    layers = [
        (OCI_LAYER, tree),
        (OCI_LAYER_GZIP, gzip.compress(tree, 1)),
        (OCI_LAYER_ZSTD, zstandard.compress(tree)),
    ]
    push_image(registry, "one/layers", "v1", layers, config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/layers:v1"), AMD64)
    for descriptor, (media_type, stored) in zip(image.manifest.layers, layers, strict=True):
        assert descriptor.media_type == media_type
        with client.open_blob(image, descriptor) as blob:
            assert blob.read() == stored
            assert blob.read(10) == b""


def test_decompressors_can_read_from_a_blob(registry, client):
    tree = tar_of("file", b"abc" * 500_000)
    layers = [(OCI_LAYER_GZIP, gzip.compress(tree)), (OCI_LAYER_ZSTD, zstandard.compress(tree))]
    push_image(registry, "one/packed", "v1", layers, config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/packed:v1"), AMD64)
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        assert gzip.GzipFile(fileobj=blob).read() == tree
    with client.open_blob(image, image.manifest.layers[1]) as blob:
        reader = zstandard.ZstdDecompressor().stream_reader(blob, closefd=False)
        assert reader.readall() == tree


def test_layers_download_at_the_same_time(registry, client):
    contents = [os.urandom(2_000_000) for _ in range(6)]
    layers = [(OCI_LAYER, content) for content in contents]
    push_image(registry, "one/many", "v1", layers, config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/many:v1"), AMD64)

    def download(descriptor):
        with client.open_blob(image, descriptor) as blob:
            return blob.read()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(download, image.manifest.layers)) == contents


@pytest.mark.parametrize("index_type", [OCI_INDEX, DOCKER_MANIFEST_LIST])
def test_takes_the_platform_from_an_index(registry, client, index_type):
    repository = f"multi/{'oci' if index_type == OCI_INDEX else 'docker'}"
    platforms = [Platform("linux", "arm64", "v8"), AMD64, Platform("linux", "arm", "v7")]
    entries = [
        push_image(registry, repository, "", [], config_for(platform.architecture))
        | {"platform": platform.to_json()}
        for platform in platforms
    ]
    attestation = entries[0] | {"platform": Platform("unknown", "unknown").to_json()}
    document = {
        "schemaVersion": 2, "mediaType": index_type, "manifests": [attestation, *entries],
    }  # fmt: skip
    index = push_manifest(registry, repository, "v1", document)
    for platform, entry in zip(platforms, entries, strict=True):
        image = client.resolve(parse(f"{registry}/{repository}:v1"), platform)
        assert image.digest == entry["digest"]
        assert image.index_digest == index["digest"]
        assert json.loads(image.config_bytes)["architecture"] == platform.architecture
    by_digest = client.resolve(parse(f"{registry}/{repository}@{index['digest']}"), AMD64)
    assert (by_digest.digest, by_digest.index_digest) == (entries[1]["digest"], index["digest"])
    with pytest.raises(PullError, match="linux/arm64/v8, linux/amd64, linux/arm/v7"):
        client.resolve(parse(f"{registry}/{repository}:v1"), Platform("linux", "s390x"))


def test_a_digest_counts_and_the_tag_beside_it_does_not(registry, client):
    first = push_image(registry, "one/moved", "v1", [], config_for("amd64"))
    second = push_image(registry, "one/moved", "v1", [], config_for("arm64"))
    name = f"{registry}/one/moved"
    assert client.resolve(parse(f"{name}@{first['digest']}"), AMD64).digest == first["digest"]
    assert client.resolve(parse(f"{name}:v1@{first['digest']}"), AMD64).digest == first["digest"]
    assert client.resolve(parse(f"{name}:v1"), AMD64).digest == second["digest"]


def test_a_missing_tag_is_told_in_docker_s_words(registry, client):
    push_image(registry, "one/tags", "v1", [], config_for("amd64"))
    name = f"{registry}/one/tags:v2"
    with pytest.raises(PullError, match="not found: manifest unknown") as caught:
        client.resolve(parse(name), AMD64)
    assert caught.value.message.startswith(f"manifest for {name} not found: ")
    assert [host for host, _ in caught.value.answers] == [registry]
    assert "404 Not Found" in caught.value.answers[0][1]
    assert not isinstance(caught.value, UnreachableError)


def test_a_missing_repository_is_told(registry, client):
    with pytest.raises(PullError, match=r"no/such:v2 not found|repository \S+/no/such not found"):
        client.resolve(parse(f"{registry}/no/such:v2"), AMD64)


def test_a_missing_digest_is_told(registry, client):
    push_image(registry, "one/digests", "v1", [], config_for("amd64"))
    with pytest.raises(PullError, match="not found"):
        client.resolve(parse(f"{registry}/one/digests@sha256:{'0' * 64}"), AMD64)


def test_a_missing_layer_is_told(registry, client):
    push_image(registry, "one/holey", "v1", [], config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/holey:v1"), AMD64)
    missing = Descriptor(OCI_LAYER, f"sha256:{'0' * 64}", 5)
    with pytest.raises(RegistryError, match="blob unknown"), client.open_blob(image, missing):
        pass


def test_an_artifact_is_no_image(registry, client):
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": push_blob(registry, "one/chart", b"{}", "application/vnd.cncf.helm.config.v1"),
        "layers": [],
    }
    push_manifest(registry, "one/chart", "v1", document)
    with pytest.raises(PullError, match=r"helm.*: an artifact, not an image"):
        client.resolve(parse(f"{registry}/one/chart:v1"), AMD64)


def test_reads_what_another_program_pushed_in_docker_s_format(registry, client, tmp_path):
    """Skopeo writes Docker's own manifest; what it says of the image is what is read."""
    layer = gzip.compress(tar_of("hello", b"world"), mtime=0)
    push_image(registry, "two/source", "v1", [(OCI_LAYER_GZIP, layer)], {
        **config_for("amd64"),
        "rootfs": {"type": "layers",
                   "diff_ids": [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}"]},
    })  # fmt: skip
    skopeo(
        "copy", "--quiet", "--format=v2s2", "--src-tls-verify=false", "--dest-tls-verify=false",
        f"docker://{registry}/two/source:v1", f"docker://{registry}/two/copy:v1",
    )  # fmt: skip
    told = skopeo("inspect", "--tls-verify=false", f"docker://{registry}/two/copy:v1")
    inspected = json.loads(told)
    image = client.resolve(parse(f"{registry}/two/copy:v1"), AMD64)
    assert image.manifest.media_type == DOCKER_MANIFEST
    assert image.manifest.config.media_type == DOCKER_CONFIG
    assert image.digest == inspected["Digest"]
    assert [layer.digest for layer in image.manifest.layers] == inspected["Layers"]
    assert image.manifest.layers[0].media_type == DOCKER_LAYER_GZIP
    with client.open_blob(image, image.manifest.layers[0]) as blob:
        assert blob.read() == layer


def test_a_layer_s_own_descriptor_is_what_is_checked(registry, client):
    push_image(registry, "one/lies", "v1", [(OCI_LAYER, b"abcdef")], config_for("amd64"))
    image = client.resolve(parse(f"{registry}/one/lies:v1"), AMD64)
    digest = image.manifest.layers[0].digest
    with (
        pytest.raises(RegistryError, match="longer than the 5 bytes"),
        client.open_blob(image, Descriptor(OCI_LAYER, digest, 5)) as blob,
    ):
        blob.read()
    with (
        pytest.raises(RegistryError, match="ended after 6 of 7 bytes"),
        client.open_blob(image, Descriptor(OCI_LAYER, digest, 7)) as blob,
    ):
        blob.read()


def test_a_client_can_be_given_a_session(registry):
    import requests

    push_image(registry, "one/session", "v1", [], config_for("amd64"))
    session = requests.Session()
    session.headers["User-Agent"] = "test"
    with RegistryClient(session=session) as client:
        assert client.resolve(parse(f"{registry}/one/session:v1"), AMD64).config_bytes


def test_importing_the_package_imports_no_http_library():
    code = "import sys, container_magics.distribution; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"requests", "urllib3", "IPython", "pandas"} & set(loaded)
