"""Pulling into a store, from a real registry and from servers that misbehave."""

from __future__ import annotations

import gzip
import json
import os
import threading
from functools import partial

import pytest
import zstandard

from container_magics.distribution import RegistryClient
from container_magics.engines.contents import TransferSize
from container_magics.engines.embedded.images.pulling import pull
from container_magics.engines.embedded.images.removal import prune_images, remove_image
from container_magics.engines.embedded.layer_contents import StoredLayer
from container_magics.engines.events import Cancellation, Message, PullProgress
from container_magics.errors import (
    ContainerMagicsError,
    CorruptArchiveError,
    PullError,
    RegistryError,
)
from container_magics.oci.models import (
    DOCKER_FOREIGN_LAYER,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_MANIFEST,
    Platform,
)
from container_magics.reference import parse
from tests.engines.embedded.material import (
    contents,
    diff_ids,
    digest,
    docker_archive,
    encoded,
    image_config,
    layer_tar,
    left_over,
    opened,
)
from tests.fixtures.registry import REGISTRY_BINARY, push_image, running_registry
from tests.fixtures.skopeo import skopeo

pytestmark = pytest.mark.registry

BASE = layer_tar({"etc": None, "etc/os-release": b"ID=test\n", "bin": "usr/bin", "usr": None})
BIG = layer_tar({"usr": None, "usr/big": os.urandom(5_000_000)})
TOP = layer_tar({"etc/.wh.os-release": b"", "app": b"hello"})


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    if not REGISTRY_BINARY:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    with running_registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def client():
    with RegistryClient(timeout=20) as client:
        yield client


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path / "store") as store:
        yield store


