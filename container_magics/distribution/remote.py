"""What a name means at a registry."""

from __future__ import annotations

from dataclasses import dataclass

from ..oci.models import Index, Manifest
from ..reference import Reference
from .mirrors import Source

__all__ = ["RemoteImage", "RemoteManifest"]


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image for one platform, as a registry has it.

    Attributes:
        reference: the name that was resolved.
        digest: of the manifest for this platform; sha256 unless the name or index says otherwise.
        index_digest: of the outermost index that it was chosen from, or "".
        manifest_bytes: as sent, and checked against `digest`.
        config_bytes: the image configuration, checked against its descriptor.
        host: the registry host that answered.
        source: the place that it came from.
        vouched: the digest is in the name, or the registry that the name is of says it; so not
            where a mirror alone says what a tag means.
        before: (host, answer) of the places that were asked before.
    """

    reference: Reference
    digest: str
    index_digest: str
    manifest_bytes: bytes
    manifest: Manifest
    config_bytes: bytes
    host: str
    source: Source
    vouched: bool = True
    before: tuple[tuple[str, str], ...] = ()

    @property
    def provenance(self) -> str:
        """Where it came from and why, for people; "" if from the registry of its name."""
        if not self.source.mirror:
            return ""
        told = f"{self.reference.familiar}: from {self.source.registry}/{self.source.repository}"
        if self.before:
            told += ", after " + "; ".join(f"{host}: {answer}" for host, answer in self.before)
        if not self.vouched:
            told += f". That the tag means {self.index_digest or self.digest} is the mirror's word"
        return told


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """What a name means at its registry, for no platform.

    Attributes:
        data: the document as sent, and checked against `digest`.
        content: what it says.
    """

    reference: Reference
    digest: str
    data: bytes
    content: Manifest | Index
