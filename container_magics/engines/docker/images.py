"""From the engine API's JSON to the values of `engines.images`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ...lab.aliases import stood_in_for
from ...reference import familiar
from ..images import HistoryEntry, Image, ImageSummary, Layer
from ..results import Removal

__all__ = ["image", "removal", "summary", "timestamp"]

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_CONFIG_ONLY = re.compile(
    r"(?:/bin/sh -c )?(?:#\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER"
    r"|VOLUME)\b",
    re.IGNORECASE,
)


def timestamp(value: str | int | None) -> datetime | None:
    """A time of the API: seconds since the epoch, or RFC 3339 with up to nanoseconds.

    None for what is no time, and for Go's zero time, which means "not known".
    """
    if value is None or value == "":
        return None
    if isinstance(value, int):
        return datetime.fromtimestamp(value, tz=timezone.utc) if value > 0 else None
    match = _TIME.fullmatch(value)
    if not match or value.startswith("0001-"):
        return None
    seconds, fraction, zone = match.groups()
    micro = ((fraction or ".0") + "000000")[:7]
    return datetime.fromisoformat(seconds + micro + ("+00:00" if zone == "Z" else zone))


def _names(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(familiar(value) for value in values or () if "<none>" not in value)


def _identifier(text: str) -> str:
    return text if ":" in text else f"sha256:{text}"


def summary(data: Mapping[str, Any]) -> ImageSummary:
    """A row of `GET /images/json`, or an answer of `GET /images/NAME/json`."""
    config = data.get("Config") or {}
    labels = data.get("Labels") or config.get("Labels") or {}
    names = _names(data.get("RepoTags"))
    return ImageSummary(
        id=_identifier(data["Id"]),
        names=names,
        digests=_names(data.get("RepoDigests")),
        created=timestamp(data.get("Created")),
        size=int(data.get("Size") or 0),
        labels=dict(labels),
        stand_in_for=stood_in_for(names, labels),
    )


def image(data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Image:
    """An image from `GET /images/NAME/json` and `/images/NAME/history` (newest row first)."""
    diff_ids = list((data.get("RootFS") or {}).get("Layers") or ())
    history = _history(list(reversed(rows)), len(diff_ids))
    sizes = [entry.size for entry in history if not entry.empty_layer]
    sizes += [0] * (len(diff_ids) - len(sizes))
    return Image(
        summary=summary(data),
        architecture=str(data.get("Architecture") or ""),
        os=str(data.get("Os") or ""),
        config=dict(data.get("Config") or {}),
        layers=tuple(Layer(diff_id, size) for diff_id, size in zip(diff_ids, sizes, strict=False)),
        history=history,
    )


def _history(rows: Sequence[Mapping[str, Any]], layers: int) -> tuple[HistoryEntry, ...]:
    """Rows oldest first; the API gives no `empty_layer`, so it is told by size, then by words.

    A row with bytes made a layer. Layers of 0 bytes are given to the oldest rows that are not
    of an instruction which only sets configuration.
    """
    made_layer = [int(row.get("Size") or 0) > 0 for row in rows]
    created_by = [str(row.get("CreatedBy") or "") for row in rows]
    for config_only in (False, True):
        for number, text in enumerate(created_by):
            if sum(made_layer) >= layers:
                break
            if not made_layer[number] and bool(_CONFIG_ONLY.match(text)) == config_only:
                made_layer[number] = True
    return tuple(
        HistoryEntry(
            created=timestamp(row.get("Created")),
            created_by=text,
            comment=str(row.get("Comment") or ""),
            empty_layer=not made,
            size=int(row.get("Size") or 0),
        )
        for row, text, made in zip(rows, created_by, made_layer, strict=True)
    )


def removal(rows: Iterable[Mapping[str, str]] | None) -> Removal:
    """An answer of `DELETE /images/NAME`, or the list in that of `POST /images/prune`."""
    rows = list(rows or ())
    return Removal(
        untagged=tuple(familiar(row["Untagged"]) for row in rows if "Untagged" in row),
        deleted=tuple(_identifier(row["Deleted"]) for row in rows if "Deleted" in row),
    )
