"""Descriptors, manifests and indexes, read from bytes that nobody has vouched for.

Follows the OCI image specification 1.1 (descriptor.md, manifest.md, image-index.md, media-types.md)
and, for its twins, Docker's "Image Manifest Version 2, Schema 2". Anything that breaks them is a
`CorruptArchiveError` that names the property.

    index ──manifests──► manifest ──config──► image configuration
                                  └─layers──► layer blobs, lowest first
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptArchiveError, NotFoundError
from .digests import canonical_json, check_digest, digest_of
from .platforms import Platform

__all__ = [
    "CONFIG_TYPES",
    "DOCKER_CONFIG",
    "DOCKER_FOREIGN_LAYER",
    "DOCKER_LAYER",
    "DOCKER_LAYER_GZIP",
    "DOCKER_LAYER_ZSTD",
    "DOCKER_MANIFEST",
    "DOCKER_MANIFEST_LIST",
    "DOCKER_SCHEMA1",
    "FOREIGN_LAYER_TYPES",
    "GZIP_LAYER_TYPES",
    "INDEX_TYPES",
    "MANIFEST_TYPES",
    "MAX_MANIFEST_SIZE",
    "OCI_CONFIG",
    "OCI_FOREIGN_LAYER",
    "OCI_FOREIGN_LAYER_GZIP",
    "OCI_FOREIGN_LAYER_ZSTD",
    "OCI_INDEX",
    "OCI_LAYER",
    "OCI_LAYER_GZIP",
    "OCI_LAYER_ZSTD",
    "OCI_MANIFEST",
    "PLAIN_LAYER_TYPES",
    "ZSTD_LAYER_TYPES",
    "Descriptor",
    "Index",
    "Manifest",
    "Platform",
    "canonical_json",
    "digest_of",
    "parse_manifest",
    "select_platform",
]

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
OCI_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar"
OCI_FOREIGN_LAYER_GZIP = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
OCI_FOREIGN_LAYER_ZSTD = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"

DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIG_TYPES = frozenset({OCI_CONFIG, DOCKER_CONFIG})
PLAIN_LAYER_TYPES = frozenset({OCI_LAYER, DOCKER_LAYER, OCI_FOREIGN_LAYER})
GZIP_LAYER_TYPES = frozenset(
    {OCI_LAYER_GZIP, DOCKER_LAYER_GZIP, OCI_FOREIGN_LAYER_GZIP, DOCKER_FOREIGN_LAYER}
)
ZSTD_LAYER_TYPES = frozenset({OCI_LAYER_ZSTD, DOCKER_LAYER_ZSTD, OCI_FOREIGN_LAYER_ZSTD})
FOREIGN_LAYER_TYPES = frozenset(
    {OCI_FOREIGN_LAYER, OCI_FOREIGN_LAYER_GZIP, OCI_FOREIGN_LAYER_ZSTD, DOCKER_FOREIGN_LAYER}
)

MAX_MANIFEST_SIZE = 4 * 1024 * 1024
"""Bytes of the largest manifest or index that is read, as the distribution specification asks."""

_MAX_BLOB_SIZE = 2**63 - 1
_GENERIC_TYPES = frozenset({"", "application/json", "application/octet-stream", "text/plain"})
_ATTESTATION = ("vnd.docker.reference.type", "attestation-manifest")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a document says of the content that it points to (descriptor.md, "Properties").

    Attributes:
        size: bytes of the content as stored.
        platform: only in an index.
        artifact_type: of the manifest that it points to, where that is no image.
    """

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str = ""

    @classmethod
    def from_json(cls, value: object, where: str = "descriptor") -> Descriptor:
        """Check and take a descriptor object; `where` names it in the error.

        Raises:
            CorruptArchiveError: it breaks the specification.
        """
        properties = _mapping(value, where)
        media_type = properties.get("mediaType")
        if not isinstance(media_type, str) or not media_type:
            raise CorruptArchiveError(f"{where}: mediaType is not a text")
        try:
            digest = check_digest(properties.get("digest"))
        except CorruptArchiveError as error:
            raise CorruptArchiveError(f"{where}: {error.message}") from error
        size = properties.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_BLOB_SIZE:
            raise CorruptArchiveError(f"{where}: size is not a number of bytes: {_shown(size)}")
        artifact_type = properties.get("artifactType") or ""
        if not isinstance(artifact_type, str):
            raise CorruptArchiveError(f"{where}: artifactType is not a text")
        platform = properties.get("platform")
        return cls(
            media_type,
            digest,
            size,
            None
            if platform is None
            else Platform.from_json(_mapping(platform, f"{where}.platform")),
            _annotations(properties, where),
            artifact_type,
        )

    def to_json(self) -> dict[str, Any]:
        """The descriptor object, without empty properties."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.platform is not None:
            value["platform"] = self.platform.to_json()
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        return value


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image for one platform (manifest.md): its configuration and layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = OCI_MANIFEST
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """The manifest document."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        return value