class Heard:
    """What a pull reported."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    @property
    def messages(self):
        return [event.text for event in self.events if isinstance(event, Message)]

    def of(self, descriptor_digest):
        short = descriptor_digest.partition(":")[2][:12]
        return [e for e in self.events if isinstance(e, PullProgress) and e.layer == short]


def fetch(store, client, name, heard=None, cancel=None):
    report = heard or Heard()
    return pull(store, client, parse(name), report, cancel or Cancellation())


def test_pulls_layers_of_every_compression(registry, client, store):
    layers = [BASE, BIG, TOP]
    config = image_config(*layers, Cmd=["/app"])
    pushed = push_image(
        registry,
        "all/kinds",
        "v1",
        [
            (OCI_LAYER_GZIP, gzip.compress(BASE)),
            (OCI_LAYER_ZSTD, zstandard.ZstdCompressor().compress(BIG)),
            (OCI_LAYER, TOP),
        ],
        config,
    )
    name = f"{registry}/all/kinds:v1"
    heard = Heard()
    image = fetch(store, client, name, heard)
    assert image == digest(encoded(config))
    row = store.images.row(image)
    assert row.names == (name,)
    assert row.digests == (f"{registry}/all/kinds@{pushed['digest']}",)
    assert row.config == config
    assert row.size == 5_000_000 + len("ID=test\n") + len("hello")
    found = contents(store, image)
    assert sorted(found) == ["app", "bin", "etc", "usr", "usr/big"]
    assert found["app"] == b"hello"
    assert found["bin"] == "usr/bin"
    assert heard.messages == [
        "v1: Pulling from all/kinds",
        f"Digest: {pushed['digest']}",
        f"Status: Downloaded newer image for {name}",
    ]
    assert left_over(store) == []


def test_reports_each_layer_in_dockers_words(registry, client, store):
    packed = gzip.compress(BIG)
    push_image(registry, "said", "v1", [(OCI_LAYER_GZIP, packed)], image_config(BIG))
    heard = Heard()
    fetch(store, client, f"{registry}/said:v1", heard)
    events = heard.of(digest(packed))
    statuses = [event.status for event in events]
    assert list(dict.fromkeys(statuses)) == [
        "Pulling fs layer",
        "Downloading",
        "Verifying Checksum",
        "Pull complete",
    ]
    downloads = [(e.current, e.total) for e in events if e.status == "Downloading"]
    assert downloads == sorted(downloads)
    assert downloads[-1] == (len(packed), len(packed))


def test_the_bytes_that_came_over_the_wire_are_known_afterwards(registry, client, store):
    sent = [(OCI_LAYER_GZIP, gzip.compress(BASE)), (OCI_LAYER, TOP)]
    push_image(registry, "wire", "v1", sent, image_config(BASE, TOP))
    image = fetch(store, client, f"{registry}/wire:v1")
    rows = [store.require_layer(diff_id) for diff_id in diff_ids(store, image)]
    assert [StoredLayer(store, row).transfer_size() for row in rows] == [
        TransferSize(len(data), measured=True) for _, data in sent
    ]


def test_layers_that_are_there_are_not_fetched(registry, client, store):
    packed = gzip.compress(BASE)
    push_image(registry, "shared/one", "v1", [(OCI_LAYER_GZIP, packed)], image_config(BASE))
    fetch(store, client, f"{registry}/shared/one:v1")
    layers = [(OCI_LAYER_GZIP, packed), (OCI_LAYER, TOP)]
    push_image(registry, "shared/two", "v1", layers, image_config(BASE, TOP))
    heard = Heard()
    image = fetch(store, client, f"{registry}/shared/two:v1", heard)
    assert [e.status for e in heard.of(digest(packed))] == ["Already exists"]
    assert "app" in contents(store, image)


def test_a_layer_that_is_there_twice_is_fetched_once(registry, client, store):
    layers = [(OCI_LAYER, BASE), (OCI_LAYER, TOP), (OCI_LAYER, BASE)]
    push_image(registry, "twice", "v1", layers, image_config(BASE, TOP, BASE))
    heard = Heard()
    image = fetch(store, client, f"{registry}/twice:v1", heard)
    assert [e.status for e in heard.of(digest(BASE))].count("Pull complete") == 1
    assert contents(store, image)["etc/os-release"] == b"ID=test\n"


def test_pulling_again_says_that_nothing_changed(registry, client, store):
    push_image(registry, "again", "v1", [(OCI_LAYER, BASE)], image_config(BASE))
    name = f"{registry}/again:v1"
    first = fetch(store, client, name)
    heard = Heard()
    assert fetch(store, client, name, heard) == first
    assert heard.messages[-1] == f"Status: Image is up to date for {name}"


def test_a_tag_that_moved_moves_here(registry, client, store):
    name = f"{registry}/moved:v1"
    push_image(registry, "moved", "v1", [(OCI_LAYER, BASE)], image_config(BASE))
    old = fetch(store, client, name)
    push_image(registry, "moved", "v1", [(OCI_LAYER, TOP)], image_config(TOP))
    new = fetch(store, client, name)
    assert store.images.named(name) == new
    assert store.images.row(old).names == ()


def test_a_digest_names_without_a_tag(registry, client, store):
    pushed = push_image(registry, "fixed", "v1", [(OCI_LAYER, BASE)], image_config(BASE))
    name = f"{registry}/fixed@{pushed['digest']}"
    heard = Heard()
    image = fetch(store, client, name, heard)
    assert store.images.row(image).names == ()
    assert store.images.named(name) == image
    assert heard.messages[-1] == f"Status: Downloaded newer image for {name}"
    fetch(store, client, name, heard)
    assert heard.messages[-1] == f"Status: Image is up to date for {name}"


def test_a_digest_goes_with_the_last_tag_of_its_repository(registry, client, store):
    pushed = push_image(registry, "tagged", "v1", [(OCI_LAYER, BASE)], image_config(BASE))
    name, fixed = f"{registry}/tagged:v1", f"{registry}/tagged@{pushed['digest']}"
    image = fetch(store, client, name)
    store.images.set_name(f"{registry}/tagged:v2", image)
    store.images.set_name(f"{registry}/other:v1", image)
    assert remove_image(store, name).untagged == (name,)
    assert remove_image(store, f"{registry}/tagged:v2").untagged == (f"{registry}/tagged:v2", fixed)
    assert store.images.row(image).digests == ()
    fetch(store, client, name)
    untagged = prune_images(store, every=True).removal.untagged
    assert sorted(untagged) == sorted([f"{registry}/other:v1", name, fixed])


def test_an_image_without_layers(registry, client, store):
    push_image(registry, "empty", "v1", [], image_config())
    image = fetch(store, client, f"{registry}/empty:v1")
    assert contents(store, image) == {}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_pulls_what_skopeo_pushes(registry, client, store, tmp_path, compression):
    layers = [layer_tar({"etc": None, "etc/name": compression.encode()}), TOP]
    path = tmp_path / "image.tar"
    path.write_bytes(docker_archive(image_config(*layers), layers))
    skopeo(
        "copy", "--dest-tls-verify=false", "--format=oci", "--dest-compress-format", compression,
        f"docker-archive:{path}", f"docker://{registry}/by-skopeo/{compression}:v1",
    )  # fmt: skip
    name = f"{registry}/by-skopeo/{compression}:v1"
    manifest = client.resolve(parse(name), Platform.host()).manifest
    assert manifest.layers[0].media_type == OCI_LAYER + "+" + compression
    found = contents(store, fetch(store, client, name))
    assert found == {"etc": None, "etc/name": compression.encode(), "app": b"hello"}


def refused(store, client, name, error, match):
    """The pull fails so, and the store is as it was."""
    before = (store.images.ids(), store.images.names())
    with pytest.raises(error, match=match):
        fetch(store, client, name)
    assert (store.images.ids(), store.images.names()) == before
    assert left_over(store) == []


def test_other_content_than_the_configuration_says_is_refused(registry, client, store):
    layers = [(OCI_LAYER, BASE), (OCI_LAYER_GZIP, gzip.compress(TOP))]
    push_image(registry, "wrong/diff", "v1", layers, image_config(BASE, BIG))
    refused(store, client, f"{registry}/wrong/diff:v1", RegistryError, "layer verification failed")


@pytest.mark.parametrize(
    "stored",
    [
        gzip.compress(TOP)[:-20],
        gzip.compress(TOP) + b"more",
        b"no tar at all" * 100,
        b"",
        TOP[:700],
    ],
)
def test_damaged_layers_are_refused(registry, client, store, stored):
    repository = f"damaged/{digest(stored)[7:19]}"
    push_image(registry, repository, "v1", [(OCI_LAYER, stored)], image_config(TOP))
    refused(store, client, f"{registry}/{repository}:v1", RegistryError, digest(stored))


def test_a_layer_that_climbs_out_is_refused(registry, client, store):
    bad = layer_tar({"../../escaped": b"x"})
    push_image(registry, "climbs", "v1", [(OCI_LAYER, bad)], image_config(bad))
    refused(store, client, f"{registry}/climbs:v1", RegistryError, "climbs out")
    assert not (store.root / "escaped").exists()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"rootfs": {"diff_ids": []}}, "1 layers and its configuration 0"),
        ({"rootfs": {"diff_ids": "all"}}, "not a list"),
        ({"rootfs": {"diff_ids": ["sha256:../../x"]}}, "invalid digest"),
        ({"rootfs": {"diff_ids": [digest(b"")] * 200}}, "max depth exceeded"),
        ({"os": "windows"}, 'operating system "windows" cannot be used'),
        ({"config": {"Env": "A=1"}}, "config.Env"),
        ({"config": {"Labels": {"a": 1}}}, "config.Labels"),
        ({"history": ["made"]}, "history"),
    ],
)
def test_odd_configurations_are_refused(registry, client, store, change, match):
    config = {**image_config(BASE), **change}
    push_image(registry, "odd", "v1", [(OCI_LAYER, BASE)], config)
    refused(store, client, f"{registry}/odd:v1", CorruptArchiveError, match)


def test_an_unsupported_layer_type_is_refused_by_name(registry, client, store):
    layers = [("application/vnd.oci.image.layer.v1.tar+encrypted", BASE)]
    push_image(registry, "encrypted", "v1", layers, image_config(BASE))
    refused(store, client, f"{registry}/encrypted:v1", CorruptArchiveError, "tar\\+encrypted")


def test_another_architecture_is_said(registry, client, store):
    config = {**image_config(BASE), "architecture": "s390x"}
    push_image(registry, "other", "v1", [(OCI_LAYER, BASE)], config)
    heard = Heard()
    fetch(store, client, f"{registry}/other:v1", heard)
    assert any("(linux/s390x) does not match" in text for text in heard.messages)


def test_a_missing_name_leaves_nothing(registry, client, store):
    refused(store, client, f"{registry}/no/such:v1", PullError, "not found")


class Served:
    """One image from a server of the test's own; `blobs` may hold answers in place of bytes."""

    def __init__(self, layers, config):
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": OCI_CONFIG,
                "digest": digest(encoded(config)),
                "size": len(encoded(config)),
            },
            "layers": [
                {"mediaType": kind, "digest": digest(data), "size": len(data)}
                for kind, data in layers
            ],
        }
        self.manifest = json.dumps(manifest).encode()
        self.blobs = {digest(data): data for data in [encoded(config), *(d for _, d in layers)]}

    def __call__(self, exchange):
        if "/manifests/" in exchange.path:
            exchange.answer(200, self.manifest, Content_Type=OCI_MANIFEST)
            return
        answer = self.blobs.get(exchange.path.rpartition("/")[2])
        if callable(answer):
            answer(exchange)
        elif answer is None:
            exchange.answer(404, b"{}")
        else:
            exchange.answer(200, answer)


