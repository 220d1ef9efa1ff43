"""The build cache of other stores: `--cache-from` and `--cache-to`.

    document   what is exchanged: cache keys, and the layers that the steps gave
    exporting  local: an OCI image layout with the document and the layers; registry: the same as
               an artifact under a name; inline: the document in the image's own configuration
    importing  any of them, looked into where the store's own cache has nothing

Keys are this engine's, so BuildKit's caches mean nothing here, nor ours to it: the media type of
the document, and the field of a configuration, are our own.
"""

from .exporting import CacheExports, Sending, cache_exports
from .importing import CacheImports, cache_imports

__all__ = ["CacheExports", "CacheImports", "Sending", "cache_exports", "cache_imports"]
