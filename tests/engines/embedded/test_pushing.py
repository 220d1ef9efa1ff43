"""Pushing from a store to a real registry, and what others read there."""

from __future__ import annotations

import gzip
import io
import json
import threading
import uuid

import pytest

from container_magics.distribution import RegistryClient
from container_magics.engines.embedded import archives
from container_magics.engines.embedded.images.pulling import pull
from container_magics.engines.embedded.images.pushing import push
from container_magics.engines.events import Cancellation, Message, PullProgress
from container_magics.errors import ContainerMagicsError, NotFoundError, PushError, UsageError
from container_magics.oci.models import (
    DOCKER_CONFIG,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    Platform,
)
from container_magics.reference import parse
from tests.engines.embedded.material import (
    contents,
    digest,
    docker_archive,
    encoded,
    image_config,
    layer_tar,
    left_over,
    opened,
)
from tests.fixtures.faults import running_fault_proxy
from tests.fixtures.registries import Registry, at_home, registries
from tests.fixtures.registry import (
    PASSWORD,
    REGISTRY_BINARY,
    free_port,
    push_image,
    running_registry,
)
from tests.fixtures.skopeo import skopeo

__all__ = ["at_home", "registries"]

pytestmark = pytest.mark.registry

BASE = layer_tar({"etc": None, "etc/os-release": b"ID=test\n"})
TOP = layer_tar({"app": b"hello" * 1000})
CONFIG = image_config(BASE, TOP, BASE, Cmd=["/app"])
IMAGE = digest(encoded(CONFIG))


@pytest.fixture
def registry(tmp_path):
    if not REGISTRY_BINARY:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    with running_registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def there(at_home: Registry) -> str:
    """A path that no other test has, in a registry of each kind."""
    return f"{at_home.host}/{uuid.uuid4().hex}"


@pytest.fixture
def client():
    with RegistryClient(timeout=20) as client:
        yield client


@pytest.fixture
def store(tmp_path):
    """A store with the image `seed:1`, which has a layer twice."""
    with opened(tmp_path / "store") as store:
        archives.load(store, io.BytesIO(docker_archive(CONFIG, [BASE, TOP, BASE], ["seed:1"])))
        yield store


