"""What is shown of a container: values for its row, and their words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from ...engines.containers import Container
from ..containers import PortsText, image_text, port_pieces
from ..sampling import Sample
from ..table import Column, Table
from ..text import visible
from ..units import ago, binary_size, human_duration

__all__ = ["front_end_row", "history", "table_of"]

_NAME = 60
_UNKNOWN = "\N{EN DASH}"


def table_of(rows: Iterable[tuple[Container, Sample | None]], proxy: str) -> Table:
    """A row for each container, with what it uses.

    Args:
        rows: containers, each with its latest sample; None where it does not run.
        proxy: see `ports_html`.
    """
    columns = [
        Column("name", "NAME"),
        Column("image", "IMAGE"),
        Column("state", "STATE"),
        Column("health", "HEALTH"),
        Column("uptime", "UPTIME"),
        Column("ports", "PORTS", html=lambda ports: ports.html(proxy)),
        Column("cpu", "CPU %", _percent, numeric=True),
        Column("memory", "MEMORY", _memory, numeric=True),
    ]
    return Table(
        columns,
        [
            {
                "id": container.id,
                "name": container.name,
                "image": image_text(container),
                "state": state_text(container),
                "health": container.health,
                "uptime": uptime(container),
                "ports": PortsText(container.ports),
                "cpu": None if sample is None else sample.cpu,
                "memory": None if sample is None else sample.memory,
            }
            for container, sample in rows
        ],
    )


def front_end_row(container: Container, sample: Sample | None) -> dict[str, Any]:
    """The same as JSON values, every text made fit to show."""
    return {
        "id": container.id,
        "name": visible(container.name, _NAME),
        "image": visible(image_text(container), _NAME),
        "state": container.state,
        "said": state_text(container),
        "running": container.running or container.state == "restarting",
        "paused": container.state == "paused",
        "health": container.health,
        "uptime": uptime(container),
        "ports": list(_ports(container).values()),
        "sample": None if sample is None else _point(sample),
    }


def _ports(container: Container) -> dict[str, list[str | int]]:
    """What is shown, docker's words, and the port; one of this machine without its addresses."""
    ports: dict[str, list[str | int]] = {}
    for text, port in port_pieces(container.ports):
        shown = visible(text.rpartition(":")[2] if port else text)
        title = f"{ports[shown][1]}, {text}" if shown in ports else text
        ports[shown] = [shown, visible(title), port]
    return ports


def history(samples: Iterable[Sample]) -> list[list[float]]:
    """Samples as the front end keeps them."""
    return [_point(sample) for sample in samples]


def _point(sample: Sample) -> list[float]:
    return [round(sample.time, 2), round(sample.cpu, 2), sample.memory]


def state_text(container: Container) -> str:
    """The state, and the exit status of one that has ended: `exited (137)`."""
    if container.state in ("exited", "restarting"):
        return f"{container.state} ({container.exit_code})"
    return container.state


def uptime(container: Container) -> str:
    """How long it has run, or since when it does not."""
    now = datetime.now(timezone.utc)
    if container.running:
        return human_duration(now - (container.started or now))
    if container.state == "created":
        return f"created {ago(container.created, now)}"
    return f"ended {ago(container.finished, now)}" if container.finished else ""


def _percent(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.2f}%"


def _memory(value: int | None) -> str:
    return _UNKNOWN if value is None else binary_size(value)
