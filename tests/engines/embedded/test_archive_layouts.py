"""Archives that are OCI image layouts: names and tags, several platforms, attestations, lies.

A layout comes as an index of manifests, or of further indexes (image-layout.md, image-index.md);
with provenance BuildKit puts an attestation manifest of the platform unknown/unknown beside each
image (its docs/attestations/attestation-storage.md).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from typing import Any

import pytest

from container_magics.engines.embedded.archives import load
from container_magics.errors import CorruptArchiveError, NotFoundError
from container_magics.oci.models import Platform
from tests.engines.embedded.material import (
    contents,
    digest,
    encoded,
    image_config,
    layer_tar,
    left_over,
    opened,
)

BASE = layer_tar({"etc": None, "etc/os-release": b"ID=test\n"})
TOP = layer_tar({"etc/.wh.os-release": b"", "app": b"hello"})
TWIN = layer_tar({"twin": b"x"})
HERE = image_config(BASE, TOP, Cmd=["/app"])
THERE = {**image_config(BASE), "architecture": "s390x"}
SECOND = image_config(TWIN)
LAYERS = (gzip.compress(BASE), TOP)

HOST = Platform.host().to_json()
MAINFRAME = {"os": "linux", "architecture": "s390x"}
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
CONTAINERD, REF = "io.containerd.image.name", "org.opencontainers.image.ref.name"
OCI = "application/vnd.oci.image"

Descriptor = dict[str, Any]


class Layout:
    """A layout in the making; what it adds it gives the descriptor of."""

    def __init__(self) -> None:
        self._files = {"oci-layout": encoded({"imageLayoutVersion": "1.0.0"})}

    def blob(self, data: bytes, media_type: str, **properties: Any) -> Descriptor:
        self._files[f"blobs/sha256/{digest(data)[7:]}"] = data
        descriptor = {"mediaType": media_type, "digest": digest(data), "size": len(data)}
        return {**descriptor, **properties}

    def image(
        self,
        config: Mapping[str, Any] = HERE,
        layers: tuple[bytes, ...] = LAYERS,
        config_type: str = f"{OCI}.config.v1+json",
        **properties: Any,
    ) -> Descriptor:
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self.blob(encoded(config), config_type),
            "layers": [self.blob(layer, f"{OCI}.layer.v1.tar+gzip") for layer in layers],
        }
        return self.blob(encoded(manifest), manifest["mediaType"], **properties)

    def attestation(self, image: Descriptor) -> Descriptor:
        """As BuildKit has it: a manifest whose layers are statements about another."""
        statement = encoded({"_type": "https://in-toto.io/Statement/v0.1", "of": image["digest"]})
        rootfs = {"type": "layers", "diff_ids": [digest(statement)]}
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": self.blob(encoded({**UNKNOWN, "rootfs": rootfs}), f"{OCI}.config.v1+json"),
            "layers": [self.blob(statement, "application/vnd.in-toto+json")],
        }
        annotations = {
            "vnd.docker.reference.digest": image["digest"],
            "vnd.docker.reference.type": "attestation-manifest",
        }
        return self.blob(
            encoded(manifest), manifest["mediaType"], platform=UNKNOWN, annotations=annotations
        )

    def index(self, *descriptors: Descriptor, **properties: Any) -> Descriptor:
        document = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.index.v1+json",
            "manifests": descriptors,
        }
        return self.blob(encoded(document), document["mediaType"], **properties)

    def archive(self, *descriptors: Descriptor, **changes: bytes) -> bytes:
        index = encoded({"schemaVersion": 2, "manifests": descriptors})
        return layer_tar({**self._files, "index.json": index, **changes})


def named(*names: str) -> list[Descriptor]:
    """Annotations by which BuildKit and containerd name an image, once a name."""
    return [{CONTAINERD: name, REF: name.rpartition(":")[2]} for name in names]


@pytest.fixture
def store(tmp_path):
    with opened(tmp_path / "store") as store:
        yield store


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({REF: "latest"}, None),
        ({REF: "me/app:v3"}, "me/app:v3"),
        ({CONTAINERD: "docker.io/library/app:v1", REF: "v1"}, "app:v1"),
        ({}, None),
    ],
)
def test_an_image_and_its_name(store, annotations, name):
    layout = Layout()
    archive = layout.archive(layout.image(annotations=annotations))
    assert load(store, io.BytesIO(archive)) == [name or digest(encoded(HERE))]
    assert contents(store, digest(encoded(HERE))) == {"app": b"hello", "etc": None}


def test_several_images_and_tags_in_order(store):
    layout = Layout()
    one, two = named("docker.io/library/app:v2", "docker.io/library/app:v1")
    archive = layout.archive(
        layout.image(SECOND, (TWIN,), annotations={REF: "mere-tag"}),
        layout.image(annotations=one),
        layout.image(annotations=two),
        layout.image(SECOND, (TWIN,), annotations={REF: "quay.io/some/second:1"}),
        layout.image(SECOND, (TWIN,), annotations={REF: "other-tag"}),
    )
    loaded = load(store, io.BytesIO(archive))
    assert loaded == ["quay.io/some/second:1", "app:v2", "app:v1"]
    assert store.images.named("docker.io/library/app:v1") == digest(encoded(HERE))
    assert store.images.named("docker.io/library/app:v2") == digest(encoded(HERE))
    assert store.images.named("quay.io/some/second:1") == digest(encoded(SECOND))


def test_artifacts_beside_images_are_left_alone(store):
    layout = Layout()
    signature = layout.image({}, (b"signed",), "application/vnd.example.signature+json")
    archive = layout.archive(signature, layout.image())
    assert load(store, io.BytesIO(archive)) == [digest(encoded(HERE))]


# --- platforms ----------------------------------------------------------------------------------


def platforms(layout: Layout, **properties: Any) -> list[Descriptor]:
    """This machine's image behind another's, each with its attestation."""
    there = layout.image(THERE, (BASE,), platform=MAINFRAME, **properties)
    here = layout.image(platform=HOST, **properties)
    return [there, here, layout.attestation(there), layout.attestation(here)]


def nested(layout: Layout, depth: int, **properties: Any) -> Descriptor:
    """The same in an index, in an index…"""
    found = layout.index(*platforms(layout))
    for _ in range(depth - 2):
        found = layout.index(found)
    return layout.index(found, **properties) if depth > 1 else {**found, **properties}


APP = "docker.io/library/app:v1"
TAGGED = {REF: "v1"}


@pytest.mark.parametrize(
    ("descriptors", "names"),
    [
        (platforms, []),
        (lambda layout: platforms(layout)[::-1], []),
        (lambda layout: platforms(layout, annotations=TAGGED), []),
        (lambda layout: platforms(layout, annotations=named(APP)[0]), ["app:v1"]),
        (lambda layout: [nested(layout, 1)], []),
        (lambda layout: [nested(layout, 1, annotations=TAGGED)], []),
        (lambda layout: [nested(layout, 1, annotations={REF: "app:v1"})], ["app:v1"]),
        (lambda layout: [nested(layout, 2, annotations=named(APP)[0])], ["app:v1"]),
        (
            lambda layout: [
                nested(layout, 1, annotations=names)
                for names in [*named(APP, "ghcr.io/me/app:v2"), {REF: "me/third:v3"}]
            ],
            ["app:v1", "ghcr.io/me/app:v2", "me/third:v3"],
        ),
    ],
    ids=[
        *("flat", "flat turned", "flat tagged", "flat named"),
        *("nested", "nested tagged", "nested with a reference", "nested twice", "several names"),
    ],
)
def test_takes_this_machines_image(store, descriptors, names):
    layout = Layout()
    image = digest(encoded(HERE))
    loaded = load(store, io.BytesIO(layout.archive(*descriptors(layout))))
    assert loaded == (names or [image])
    assert store.images.ids() == [image]
    assert "app" in contents(store, image)
    assert left_over(store) == []


def test_tags_of_several_platforms_are_images_of_their_own(store):
    layout = Layout()
    archive = layout.archive(
        *platforms(layout, annotations={REF: "v1"}),
        layout.image(THERE, (BASE,), platform=MAINFRAME, annotations={REF: "v2"}),
        layout.image(SECOND, (TWIN,), platform=HOST, annotations={REF: "v2"}),
    )
    images = [digest(encoded(HERE)), digest(encoded(SECOND))]
    assert load(store, io.BytesIO(archive)) == images
    assert sorted(store.images.ids()) == sorted(images)


@pytest.mark.parametrize("form", ["flat", "nested"])
def test_an_image_for_one_platform_is_taken_whatever_that_is(store, form):
    """With an attestation or without one: as `docker load` takes what is no index."""
    layout = Layout()
    image = layout.image(THERE, (BASE,), platform=MAINFRAME, annotations=named(APP)[0])
    descriptors = [image, layout.attestation(image)]
    if form == "nested":
        descriptors = [layout.index(*descriptors, annotations=named(APP)[0])]
    assert load(store, io.BytesIO(layout.archive(*descriptors))) == ["app:v1"]
    assert store.images.named(APP) == digest(encoded(THERE))


@pytest.mark.parametrize("form", ["flat", "nested"])
def test_several_platforms_without_this_machines(store, form):
    layout = Layout()
    other = {"os": "linux", "architecture": "ppc64le"}
    descriptors = [
        layout.image(THERE, (BASE,), platform=MAINFRAME, annotations=named(APP)[0]),
        layout.image({**THERE, "a": "b"}, (BASE,), platform=other, annotations=named(APP)[0]),
    ]
    descriptors.append(layout.attestation(descriptors[0]))
    if form == "nested":
        descriptors = [layout.index(*descriptors, annotations=named(APP)[0])]
    good = layout.image(SECOND, (TWIN,), annotations=named("docker.io/library/good:1")[0])
    with pytest.raises(NotFoundError) as caught:
        load(store, io.BytesIO(layout.archive(good, *descriptors)))
    assert APP in caught.value.message
    assert "the image is for linux/s390x, linux/ppc64le" in caught.value.message
    assert "--override-arch" in caught.value.hint
    assert (store.images.ids(), store.images.names(), left_over(store)) == ([], [], [])


# --- lies ---------------------------------------------------------------------------------------


def archive_of(*, config=HERE, layers=LAYERS, properties=None, **changes) -> bytes:
    layout = Layout()
    return layout.archive(layout.image(config, layers, **(properties or {})), **changes)


def attestations_alone(*, inside: bool) -> bytes:
    layout = Layout()
    attestation = layout.attestation(layout.image())
    return layout.archive(layout.index(attestation) if inside else attestation)


def deep() -> bytes:
    layout = Layout()
    return layout.archive(nested(layout, 3))


@pytest.mark.parametrize(
    ("archive", "match"),
    [
        (archive_of(**{"oci-layout": b"{}"}), "imageLayoutVersion"),
        (archive_of(**{"index.json": b"[]"}), "not a JSON object"),
        (archive_of(properties={"digest": digest(b"")}), "no file"),
        (archive_of(layers=(BASE,)), "1 layers and its configuration 2"),
        (archive_of(layers=(TOP, BASE)), "verification failed"),
        (archive_of(**{f"blobs/sha256/{digest(encoded(HERE))[7:]}": b"{}"}), "other content"),
        (Layout().archive(), "only artifacts"),
        (attestations_alone(inside=False), "only artifacts"),
        (attestations_alone(inside=True), "only artifacts"),
        (deep(), "nested too deeply"),
        (archive_of(properties={"annotations": {CONTAINERD: "<b>"}}), "invalid reference"),
    ],
)
def test_layouts_that_lie_are_refused(store, archive, match):
    with pytest.raises(CorruptArchiveError, match=match):
        load(store, io.BytesIO(archive))
    assert (store.images.ids(), store.images.names(), left_over(store)) == ([], [], [])
