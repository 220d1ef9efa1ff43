"""Steps that are told of before BuildKit tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ...events import Vertex

__all__ = ["Announcement", "Expected", "keyword"]


class Expected(NamedTuple):
    """A step that BuildKit will name, and the instructions from its base image to it."""

    vertex: Vertex
    history: tuple[str, ...]


class Announcement:
    """Steps told of before BuildKit tells of them, and which of them its own turn out to be.

    BuildKit's own have other digests, and variables in their names are replaced; so they are
    recognised by their place. Equal steps on equal bases are one to BuildKit, which names it
    after one of their stages.

    Args:
        expected: what to announce.
    """

    def __init__(self, expected: Iterable[Expected] = ()) -> None:
        self._expected = {step.vertex.digest: step for step in expected}
        self._open = {(v.stage, v.line): v for v in self.vertices}
        self._digests: dict[str, str] = {}

    @property
    def vertices(self) -> list[Vertex]:
        """What to announce."""
        return [step.vertex for step in self._expected.values()]

    def digest(self, digest: str) -> str:
        """The digest to use for one of BuildKit's: the announced step's where it is one."""
        return self._digests.get(digest, digest)

    def recognise(self, vertex: Vertex) -> None:
        """Remember which step a vertex is, whose stage and line are known."""
        key = (vertex.stage, vertex.line)
        announced = self._open.get(key)
        # Triggers have the line of the FROM.
        if (
            announced is not None
            and vertex.digest not in self._digests
            and keyword(announced) == keyword(vertex)
        ):
            del self._open[key]
            self._digests[vertex.digest] = announced.digest

    def twins(self, vertex: Vertex) -> list[Vertex]:
        """The steps of other stages that a recognised one is too, in its state."""
        known = self._expected.get(vertex.digest)
        if known is None:
            return []
        return [
            replace(
                vertex, digest=other.digest, name=other.name, stage=other.stage, line=other.line
            )
            for other in self._open.values()
            if self._expected[other.digest].history == known.history
        ]


def keyword(vertex: Vertex) -> str:
    """The instruction that a step is: `RUN`, by its name `[stage 1/2] RUN make`."""
    return vertex.name.partition("] ")[2].partition(" ")[0].upper()
