"""What a cell shows: the messages that IPython's own publisher was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell


@dataclass
class Clock:
    """A clock that tests set."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Cell:
    """The displays of a cell, as a notebook keeps them."""

    clock: Clock
    messages: list[tuple[float, dict]] = field(default_factory=list)

    @property
    def outputs(self) -> list[dict]:
        """The last state of each display, in the order of their making."""
        shown: dict[str, dict] = {}
        for _, message in self.messages:
            shown[message["transient"]["display_id"]] = message["data"]
        return list(shown.values())

    @property
    def html(self) -> str:
        return "\n".join(output["text/html"] for output in self.outputs)

    @property
    def updates(self) -> list[float]:
        """When displays were updated."""
        return [when for when, message in self.messages if message["update"]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cell(clock) -> Iterator[Cell]:
    class Publisher(CapturingDisplayPublisher):
        def publish(self, data, metadata=None, source=None, *, transient=None, update=False):
            shown.messages.append(
                (clock.now, {"data": data, "transient": transient, "update": update})
            )

    shell = InteractiveShell.instance()
    before, shown = shell.display_pub, Cell(clock)
    shell.display_pub = Publisher()
    yield shown
    shell.display_pub = before
    InteractiveShell.clear_instance()
