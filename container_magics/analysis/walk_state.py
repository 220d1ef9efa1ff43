"""What there is after one instruction: an image, and how it differs from the one before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engines.events import Vertex
from ..engines.images import Image
from ..oci.tree import TreeLoopError
from .layer_index import Change, ChangeKind, LayerIndex

__all__ = ["StepState", "state_after"]

_SHELL = "bin/sh"
_SETTINGS = (
    "Cmd",
    "Entrypoint",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "Volumes",
)


@dataclass(frozen=True, slots=True)
class StepState:
    """What there is after an instruction.

    Attributes:
        image: ID of the image that holds it.
        environment: names and values, in the image's order.
        workdir: `/` where the image says nothing.
        user: `root` where the image says nothing.
        settings: what else the instruction set in the configuration: key and value as JSON.
        size: bytes of all layers.
        layers: how many there are.
        layer_size: bytes of what the instruction made (a FROM: of the base); None without a
            layer.
        changes: what its layer did; empty for a FROM.
        files: how many files and directories a FROM starts with; 0 for other instructions.
        shell: whether there is a /bin/sh.
        seconds: how long the instruction took; None where that is not known.
        cached: whether it came from the cache; None where the build says nothing of it.
        index: all layers of the image, perhaps with some above them.
    """

    image: str
    environment: tuple[tuple[str, str], ...]
    workdir: str
    user: str
    settings: tuple[tuple[str, str], ...]
    size: int
    layers: int
    layer_size: int | None
    changes: Sequence[Change]
    files: int
    shell: bool
    seconds: float | None
    cached: bool | None
    index: LayerIndex

    def count(self, kind: ChangeKind) -> int:
        """How many paths its layer added, changed or removed."""
        return sum(change.kind is kind for change in self.changes)


def state_after(
    image: Image,
    before: Image | None,
    index: LayerIndex,
    *,
    vertex: Vertex | None,
    given_labels: Mapping[str, str],
) -> StepState:
    """The state that an instruction led to.

    Args:
        image: after it.
        before: the image before it; None for a FROM.
        index: of an image whose lowest layers are those of `image`.
        vertex: what the build said of it.
        given_labels: labels that the build sets besides the instructions.
    """
    count = len(image.layers)
    made = image.layers[len(before.layers) if before is not None else 0 :]
    config = image.config
    return StepState(
        image.id,
        tuple(_pairs(config.get("Env") or ())),
        str(config.get("WorkingDir") or "/"),
        str(config.get("User") or "root"),
        tuple(_settings(before.config, config, given_labels)) if before is not None else (),
        image.size,
        count,
        sum(layer.size for layer in made) if made or before is None else None,
        index.layers[count - 1].changes if made and before is not None else (),
        sum(1 for _ in index.trees[count].walk()) if before is None else 0,
        _has_shell(index, count),
        _seconds(vertex),
        vertex.cached if vertex is not None else None,
        index,
    )


def _seconds(vertex: Vertex | None) -> float | None:
    if vertex is None or vertex.cached or vertex.started is None or vertex.completed is None:
        return None
    return max(0.0, vertex.completed - vertex.started)


def _has_shell(index: LayerIndex, layers: int) -> bool:
    try:
        return index.trees[layers].resolve(_SHELL)[1] is not None
    except TreeLoopError:
        return False


def _pairs(environment: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in environment:
        name, _, value = text.partition("=")
        yield name, value


def _settings(
    old: Mapping[str, Any], new: Mapping[str, Any], given: Mapping[str, str]
) -> Iterable[tuple[str, str]]:
    """What a configuration has that the one before had not; `given` labels are the build's own."""
    for key in _SETTINGS:
        before, value = old.get(key) or None, new.get(key) or None
        if isinstance(value, Mapping):
            known = before if isinstance(before, Mapping) else {}
            value = {
                name: each
                for name, each in value.items()
                if known.get(name, known) != each and not (key == "Labels" and name in given)
            }
            if value:
                yield key, json.dumps(value, ensure_ascii=False)
        elif value != before:
            yield key, json.dumps(value, ensure_ascii=False)