def test_a_foreign_layer_that_is_not_served_is_refused_by_name(serve, client, store):
    served = Served([(OCI_LAYER, BASE), (DOCKER_FOREIGN_LAYER, TOP)], image_config(BASE, TOP))
    del served.blobs[digest(TOP)]
    refused(
        store,
        client,
        f"{serve(served).host}/foreign:v1",
        PullError,
        f"layer {digest(TOP)}.*foreign",
    )


def test_a_wait_for_another_try_is_told(serve, client, store):
    served = Served([(OCI_LAYER, BASE), (OCI_LAYER, TOP)], image_config(BASE, TOP))

    def later(exchange):
        served.blobs[digest(TOP)] = TOP
        exchange.answer(429, Retry_After=2)

    served.blobs[digest(TOP)] = later
    heard = Heard()
    fetch(store, client, f"{serve(served).host}/busy:v1", heard)
    assert "Retrying in 2 seconds" in [event.status for event in heard.of(digest(TOP))]
    assert "Retrying in 2 seconds" not in [event.status for event in heard.of(digest(BASE))]


def test_a_registry_s_warning_is_told_once(serve, client, store):
    served = Served([(OCI_LAYER, BASE), (OCI_LAYER, TOP)], image_config(BASE, TOP))

    def warn(exchange):
        exchange.start = partial(exchange.start, Warning='299 - "This image is deprecated."')
        served(exchange)

    host = serve(warn).host
    heard = Heard()
    fetch(store, client, f"{host}/old:v1", heard)
    assert heard.messages[1] == f"WARNING: {host}: This image is deprecated."
    assert len([text for text in heard.messages if "WARNING" in text]) == 1


