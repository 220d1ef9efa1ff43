"""A comparison as JSON values: the document that `--json` prints, and what the front end draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...analysis.comparison import Comparison
from ..sizes import log_floor
from ..text import visible
from ..units import human_size
from .values import (
    BANDWIDTH,
    MODEL,
    NODES,
    VERSIONS,
    base_lines,
    facts_of,
    image_row,
    parts_text,
    pull_text,
    segments,
    share_text,
    together_text,
)

__all__ = ["document", "start_values"]

_NAME = 60
_INSTRUCTION = 80
_MOST_LAYERS = 600
_LOGARITHMIC = (
    "Logarithmic: equal steps are equal factors, so half the length is not half the size. Within "
    "a bar, layers divide its length by their bytes."
)


def document(comparison: Comparison, reference: Mapping[str, int]) -> list[dict[str, Any]]:
    """An object for each image; sizes in bytes, times in seconds."""
    return [
        {
            "name": image.label,
            "id": image.id,
            "sizeBytes": image.size,
            "referenceBytes": reference.get(image.label),
            "layers": [
                {
                    "diffId": layer.diff_id,
                    "sizeBytes": layer.size,
                    "transferBytes": layer.transfer.size,
                    "sharedWith": list(layer.shared_with),
                    "command": layer.instruction,
                }
                for layer in image.layers
            ],
            "performance": {
                "transferBytes": image.transfer.size,
                "measured": image.transfer.measured,
                "bandwidthMbit": BANDWIDTH,
                "seconds": row["seconds"],
            },
            "security": {
                "shells": [each.path for each in image.surface.shells],
                "packageManagers": [each.path for each in image.surface.package_managers],
                "packages": row["packages"],
                "packageDatabase": row["package_database"],
                "setUid": [each.path for each in image.surface.set_uid],
                "setGid": [each.path for each in image.surface.set_gid],
                "user": image.surface.user,
            },
            "cost": {
                "base": image.base.name,
                "baseBytes": image.base.size,
                "ownBytes": image.own_size,
                "versions": VERSIONS,
                "nodes": NODES,
                "bytes": row["cost"],
            },
        }
        for image, row in zip(comparison.images, _rows(comparison, reference), strict=True)
    ]


def start_values(comparison: Comparison, reference: Mapping[str, int]) -> dict[str, Any]:
    """What `compare.js` draws."""
    sizes = [image.size for image in comparison.images]
    return {
        "bandwidth": BANDWIDTH,
        "versions": VERSIONS,
        "nodes": NODES,
        "model": MODEL,
        "logarithmic": _LOGARITHMIC,
        "together": together_text(comparison),
        "low": log_floor([*sizes, *reference.values()]),
        "images": [
            {
                "name": visible(image.label, _NAME),
                "size": image.size,
                "share": share_text(image, comparison),
                "reference": row["reference"],
                "said": _said(row["reference"]),
                "parts": parts_text(image),
                "segments": [
                    {"size": each.size, "shared": each.shared, "text": each.text}
                    for each in segments(image)
                ],
                "transfer": row["transfer"],
                "pull": pull_text(image),
                "facts": [
                    {"name": fact.name, "value": fact.value, "paths": fact.paths}
                    for fact in facts_of(image.surface)
                ],
                "base": base_lines(image),
                "baseSize": image.base.size,
                "own": image.own_size,
            }
            for image, row in zip(comparison.images, _rows(comparison, reference), strict=True)
        ],
        "layers": [
            {
                "name": visible(image.label, _NAME),
                "number": layer.number,
                "size": layer.size,
                "shared": visible(", ".join(layer.shared_with), _INSTRUCTION),
                "text": visible(layer.instruction, _INSTRUCTION),
            }
            for image in comparison.images
            for layer in image.layers
        ][:_MOST_LAYERS],
    }


def _rows(comparison: Comparison, reference: Mapping[str, int]) -> list[dict[str, Any]]:
    return [image_row(image, comparison, reference) for image in comparison.images]


def _said(size: int | None) -> str | None:
    return None if size is None else f"◇ {human_size(size)}: the book"
