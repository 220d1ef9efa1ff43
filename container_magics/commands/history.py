"""`docker history`: what an image was made by."""

from __future__ import annotations

from ..engines.images import HistoryEntry, Image
from ..views import Table, ago, history_table, human_size
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, refuse
from .images import short_id
from .listing import formatted
from .results import Lines

__all__ = ["HISTORY"]

_HEADINGS = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
}
_CREATED_BY_WIDTH = 45


def _history(arguments: Arguments, call: Call) -> Table | Lines:
    image = call.engine.image(arguments.operands[0])
    full, human = arguments.on("no-trunc"), arguments.on("human")
    newest_first = list(reversed(image.history))
    rows = [
        _row(image, entry, first=number == 0, full=full, human=human)
        for number, entry in enumerate(newest_first)
    ]
    if arguments.on("quiet"):
        return Lines(row["ID"] for row in rows)
    lines = formatted(rows, arguments.one("format"), _HEADINGS)
    if lines is not None:
        return lines
    return history_table(image, no_trunc=full, human=human)


def _row(
    image: Image, entry: HistoryEntry, *, first: bool, full: bool, human: bool
) -> dict[str, str]:
    identity = image.id if full else short_id(image.id)
    by = entry.created_by if full else _shortened(entry.created_by)
    at = entry.created.isoformat(timespec="seconds") if entry.created else "N/A"
    since = ago(entry.created) if entry.created else "N/A"
    return {
        "ID": identity if first else "<missing>",
        "CreatedAt": at,
        "CreatedSince": since if human else at,
        "CreatedBy": by.replace("\t", " "),
        "Size": human_size(entry.size) if human else str(entry.size),
        "Comment": entry.comment,
    }


def _shortened(text: str) -> str:
    return text if len(text) <= _CREATED_BY_WIDTH else text[: _CREATED_BY_WIDTH - 1] + "…"


HISTORY = Command(
    Grammar(
        "history",
        "[OPTIONS] IMAGE",
        "Show the history of an image",
        least=1,
        most=1,
        flags=(
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("human", "sizes and dates for people", "H", default="true"),
            Flag("no-trunc", "do not shorten texts and IDs"),
            Flag("quiet", "only show image IDs", "q"),
        ),
        refused=refuse("platform"),
    ),
    _history,
)