class Heard:
    """What a push reported."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    @property
    def messages(self):
        return [event.text for event in self.events if isinstance(event, Message)]

    @property
    def outcome(self):
        """The last status of each layer, by its short diff ID."""
        return {e.layer: e.status for e in self.events if isinstance(e, PullProgress)}


def send(store, client, name, *, image=IMAGE, **more):
    heard = Heard()
    if image:
        store.images.set_name(parse(name).full, image)
    push(store, client, name, heard, Cancellation(), **more)
    return heard


def short(layer):
    return digest(layer).partition(":")[2][:12]


def all_are(status):
    return {short(TOP): status, short(BASE): status}


def test_a_registry_has_what_was_pushed(there, client, store):
    name = f"{there}/app:v1"
    heard = send(store, client, name)
    remote = client.resolve(parse(name), Platform.host())
    manifest = remote.manifest
    assert (manifest.media_type, manifest.config.media_type) == (DOCKER_MANIFEST, DOCKER_CONFIG)
    assert manifest.config.digest == IMAGE
    assert {layer.media_type for layer in manifest.layers} == {DOCKER_LAYER_GZIP}
    for descriptor, layer in zip(manifest.layers, [BASE, TOP, BASE], strict=True):
        with client.open_blob(remote, descriptor) as blob:
            assert gzip.decompress(blob.read()) == layer
    assert heard.outcome == all_are("Pushed")
    assert heard.messages == [
        f"The push refers to repository [{there}/app]",
        f"v1: digest: {remote.digest} size: {len(remote.manifest_bytes)}",
    ]
    assert store.images.row(IMAGE).digests == (f"{there}/app@{remote.digest}",)


def test_another_store_pulls_it_back(there, client, store, tmp_path):
    name = f"{there}/app:v1"
    send(store, client, name)
    with opened(tmp_path / "other") as other:
        for state in ("Downloaded newer image", "Image is up to date"):
            heard = Heard()
            assert pull(other, client, parse(name), heard, Cancellation()) == IMAGE
            assert heard.messages[-1] == f"Status: {state} for {name}"
        assert contents(other, IMAGE) == contents(store, IMAGE)
        assert other.images.row(IMAGE).digests == store.images.row(IMAGE).digests
        assert left_over(other) == []


def test_what_is_there_is_neither_sent_nor_compressed_again(there, client, store):
    send(store, client, f"{there}/app:v1")
    assert send(store, client, f"{there}/app:v1").outcome == all_are("Layer already exists")
    assert send(store, client, f"{there}/app:v2").outcome == all_are("Layer already exists")
    path = there.partition("/")[2]
    other = send(store, client, f"{there}/other:v1")
    assert other.outcome == all_are(f"Mounted from {path}/app")
    assert sorted(client.tags(parse(f"{there}/app"))) == ["v1", "v2"]


def test_a_pulled_layer_is_mounted_from_where_it_came(registry, client, store):
    config = image_config(TOP, Env=["A=b"])
    packed = [(OCI_LAYER_GZIP, gzip.compress(TOP, 9, mtime=0))]
    push_image(registry, "library/base", "v1", packed, config)
    image = pull(
        store, client, parse(f"{registry}/library/base:v1"), lambda _: None, Cancellation()
    )
    heard = send(store, client, f"{registry}/me/derived:v1", image=image)
    assert heard.outcome == {short(TOP): "Mounted from library/base"}
    remote = client.resolve(parse(f"{registry}/me/derived:v1"), Platform.host())
    assert remote.manifest.layers[0].digest == digest(packed[0][1])


def test_a_layer_that_was_no_gzip_is_pushed_as_one(registry, client, store):
    import zstandard

    config = image_config(TOP, Env=["A=c"])
    packed = [(OCI_LAYER_ZSTD, zstandard.ZstdCompressor().compress(TOP))]
    push_image(registry, "library/modern", "v1", packed, config)
    image = pull(
        store, client, parse(f"{registry}/library/modern:v1"), lambda _: None, Cancellation()
    )
    assert send(store, client, f"{registry}/me/d:v1", image=image).outcome == {short(TOP): "Pushed"}


def test_a_store_of_before_learns_to_remember(registry, client, store):
    with store.transaction() as db:
        db.execute("DROP TABLE distribution")
        db.execute("PRAGMA user_version=2")
    with opened(store.root) as again:
        assert again.images.ids() == [IMAGE]
        assert send(again, client, f"{registry}/me/app:v1").outcome == all_are("Pushed")


def test_a_registry_that_lost_its_data_gets_all_of_it_again(client, store, tmp_path, registry):
    name = f"{registry}/me/app:v1"
    send(store, client, name)
    remote = client.resolve(parse(name), Platform.host())
    client.delete_manifest(parse(name), remote.digest)
    for layer in {each.digest for each in remote.manifest.layers}:
        client.delete_blob(parse(name), layer)
    assert send(store, client, name).outcome == all_are("Pushed")
    assert client.resolve(parse(name), Platform.host()).digest == remote.digest


def test_all_tags(there, client, store):
    for tag in ("v1", "v2"):
        store.images.set_name(f"{there}/app:{tag}", IMAGE)
    heard = send(store, client, f"{there}/app", image="", all_tags=True)
    assert [message.partition(":")[0] for message in heard.messages[1:]] == ["v1", "v2"]
    assert sorted(client.tags(parse(f"{there}/app"))) == ["v1", "v2"]


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("seed:2", {}, NotFoundError, "tag does not exist: seed:2"),
        ("other", {}, NotFoundError, "An image does not exist locally with the tag: other"),
        ("seed:1", {"all_tags": True}, UsageError, "tag can't be used with --all-tags/-a"),
        (f"seed@{digest(b'')}", {}, UsageError, "cannot push a digest reference"),
    ],
)
def test_what_cannot_be_pushed(client, store, name, options, error, words):
    with pytest.raises(error, match=words):
        push(store, client, name, lambda _: None, Cancellation(), **options)


def test_nobody_there(client, store):
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(PushError, match=f"cannot push {host}/a:v1: no answer from {host}"):
        send(store, client, f"{host}/a:v1")
    assert store.images.row(IMAGE).digests == ()


def test_who_may_not(store, tmp_path):
    if not REGISTRY_BINARY:
        pytest.skip("no docker-registry here: apt-get install docker-registry")
    from container_magics.distribution.credentials import Credential

    with running_registry(tmp_path / "locked", locked=True) as host:
        with (
            RegistryClient(credentials=lambda _: None) as anyone,
            pytest.raises(PushError) as caught,
        ):
            send(store, anyone, f"{host}/me/app:v1")
        assert caught.value.message.startswith("no basic auth credentials")
        assert f"docker login {host}" in caught.value.hint
        me = Credential("me", PASSWORD)
        with RegistryClient(credentials=lambda _: me) as allowed:
            assert send(store, allowed, f"{host}/me/app:v1").outcome == all_are("Pushed")


def test_through_a_proxy(registry, client, store, tmp_path, monkeypatch):
    """A name that only the proxy knows; this machine's own names are never asked of it."""
    configuration = tmp_path / "registries.conf"
    configuration.write_text('[[registry]]\nlocation = "registry.invalid:5000"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(configuration))
    with running_fault_proxy(registry) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.host}")
        name = "registry.invalid:5000/me/app:v1"
        assert send(store, client, name).outcome == all_are("Pushed")
        assert "PUT http://registry.invalid:5000/v2/me/app/manifests/v1" in proxy.asked
        asked = len(proxy.asked)
        send(store, client, f"{registry}/me/app:v1")
        assert len(proxy.asked) == asked


