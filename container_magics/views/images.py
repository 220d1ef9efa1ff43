"""`docker images` and `docker history`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from ..engines.images import HistoryEntry, Image, ImageSummary
from ..lab.aliases import STAND_IN_FOR_LABEL
from ..reference import familiar
from .table import Column, Table
from .units import ago, human_size

__all__ = ["history_table", "images_table"]

_NONE = "<none>"
_MISSING = "<missing>"
_SHORT_ID = 12
_CREATED_BY_WIDTH = 45
_LONG_CELL = 4000


def images_table(
    summaries: Sequence[ImageSummary],
    *,
    digests: bool = False,
    no_trunc: bool = False,
    quiet: bool = False,
) -> Table:
    """Images as `docker images` lists them: a row for each name, in the order given.

    Stand-ins of the lab, and images made on one, say so in a column of their own, which is there
    only if one is listed.

    Args:
        summaries: newest first.
        digests: show the registry digests, as `--digests`.
        no_trunc: show whole IDs, as `--no-trunc`.
        quiet: only IDs and no headings, as `-q`.
    """
    identity = Column("image_id", "IMAGE ID", str if no_trunc else _short_id)
    rows = [row for summary in summaries for row in _image_rows(summary, digests=digests)]
    if quiet:
        return Table([identity], rows, heading=False)
    columns = [Column("repository", "REPOSITORY"), Column("tag", "TAG")]
    if digests:
        columns.append(Column("digest", "DIGEST"))
    columns += [
        identity,
        Column("created", "CREATED", ago),
        Column("size", "SIZE", human_size, numeric=True),
    ]
    if any(row["note"] for row in rows):
        columns.append(Column("note", "NOTE"))
    return Table(columns, rows)


def _image_rows(summary: ImageSummary, *, digests: bool) -> Iterator[dict[str, Any]]:
    known: dict[str, list[str]] = {}
    for name in summary.digests:
        repository, _, digest = name.partition("@")
        known.setdefault(repository, []).append(digest)
    named = [_split(name) for name in summary.names]
    tagged = {repository for repository, _ in named}
    named += [(repository, _NONE) for repository in known if repository not in tagged]
    for repository, tag in named or [(_NONE, _NONE)]:
        for digest in (known.get(repository) if digests else None) or [_NONE]:
            yield {
                "repository": repository,
                "tag": tag,
                "digest": digest,
                "image_id": summary.id,
                "created": summary.created,
                "size": summary.size,
                "note": _note(summary),
            }


def _split(name: str) -> tuple[str, str]:
    directory, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    return f"{directory}{slash}{repository}", tag or _NONE


def _short_id(identity: str) -> str:
    return identity.rpartition(":")[2][:_SHORT_ID]


def _note(summary: ImageSummary) -> str:
    if summary.stand_in_for:
        return f"stand-in for {summary.stand_in_for}"
    upstream = summary.labels.get(STAND_IN_FOR_LABEL, "")
    return f"made on a stand-in for {familiar(upstream)}" if upstream else ""


def history_table(
    image: Image, *, no_trunc: bool = False, human: bool = True, quiet: bool = False
) -> Table:
    """An image's history as `docker history` lists it, newest first.

    Args:
        image: the image.
        no_trunc: whole IDs and instructions, as `--no-trunc`.
        human: false gives times by RFC 3339 and sizes in bytes, as `--human=false`.
        quiet: only IDs and no headings, as `-q`.
    """
    identity = Column("image", "IMAGE", str if no_trunc else _short_id)
    rows = [
        _history_row(entry, image.id if newest else _MISSING)
        for newest, entry in zip(
            [True] + [False] * len(image.history), reversed(image.history), strict=False
        )
    ]
    if quiet:
        return Table([identity], rows, heading=False)
    created = Column("created", "CREATED", ago) if human else Column("created", "CREATED AT", _rfc)
    columns = [
        identity,
        created,
        Column(
            "created_by",
            "CREATED BY",
            limit=_LONG_CELL if no_trunc else _CREATED_BY_WIDTH,
        ),
        Column("size", "SIZE", human_size if human else str, numeric=True),
        Column("comment", "COMMENT"),
    ]
    return Table(columns, rows)


def _history_row(entry: HistoryEntry, identity: str) -> dict[str, Any]:
    return {
        "image": identity,
        "created": entry.created,
        "created_by": entry.created_by,
        "size": entry.size,
        "comment": entry.comment,
    }


def _rfc(moment: datetime | None) -> str:
    if moment is None:
        return "N/A"
    return moment.astimezone().isoformat(timespec="seconds").replace("+00:00", "Z")
