"""The file-level difference of two images: as a table, as text, and in bounded answers."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from typing import Any

from ...analysis.difference import Difference, DifferenceNode, FileDifference, Side
from ..table import Column, Table
from ..text import visible
from ..units import human_size
from ..widget import key_of, path_of

__all__ = [
    "answer_find",
    "answer_level",
    "difference_table",
    "summary",
    "summary_text",
]

_MOST_ROWS = 200
_LARGEST = 12
_KINDS = {
    stat.S_IFDIR: "directory",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "pipe",
}


def difference_table(found: Difference) -> Table:
    """A row for each path, in their order; the modes and sizes are None where nothing is."""
    columns = [
        Column("path", "PATH"),
        Column("difference", "DIFFERENCE"),
        Column("what", "WHAT"),
        *(
            Column(f"{name}_{side}", f"{name.upper()} IN {side.upper()}", _text)
            for name in ("kind", "mode", "owner", "link", "size")
            for side in "ab"
        ),
    ]
    return Table(columns, [_values(each) for each in found.files])


def summary(found: Difference) -> dict[str, Any]:
    """Of each kind: its sign, and how many paths and bytes there are."""
    return {side.value: {"sign": _SIGNS[side], "text": _counted(found, side)} for side in Side}


def _counted(found: Difference, side: Side) -> str:
    in_a, in_b = found.bytes(side)
    if side is Side.DIFFERENT:
        sizes = f"{human_size(in_a)} in A, {human_size(in_b)} in B"
    else:
        sizes = human_size(in_a + in_b)
    text = f"{side.value}: {_paths(found.count(side))}"
    return f"{text}, {sizes}" if found.count(side) else text


def _paths(count: int) -> str:
    return f"{count:,} path" + ("" if count == 1 else "s")


def summary_text(found: Difference, a: str, b: str) -> str:
    """The numbers, and the largest differences, for a terminal."""
    lines = [f"A is {a}, B is {b}", *(_counted(found, side) for side in Side)]
    columns = [
        Column("difference", "DIFFERENCE"),
        Column("size", "SIZE", human_size, numeric=True),
        Column("what", "WHAT"),
        Column("path", "PATH"),
    ]
    largest = found.find()[:_LARGEST]
    rows = [{**_values(each), "size": each.size} for each in largest]
    left = len(found.files) - len(rows)
    text = "\n".join(lines)
    if rows:
        text += f"\n{Table(columns, rows)}"
    return f"{text}\nand {left:,} more" if left else text


def answer_level(found: Difference, key: str, sides: Sequence[str]) -> Any:  # noqa: ANN401
    """The differences in a directory, at most 200 of them, and how many there are."""
    wanted = [side for side in Side if side.value in sides]
    nodes = [
        node for node in found.level(path_of(key)) if any(node.counts[side] for side in wanted)
    ]
    rows = [
        _node_row(node, f"{key}/{key_of(node.name)}".lstrip("/")) for node in nodes[:_MOST_ROWS]
    ]
    parts = key.split("/") if key else []
    trail = [{"name": "/", "key": ""}] + [
        {"name": f"{visible(path_of(part))}/", "key": "/".join(parts[: at + 1])}
        for at, part in enumerate(parts)
    ]
    return {"rows": rows, "trail": trail, "note": _note(len(nodes), len(rows))}


def answer_find(found: Difference, text: str, sides: Sequence[str]) -> Any:  # noqa: ANN401
    """The differences whose path holds a text, the largest 200 of them, and how many there are."""
    wanted = [side for side in Side if side.value in sides]
    matches = found.find(text, wanted) if wanted else []
    rows = [
        {
            "key": key_of(each.path),
            "name": visible(f"/{each.path}"),
            "folder": False,
            "what": _words(each),
            "sign": _SIGNS[each.side],
            "a": each.a.size if each.a is not None else None,
            "b": each.b.size if each.b is not None else None,
        }
        for each in matches[:_MOST_ROWS]
    ]
    return {"rows": rows, "trail": [], "note": _note(len(matches), len(rows))}


def _note(total: int, shown: int) -> str:
    if not total:
        return "Nothing differs here."
    more = f", the largest {shown} are shown: filter for others" if total > shown else ""
    return f"{_paths(total)}{more}"


_SIGNS = {Side.ONLY_A: "A", Side.ONLY_B: "B", Side.DIFFERENT: "≠"}


def _node_row(node: DifferenceNode, key: str) -> dict[str, Any]:
    folder = bool(node.children)
    below = {side: count for side, count in node.counts.items() if count}
    if not folder and node.own is not None:
        what = _words(node.own)
    else:
        what = ", ".join(f"{count:,} {side.value}" for side, count in below.items())
    return {
        "key": key,
        "name": visible(node.name) + ("/" if folder else ""),
        "folder": folder,
        "what": what,
        "sign": "".join(_SIGNS[side] for side in below),
        "a": node.size_a if below.keys() - {Side.ONLY_B} else None,
        "b": node.size_b if below.keys() - {Side.ONLY_A} else None,
    }


def _words(each: FileDifference) -> str:
    if each.a is None or each.b is None:
        entry = each.a or each.b
        kind = _KINDS.get(entry.kind, "device") if entry is not None else ""
        return f"{each.side.value}" + (f" ({kind})" if kind != "file" else "")
    details = {
        "mode": f"mode {_mode(each.a.mode)} → {_mode(each.b.mode)}",
        "owner": f"owner {each.a.uid}:{each.a.gid} → {each.b.uid}:{each.b.gid}",
        "link": f"link {visible(each.a.link, 60)} → {visible(each.b.link, 60)}",
        "kind": f"{_KINDS.get(each.a.kind, 'device')} → {_KINDS.get(each.b.kind, 'device')}",
    }
    return ", ".join(details.get(name, name) for name in each.what)


def _mode(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"


def _values(each: FileDifference) -> dict[str, Any]:
    values: dict[str, Any] = {
        "path": f"/{each.path}",
        "difference": each.side.value,
        "what": ", ".join(each.what),
    }
    for side, entry in (("a", each.a), ("b", each.b)):
        there = entry is not None
        values[f"kind_{side}"] = _KINDS.get(entry.kind, "device") if there and entry else None
        values[f"mode_{side}"] = stat.filemode(entry.mode) if entry else None
        values[f"owner_{side}"] = f"{entry.uid}:{entry.gid}" if entry else None
        values[f"link_{side}"] = entry.link if entry else None
        values[f"size_{side}"] = entry.size if entry else None
    return values


def _text(value: object) -> str:
    return "" if value is None else str(value)
