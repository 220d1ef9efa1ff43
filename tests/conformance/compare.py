"""What is different between two images that should be equal."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

from .saved import File, SavedImage

__all__ = ["differences"]

DURING_THE_BUILD = "during the build"


def differences(ours: SavedImage, docker: SavedImage, began: float) -> list[str]:
    """One line for each difference; none where the images are equal.

    Args:
        ours: the one to judge.
        docker: the one that is right.
        began: seconds since the epoch; times from then on count as equal, since they are the
            time of the build, which no two builds share.
    """
    return [
        *_config(ours.config, docker.config),
        *_history(ours.config, docker.config),
        *_layers(ours, docker),
        *_files(ours.files, docker.files, began),
    ]


def _config(ours: dict[str, Any], docker: dict[str, Any]) -> Iterator[str]:
    for key in ("architecture", "os", "author"):
        if ours.get(key) != docker.get(key):
            yield f"{key}: {ours.get(key)!r}, Docker {docker.get(key)!r}"
    mine, theirs = _stated(ours.get("config")), _stated(docker.get("config"))
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            yield f"config {key}: {mine.get(key)!r}, Docker {theirs.get(key)!r}"


def _stated(config: dict[str, Any] | None) -> dict[str, Any]:
    """Without the fields that say nothing (null, "", false, empty lists), as Go omits them."""
    return {key: value for key, value in (config or {}).items() if value not in (None, "", False)}


def _history(ours: dict[str, Any], docker: dict[str, Any]) -> Iterator[str]:
    mine, theirs = ours.get("history") or [], docker.get("history") or []
    if len(mine) != len(theirs):
        yield f"history has {len(mine)} rows, Docker's {len(theirs)}"
    for number, (row, other) in enumerate(zip(mine, theirs, strict=False)):
        for key in ("created_by", "empty_layer", "comment", "author"):
            if row.get(key) != other.get(key):
                yield f"history {number} {key}: {row.get(key)!r}, Docker {other.get(key)!r}"


def _layers(ours: SavedImage, docker: SavedImage) -> Iterator[str]:
    if len(ours.layers) != len(docker.layers):
        yield f"{len(ours.layers)} layers, Docker {len(docker.layers)}"
        return
    for number, (mine, theirs) in enumerate(zip(ours.layers, docker.layers, strict=True)):
        if mine != theirs:
            yield (
                f"layer {number} names also {sorted(mine - theirs)}, "
                f"not {sorted(theirs - mine)} as Docker's"
            )


def _files(ours: dict[str, File], docker: dict[str, File], began: float) -> Iterator[str]:
    for path in sorted(ours.keys() - docker.keys()):
        yield f"/{path}: Docker has no such file"
    for path in sorted(docker.keys() - ours.keys()):
        yield f"/{path}: missing"
    mine_links, their_links = _links(ours), _links(docker)
    for path in sorted(ours.keys() & docker.keys()):
        mine, theirs = _facts(ours[path], began), _facts(docker[path], began)
        mine["hard links"], theirs["hard links"] = mine_links[path], their_links[path]
        for fact, value in mine.items():
            if value != theirs[fact]:
                yield f"/{path} {fact}: {value}, Docker {theirs[fact]}"


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
        "mtime": DURING_THE_BUILD if file.mtime >= began else file.mtime,
    }


def _links(files: dict[str, File]) -> dict[str, list[str]]:
    """For each path, all paths of the same file."""
    together: dict[int, list[str]] = {}
    for path, file in files.items():
        together.setdefault(id(file), []).append(path)
    return {path: sorted(together[id(file)]) for path, file in files.items()}