def test_a_mirror_that_breaks_off_is_left_for_the_registry(
    registry, serve, client, store, tmp_path, monkeypatch
):
    layers, config = [(OCI_LAYER, BASE), (OCI_LAYER, BIG)], image_config(BASE, BIG)
    push_image(registry, "library/mirrored", "v1", layers, config)
    served = Served(layers, config)

    def break_off(exchange):
        exchange.start(200, len(BIG))
        exchange.wfile.write(BIG[:100_000])
        exchange.drop()

    served.blobs[digest(BIG)] = break_off
    mirror = serve(served)
    text = f'[[registry]]\nprefix = "docker.io"\nlocation = "{registry}"\n'
    text += f'[[registry.mirror]]\nlocation = "{mirror.host}"\n'
    (tmp_path / "registries.conf").write_text(text)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    heard = Heard()
    image = fetch(store, client, "mirrored:v1", heard)
    assert f"mirrored:v1: from {mirror.host}/library/mirrored" in heard.messages[1]
    assert store.images.named("docker.io/library/mirrored:v1") == image == digest(encoded(config))
    assert contents(store, image)["usr/big"] == BIG[1024 : 1024 + 5_000_000]
    assert left_over(store) == []


def test_a_foreign_layer_that_is_served_is_taken(serve, client, store):
    packed = gzip.compress(TOP)
    served = Served([(DOCKER_FOREIGN_LAYER, packed)], image_config(TOP))
    assert "app" in contents(store, fetch(store, client, f"{serve(served).host}/foreign:v1"))


