"""What is exchanged of a build cache: which layer each step gave, by cache key, and when.

{"version": 1, "steps": {"sha256:…": {"layer": "sha256:…", "created": "2024-…"}}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .....errors import CorruptArchiveError
from .....oci.digests import check_digest
from ...storage.cache import CacheHit
from ..state import parse_time

__all__ = ["MAX_DOCUMENT", "MEDIA_TYPE", "parse_steps", "read_steps", "steps_document"]

MEDIA_TYPE = "application/vnd.container-magics.cacheconfig.v1+json"
"""Of the document in a layout, as the configuration of a manifest."""

MAX_DOCUMENT = 8 << 20
"""Bytes of the largest document that is read."""

_VERSION = 1
_LONGEST_TIME = 40


def steps_document(steps: Mapping[str, CacheHit]) -> dict[str, object]:
    """The document of steps."""
    return {
        "version": _VERSION,
        "steps": {
            key: {"layer": hit.diff_id, "created": hit.created}
            for key, hit in sorted(steps.items())
        },
    }


def parse_steps(data: bytes) -> dict[str, CacheHit]:
    """The steps of a document's bytes.

    Raises:
        CorruptArchiveError: see `read_steps`.
    """
    try:
        return read_steps(json.loads(data.decode()))
    except (ValueError, RecursionError) as error:
        raise CorruptArchiveError(f"the build cache is not JSON: {str(error)[:200]}") from error


def read_steps(document: object) -> dict[str, CacheHit]:
    """The steps of a document that nobody has vouched for.

    Raises:
        CorruptArchiveError: it is none, or of another version.
    """
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        raise CorruptArchiveError("not a build cache of this version of container-magics")
    steps = document.get("steps")
    if not isinstance(steps, dict):
        raise CorruptArchiveError("a build cache without steps")
    return {check_digest(key): _hit(value) for key, value in steps.items()}


def _hit(value: object) -> CacheHit:
    if not isinstance(value, dict):
        raise CorruptArchiveError("a build cache with a step that is none")
    created = value.get("created")
    if not isinstance(created, str) or len(created) > _LONGEST_TIME or not parse_time(created):
        raise CorruptArchiveError("a build cache with a step that has no time")
    return CacheHit(check_digest(value.get("layer")), created)