@dataclass(frozen=True, slots=True)
class Index:
    """Manifests of one image for several platforms (image-index.md), or a manifest list."""

    manifests: tuple[Descriptor, ...]
    media_type: str = OCI_INDEX
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """The index document."""
        value: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "manifests": [manifest.to_json() for manifest in self.manifests],
        }
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        return value


def parse_manifest(data: bytes, media_type: str = "") -> Manifest | Index:
    """Read a manifest or an index.

    Args:
        data: the document, at most `MAX_MANIFEST_SIZE` bytes.
        media_type: what the registry or the pointing descriptor calls it (parameters such as a
            charset are ignored); with "" or a generic type the document's own word counts.

    Raises:
        CorruptArchiveError: too large, no JSON, of a kind that is no image, contradicting the
            given type, or with a property that breaks the specification.
    """
    document = _load(data)
    kind = _kind(document, media_type)
    if kind in INDEX_TYPES:
        if "layers" in document or "config" in document:
            raise CorruptArchiveError("ambiguous document: an index that also has config or layers")
        return Index(_descriptors(document, "manifests"), kind, _annotations(document, "index"))
    if "manifests" in document:
        raise CorruptArchiveError("ambiguous document: a manifest that also has manifests")
    return Manifest(
        Descriptor.from_json(document.get("config"), "config"),
        _descriptors(document, "layers"),
        kind,
        _annotations(document, "manifest"),
    )


def select_platform(index: Index, platform: Platform) -> Descriptor:
    """The manifest of an index that suits a platform best, as containerd chooses.

    The platform itself comes first, then compatible older variants in order; among equals the
    earliest in the index. A descriptor that names no platform is taken only when nothing else
    fits; attestations never are.

    Raises:
        NotFoundError: nothing fits; the message lists what is there.
    """
    images = [descriptor for descriptor in index.manifests if not _is_attestation(descriptor)]
    ranked = [
        (rank, position)
        for position, descriptor in enumerate(images)
        if descriptor.platform and (rank := descriptor.platform.rank_on(platform)) is not None
    ]
    if ranked:
        return images[min(ranked)[1]]
    for descriptor in images:
        if descriptor.platform is None and descriptor.media_type in MANIFEST_TYPES | INDEX_TYPES:
            return descriptor
    there = ", ".join(dict.fromkeys(d.platform.format() for d in images if d.platform)) or "none"
    raise NotFoundError(
        f"no matching manifest for {platform.format()} in the manifest list entries: "
        f"the image is for {there}",
        hint="choose one of those with --platform, or another image",
    )


def _is_attestation(descriptor: Descriptor) -> bool:
    key, value = _ATTESTATION
    return descriptor.annotations.get(key) == value or bool(
        descriptor.platform and descriptor.platform.is_unknown
    )


def _load(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_MANIFEST_SIZE:
        raise CorruptArchiveError(
            f"manifest of {len(data)} bytes: more than the {MAX_MANIFEST_SIZE} that are allowed"
        )
    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise CorruptArchiveError(f"manifest is not JSON: {str(error)[:200]}") from error
    return _mapping(document, "manifest")


def _kind(document: dict[str, Any], media_type: str) -> str:
    given = media_type.partition(";")[0].strip().lower()
    own = document.get("mediaType", "")
    if not isinstance(own, str):
        raise CorruptArchiveError("manifest: mediaType is not a text")
    if document.get("schemaVersion") == 1 or given == DOCKER_SCHEMA1:
        raise CorruptArchiveError(
            "Docker Image manifest version 2, schema 1 is no longer supported",
            hint="ask the image's maintainers to push it again with a Docker of this decade",
        )
    if given in _GENERIC_TYPES:
        given = own or (OCI_INDEX if "manifests" in document else OCI_MANIFEST)
    if given not in INDEX_TYPES | MANIFEST_TYPES:
        raise CorruptArchiveError(f"unsupported manifest media type {_shown(given)}")
    if own and own != given:
        raise CorruptArchiveError(
            f"ambiguous document: announced as {given}, but says it is {_shown(own)}"
        )
    if document.get("schemaVersion") != 2:
        raise CorruptArchiveError(
            f"manifest: schemaVersion is {_shown(document.get('schemaVersion'))}, not 2"
        )
    return given


def _descriptors(document: dict[str, Any], name: str) -> tuple[Descriptor, ...]:
    values = document.get(name)
    if not isinstance(values, list):
        raise CorruptArchiveError(f"manifest: {name} is not a list")
    return tuple(
        Descriptor.from_json(value, f"{name}[{number}]") for number, value in enumerate(values)
    )


def _annotations(document: dict[str, Any], where: str) -> dict[str, str]:
    annotations = document.get("annotations")
    if annotations is None:
        return {}
    if not all(isinstance(text, str) for text in _mapping(annotations, where).values()):
        raise CorruptArchiveError(f"{where}: annotations are not all texts")
    return dict(annotations)


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CorruptArchiveError(f"{where} is not a JSON object")
    return value


def _shown(value: object) -> str:
    return repr(value)[:100]