def test_cancelling_ends_a_stalled_pull_and_leaves_nothing(serve, client, store):
    arrived, release = threading.Event(), threading.Event()

    def stall(exchange):
        exchange.start(200, len(BIG))
        exchange.wfile.write(BIG[:100_000])
        arrived.set()
        release.wait(60)
        exchange.drop()

    served = Served([(OCI_LAYER, BASE), (OCI_LAYER, BIG)], image_config(BASE, BIG))
    served.blobs[digest(BIG)] = stall
    cancel = Cancellation()
    name = f"{serve(served).host}/stalled:v1"
    threading.Thread(target=lambda: (arrived.wait(60), cancel.cancel())).start()
    with pytest.raises(ContainerMagicsError, match="cancelled") as raised:
        fetch(store, client, name, cancel=cancel)
    assert not release.is_set()
    assert not isinstance(raised.value, RegistryError)
    release.set()
    assert store.images.ids() == []
    for thread in threading.enumerate():
        if thread.name.startswith("container-magics pull"):
            thread.join(60)
    assert left_over(store) == []


def test_cancelling_while_the_manifest_is_awaited(serve, client, store):
    arrived, release = threading.Event(), threading.Event()

    def stall(exchange):
        arrived.set()
        release.wait(60)
        exchange.drop()

    cancel = Cancellation()
    threading.Thread(target=lambda: (arrived.wait(60), cancel.cancel())).start()
    with pytest.raises(ContainerMagicsError, match="cancelled"):
        fetch(store, client, f"{serve(stall).host}/silent:v1", cancel=cancel)
    release.set()


def test_one_failing_layer_ends_the_others(serve, client, store):
    """A layer without end beside one that is not there: the pull fails for the second."""

    def endless(exchange):
        exchange.start(200, len(BIG))
        try:
            for start in range(0, len(BIG) - 1000, 1000):
                exchange.wfile.write(BIG[start : start + 1000])
                if failed.wait(0.0005):
                    break
        except OSError:
            pass
        exchange.drop()

    failed = threading.Event()
    served = Served([(OCI_LAYER, BIG), (OCI_LAYER, TOP)], image_config(BIG, TOP))
    served.blobs[digest(BIG)] = endless
    del served.blobs[digest(TOP)]
    refused(store, client, f"{serve(served).host}/half:v1", PullError, "not found|404")
    failed.set()


def test_images_pulled_at_the_same_time_share_their_layers(registry, client, store):
    layers = [(OCI_LAYER, BASE), (OCI_LAYER_GZIP, gzip.compress(BIG))]
    names = [f"{registry}/same/{number}:v1" for number in range(4)]
    for number in range(4):
        config = image_config(BASE, BIG, Labels={"number": str(number)})
        push_image(registry, f"same/{number}", "v1", layers, config)
    pulled = {}
    threads = [
        threading.Thread(target=lambda n=name: pulled.update({n: fetch(store, client, n)}))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pulled.values())) == 4
    assert len(list((store.root / "layers").iterdir())) == 2
    assert left_over(store) == []
