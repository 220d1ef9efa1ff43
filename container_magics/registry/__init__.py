"""Pulling from registries, after the OCI distribution specification 1.1 ("Pull").

    RegistryClient.resolve(name, platform) ──► RemoteImage     manifest and configuration, checked
    RegistryClient.open_blob(image, layer) ──► BlobReader      one layer's bytes, checked as read
          │
          ▼
      transport: one HTTP session; redirects, retries, time limits, the scheme of loopback hosts
          │             │
          ▼             ▼
        auth          failures
      anonymous      what went wrong, in Docker's words
      tokens

Nothing that a registry sends is believed: documents are bounded and hashed, layers are hashed as
they stream, tokens stay with the host they were made for. `requests` is imported with the first
client, not with this package.
"""

from .blobs import BlobReader
from .client import RegistryClient, RemoteImage
from .failures import UnreachableError

__all__ = ["BlobReader", "RegistryClient", "RemoteImage", "UnreachableError"]
