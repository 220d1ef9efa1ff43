"""What is different between what came of a build and what the oracle says."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

from .outcome import Failure, Outcome
from .saved import File, SavedImage

__all__ = ["UNSTATED", "differences"]

DURING_THE_BUILD = "during the build"
UNSTATED = "(the oracle does not say)"
"""In an oracle's configuration and history: whatever is there is right. So is an mtime of None."""


def differences(ours: Outcome, oracle: Outcome, began: float) -> list[str]:
    """One line for each difference; none where the two are equal.

    Args:
        ours: the one to judge.
        oracle: the one that is right.
        began: seconds since the epoch; times from then on count as equal, since they are the
            time of the build, which no two builds share.
    """
    if isinstance(ours, Failure) and isinstance(oracle, Failure):
        return list(_failures(ours, oracle))
    if isinstance(ours, Failure):
        return [f"the oracle built it; we raised {ours.kinds[0]}: {_first(ours)}"]
    if isinstance(oracle, Failure):
        return [f"the oracle raised {oracle.kinds[0]}: {_first(oracle)}; we built it"]
    return [
        *_config(ours.config, oracle.config),
        *_history(ours.config, oracle.config),
        *_layers(ours, oracle),
        *_files(ours.files, oracle.files, began),
    ]


def _failures(ours: Failure, oracle: Failure) -> Iterator[str]:
    if oracle.kinds[0] not in ours.kinds:
        yield (
            f"error class {ours.kinds[0]} ({_first(ours)}), "
            f"oracle {oracle.kinds[0]} ({_first(oracle)})"
        )
    if ours.status != oracle.status:
        yield f"exit status {ours.status}, oracle {oracle.status}"


def _first(failure: Failure) -> str:
    return failure.message.partition("\n")[0]


def _config(ours: dict[str, Any], oracle: dict[str, Any]) -> Iterator[str]:
    for key in ("architecture", "os", "author"):
        if ours.get(key) != oracle.get(key):
            yield f"{key}: {ours.get(key)!r}, oracle {oracle.get(key)!r}"
    mine, theirs = _stated(ours.get("config")), _stated(oracle.get("config"))
    for key in sorted(mine.keys() | theirs.keys()):
        if theirs.get(key) not in (mine.get(key), UNSTATED):
            yield f"config {key}: {mine.get(key)!r}, oracle {theirs.get(key)!r}"


def _stated(config: dict[str, Any] | None) -> dict[str, Any]:
    """Without the fields that say nothing (null, "", false, empty lists), as Go omits them."""
    return {key: value for key, value in (config or {}).items() if value not in (None, "", False)}


def _history(ours: dict[str, Any], oracle: dict[str, Any]) -> Iterator[str]:
    mine, theirs = ours.get("history") or [], oracle.get("history") or []
    if len(mine) != len(theirs):
        yield f"history has {len(mine)} rows, the oracle's {len(theirs)}"
    for number, (row, other) in enumerate(zip(mine, theirs, strict=False)):
        for key in ("created_by", "empty_layer", "comment", "author"):
            if other.get(key) not in (row.get(key), UNSTATED):
                yield f"history {number} {key}: {row.get(key)!r}, oracle {other.get(key)!r}"


def _layers(ours: SavedImage, oracle: SavedImage) -> Iterator[str]:
    if ours.layers is None or oracle.layers is None:
        return
    if len(ours.layers) != len(oracle.layers):
        yield f"{len(ours.layers)} layers, oracle {len(oracle.layers)}"
        return
    for number, (mine, theirs) in enumerate(zip(ours.layers, oracle.layers, strict=True)):
        if mine != theirs:
            yield (
                f"layer {number} names also {sorted(mine - theirs)}, "
                f"not {sorted(theirs - mine)} as the oracle's"
            )


def _files(ours: dict[str, File], oracle: dict[str, File], began: float) -> Iterator[str]:
    for path in sorted(ours.keys() - oracle.keys()):
        yield f"/{path}: the oracle has no such file"
    for path in sorted(oracle.keys() - ours.keys()):
        yield f"/{path}: missing"
    mine_links, their_links = _links(ours), _links(oracle)
    for path in sorted(ours.keys() & oracle.keys()):
        mine, theirs = _facts(ours[path], began), _facts(oracle[path], began)
        mine["hard links"], theirs["hard links"] = mine_links[path], their_links[path]
        for fact, value in mine.items():
            if theirs[fact] not in (value, UNSTATED):
                yield f"/{path} {fact}: {value}, oracle {theirs[fact]}"


def _facts(file: File, began: float) -> dict[str, object]:
    return {
        "type": f"{stat.S_IFMT(file.mode):o}",
        "mode": f"{stat.S_IMODE(file.mode):04o}",
        "owner": f"{file.uid}:{file.gid}",
        "size": file.size,
        "link target": file.link if stat.S_ISLNK(file.mode) else "",
        "content": file.digest,
        "device": file.device,
        "xattrs": file.xattrs,
        "mtime": _when(file.mtime, began),
    }


def _when(mtime: int | None, began: float) -> object:
    if mtime is None:
        return UNSTATED
    return DURING_THE_BUILD if mtime >= began else mtime


def _links(files: dict[str, File]) -> dict[str, list[str]]:
    """For each path, all paths of the same file."""
    together: dict[int, list[str]] = {}
    for path, file in files.items():
        together.setdefault(id(file), []).append(path)
    return {path: sorted(together[id(file)]) for path, file in files.items()}
