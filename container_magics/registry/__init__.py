"""Pulling from registries, after the OCI distribution specification 1.1 ("Pull").

    RegistryClient.resolve(name, platform) ──► RemoteImage     manifest and configuration, checked
    RegistryClient.open_blob(image, layer) ──► BlobReader      one layer's bytes, checked as read
          │
          ▼
      endpoint     one registry host: its scheme, and tokens for it (auth)
          │
          ▼
      transport    one HTTP session: redirects, retries, time limits (reach)

    failures       what went wrong at any of these, in Docker's words

Nothing that a registry sends is believed: documents are bounded and hashed, layers are hashed as
they stream, tokens stay with the host they were made for. `requests` is imported with the first
client, not with this package.
"""

from .blobs import BlobReader
from .client import RegistryClient, RemoteImage

__all__ = ["BlobReader", "RegistryClient", "RemoteImage"]
