"""Digests and stable JSON, after "Digests" in the OCI image specification's descriptor.md.

Only algorithms that can be checked here are taken: sha256 and sha512. The digests double as file
names in a blob store, so nothing that breaks their grammar may pass.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import CorruptArchiveError

if TYPE_CHECKING:
    from hashlib import _Hash

__all__ = ["canonical_json", "check_digest", "digest_of", "hasher_for"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def check_digest(digest: object) -> str:
    """Give the digest back if it is a well-formed sha256 or sha512 digest.

    Raises:
        CorruptArchiveError: anything else.
    """
    if isinstance(digest, str) and _DIGEST.fullmatch(digest):
        return digest
    shown = repr(digest)[:100]
    raise CorruptArchiveError(f"invalid digest {shown}: neither sha256 nor sha512 in lowercase hex")


def hasher_for(digest: str) -> _Hash:
    """A fresh hash object of the digest's algorithm.

    Raises:
        CorruptArchiveError: the digest is malformed.
    """
    return hashlib.new(check_digest(digest).partition(":")[0])


def digest_of(data: bytes) -> str:
    """The sha256 digest of the bytes, `sha256:…`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Compact UTF-8 JSON with sorted keys: equal values give equal bytes, and so equal digests.

    Raises:
        ValueError: NaN or an infinity, which JSON cannot hold.
        TypeError: a value that is no JSON type.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