def test_a_damaged_layer_is_not_pushed(registry, client, store):
    layer = store.require_layer(digest(TOP))
    (store.directory(layer) / "fs" / "app").write_bytes(b"HELLO" * 1000)
    with pytest.raises(ContainerMagicsError, match="was changed"):
        send(store, client, f"{registry}/me/app:v1")
    assert client.pusher(parse(f"{registry}/me/app")).digest_of("v1", DOCKER_MANIFEST) == ""


def test_cancelling(registry, client, store):
    heard, cancel = Heard(), Cancellation()
    store.images.set_name(f"{registry}/me/app:v1", IMAGE)

    def report(event):
        heard(event)
        if isinstance(event, PullProgress) and event.status == "Pushing":
            cancel.cancel()

    with pytest.raises(ContainerMagicsError, match=r"push of .*/me/app:v1 was cancelled"):
        push(store, client, f"{registry}/me/app:v1", report, cancel)
    assert not [each for each in threading.enumerate() if "push of" in each.name]
    assert client.pusher(parse(f"{registry}/me/app")).digest_of("v1", DOCKER_MANIFEST) == ""
    assert send(store, client, f"{registry}/me/app:v1").messages


def test_skopeo_reads_it_and_we_read_what_skopeo_makes_of_it(registry, client, store, tmp_path):
    send(store, client, f"{registry}/me/app:v1")
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    there = f"docker://{registry}/you"
    skopeo("copy", "--quiet", *plain, f"docker://{registry}/me/app:v1", f"{there}/same:v1")
    skopeo("copy", "--quiet", *plain, "--format", "oci", f"{there}/same:v1", f"{there}/oci:v1")
    told = json.loads(skopeo("inspect", "--tls-verify=false", f"{there}/same:v1"))
    assert f"{registry}/me/app@{told['Digest']}" in store.images.row(IMAGE).digests
    with opened(tmp_path / "other") as other:
        for kind in ("same", "oci"):
            reference = parse(f"{registry}/you/{kind}:v1")
            image = pull(other, client, reference, lambda _: None, Cancellation())
            assert contents(other, image) == contents(store, IMAGE)
        assert other.images.named(f"{registry}/you/same:v1") == IMAGE
