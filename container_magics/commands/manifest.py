"""`docker manifest inspect`: the document that a name means at its registry."""

from __future__ import annotations

import json
from typing import Any

from ..distribution import RegistryClient, RemoteManifest
from ..errors import NotFoundError, PullError
from ..oci.models import OCI_MANIFEST, Descriptor, Index
from ..reference import Reference, parse
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .results import Record

__all__ = ["INSPECT"]


def _inspect(arguments: Arguments, _: Call) -> Record:
    reference = parse(arguments.operands[0]).with_default_tag()
    with RegistryClient() as client:
        remote = _manifest(client, reference)
        if not arguments.on("verbose"):
            document = json.loads(remote.data)
        elif isinstance(remote.content, Index):
            document = {"manifests": [_entry(client, remote, e) for e in remote.content.manifests]}
        else:
            own = Descriptor(remote.content.media_type, remote.digest, len(remote.data))
            document = _said(remote, own)
    # With -v docker prints the entries of an index as a list.
    shown = document["manifests"] if arguments.on("verbose") and "Ref" not in document else document
    return Record(document, json.dumps(shown, indent="\t", ensure_ascii=False))


def _manifest(client: RegistryClient, reference: Reference) -> RemoteManifest:
    try:
        return client.manifest(reference)
    except PullError as error:
        if any("manifest unknown" in answer for _, answer in error.answers):
            raise NotFoundError(f"no such manifest: {reference.full}") from error
        raise


def _entry(client: RegistryClient, index: RemoteManifest, descriptor: Descriptor) -> dict[str, Any]:
    name = f"{index.reference.name}@{descriptor.digest}"
    return _said(_manifest(client, parse(name)), descriptor)


def _said(remote: RemoteManifest, descriptor: Descriptor) -> dict[str, Any]:
    """What docker prints of one manifest with `--verbose`."""
    kind = "OCIManifest" if remote.content.media_type == OCI_MANIFEST else "SchemaV2Manifest"
    return {
        "Ref": remote.reference.full,
        "Descriptor": descriptor.to_json(),
        kind: json.loads(remote.data),
    }


INSPECT = Command(
    Grammar(
        "manifest inspect",
        "[OPTIONS] IMAGE",
        "Show the manifest, or the list of them, that a name means at its registry",
        least=1,
        most=1,
        flags=(Flag("verbose", "show descriptors, and the manifests of a list too", "v"),),
        refused=refuse(
            "insecure",
            "What is insecure stands in daemon.json (insecure-registries) or registries.conf.",
        ),
    ),
    _inspect,
)
