"""Registries, after the OCI distribution specification 1.1.

    RegistryClient.resolve(name, platform) ──► RemoteImage     manifest and configuration, checked
    RegistryClient.open_blob(image, layer) ──► BlobReader      one layer's bytes, checked as read
    RegistryClient.pusher(name) ─────────────► Pusher          blobs (uploads) and manifests
    RegistryClient.tags(name) and its kin                      what a registry holds (listing)
          │
          ▼
      mirrors      the places where an image may be had, in order
          │
          ▼
      endpoint     one registry host: its scheme, and tokens for it (auth, credentials)
          │
          ▼
      transport    one HTTP session: redirects, retries, time limits (reach)
          │
          ▼
      adapters     TLS with what each host must show (trust)

    configuration  registries.conf and daemon.json: what mirrors and trust go by
    login          asking a registry whether it knows a credential
    notices        what registries warn of
    purpose        what a request is for: scopes of tokens, and the kind of failure
    failures       what went wrong at any of these, in Docker's words

Nothing that a registry sends is believed: documents are bounded and hashed, layers are hashed as
they stream, tokens stay with the host they were made for. `requests` is imported with the first
client, not with this package.
"""

from .blobs import BlobReader
from .client import RegistryClient
from .pushing import Pusher
from .remote import RemoteImage, RemoteManifest
from .uploads import StoredBlob, Upload

__all__ = [
    "BlobReader",
    "Pusher",
    "RegistryClient",
    "RemoteImage",
    "RemoteManifest",
    "StoredBlob",
    "Upload",
]
