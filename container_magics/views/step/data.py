"""What the front end of a walk gets: JSON values, every text made fit to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...analysis.file_tree import FileNode, changed_files, level
from ...analysis.layer_index import ChangeKind
from ...analysis.walk import Walk
from ...analysis.walk_state import StepState
from ..text import visible
from ..widget import key_of

__all__ = ["environment_of", "level_data", "tree_of", "walk_data"]

_MOST_LINES = 3_000
_LINE = 500
_VALUE = 500
_TAIL = 30
_MOST_CHILDREN = 1_000
_OPEN = 80


def walk_data(walk: Walk, breakpoints: Iterable[int], position: int) -> dict[str, Any]:
    """All but the files."""
    lines = walk.request.dockerfile.rstrip().split("\n")
    failure = walk.failure
    return {
        "lines": [visible(line.rstrip("\r").expandtabs(8), _LINE) for line in lines[:_MOST_LINES]],
        "steps": [
            {
                "number": step.number,
                "line": step.instruction.line,
                "end": step.instruction.end_line,
                "stage": visible(step.stage, 60),
                "base": visible(step.base, 200),
                "text": visible(step.text, _LINE),
                "state": _state(walk, step.number) if step.number <= walk.reached else None,
            }
            for step in walk.steps
        ],
        "reached": walk.reached,
        "failure": None
        if failure is None
        else {
            "number": failure.number,
            "text": "\n".join(visible(line, 1000) for line in str(failure.error).split("\n")),
            "tail": [visible(line, 1000) for line in failure.tail[-_TAIL:]],
        },
        "breakpoints": sorted(breakpoints),
        "position": position,
    }


def environment_of(walk: Walk, number: int) -> list[tuple[str, str, str]]:
    """Name, value, and `added` or `changed` where the step did it."""
    before = walk.before(number)
    state = walk.states[number - 1]
    if before is None:
        return [(name, value, "") for name, value in state.environment]
    old = dict(before.environment)
    return [
        (name, value, "added" if name not in old else "changed" if old[name] != value else "")
        for name, value in state.environment
    ]


def _state(walk: Walk, number: int) -> dict[str, Any]:
    state = walk.states[number - 1]
    before = walk.before(number)
    return {
        "image": visible(state.image.removeprefix("sha256:")[:12]),
        "env": [
            [visible(name), visible(value, _VALUE), how]
            for name, value, how in environment_of(walk, number)
        ],
        "workdir": visible(state.workdir),
        "workdirChanged": before is not None and before.workdir != state.workdir,
        "user": visible(state.user),
        "userChanged": before is not None and before.user != state.user,
        "settings": [[key, visible(value, _VALUE)] for key, value in state.settings],
        "size": state.size,
        "layers": state.layers,
        "layerSize": state.layer_size,
        "files": state.files,
        **{kind.value: state.count(kind) for kind in ChangeKind},
        "shell": state.shell,
        "seconds": state.seconds,
        "cached": state.cached,
    }


def tree_of(state: StepState) -> FileNode:
    """What the layer of a step did, as a tree; an empty one where it made none."""
    if not state.changes:
        return FileNode("")
    return changed_files(state.index, state.layers)


def level_data(tree: FileNode, path: str) -> dict[str, Any]:
    """What is in a directory; all below it too, where that is not much."""
    nodes = level(tree, path)
    chosen = nodes[:_MOST_CHILDREN]
    small = sum(node.files for node in chosen) <= _OPEN
    return {
        "rows": [_row(tree, node, f"{path}/{node.name}".lstrip("/"), small) for node in chosen],
        "total": len(nodes),
    }


def _row(tree: FileNode, node: FileNode, path: str, small: bool) -> dict[str, Any]:
    below: Sequence[FileNode] = level(tree, path) if small and node.children else ()
    return {
        "key": key_of(path),
        "name": visible(node.name),
        "folder": node.kind == "directory",
        "link": visible(node.link),
        "change": node.change.value if node.change else "",
        "size": node.size,
        "files": node.files,
        "rows": [_row(tree, child, f"{path}/{child.name}", small) for child in below],
    }
