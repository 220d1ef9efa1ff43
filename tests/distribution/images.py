"""A small image as documents, for servers that misbehave."""

from __future__ import annotations

import hashlib
import json
import re

from container_magics.oci.models import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Platform

AMD64 = Platform("linux", "amd64")


class Image:
    """An image of one layer; `respond` serves it as a registry would."""

    media_type = OCI_MANIFEST

    def __init__(self, layer: bytes = b"layer", *, padding: int = 0, config_size: int = 0):
        self.layer = layer
        self.config = b'{"os":"linux","architecture":"amd64"}'
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.descriptor(self.config, OCI_CONFIG),
            "layers": [self.descriptor(layer, OCI_LAYER)],
        }
        if config_size:
            document["config"]["size"] = config_size
        self.manifest = json.dumps(document).encode() + b" " * padding
        self.digest = self.digest_of(self.manifest)
        self._config_digest = document["config"]["digest"]

    @staticmethod
    def digest_of(data: bytes) -> str:
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    @classmethod
    def descriptor(cls, data: bytes, media_type: str) -> dict:
        return {"mediaType": media_type, "digest": cls.digest_of(data), "size": len(data)}

    @classmethod
    def index_of(cls, manifest: bytes, media_type: str, platform: Platform = AMD64) -> bytes:
        entry = cls.descriptor(manifest, media_type) | {"platform": platform.to_json()}
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        return json.dumps(document).encode()

    def respond(self, exchange) -> None:
        """Answer for the manifest, the configuration, and the layer with ranges."""
        if "/manifests/" in exchange.path:
            exchange.answer(200, self.manifest, Content_Type=OCI_MANIFEST)
        elif exchange.path.endswith(self._config_digest):
            exchange.answer(200, self.config)
        else:
            self.respond_with_layer(exchange)

    def respond_with_layer(self, exchange) -> None:
        start = self.start_of_range(exchange)
        if start is None:
            exchange.answer(200, self.layer)
        elif start >= len(self.layer):
            exchange.answer(416)
        else:
            rest = f"bytes {start}-{len(self.layer) - 1}/{len(self.layer)}"
            exchange.answer(206, self.layer[start:], Content_Range=rest)

    @staticmethod
    def start_of_range(exchange) -> int | None:
        match = re.fullmatch(r"bytes=([0-9]+)-", exchange.headers.get("Range", ""))
        return int(match[1]) if match else None
