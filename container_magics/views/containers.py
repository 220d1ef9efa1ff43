"""`docker ps`: containers, and how docker puts what is known of one into words."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

from ..engines.containers import Container, Port
from .html import BLUE, escape
from .table import Column, Table
from .units import ago, human_duration, human_size

__all__ = [
    "PortsText",
    "command_text",
    "containers_table",
    "image_text",
    "port_pieces",
    "ports_html",
    "ports_text",
    "size_text",
    "status",
]

_SHORT_ID = 12
_COMMAND_WIDTH = 20
_LONG_CELL = 4000


def containers_table(
    containers: Sequence[Container],
    *,
    no_trunc: bool = False,
    sizes: Mapping[str, int] | None = None,
    proxy: str = "",
) -> Table:
    """Containers as `docker ps` lists them, in the order given.

    Args:
        containers: newest first.
        no_trunc: whole IDs and commands, as `--no-trunc`.
        sizes: with a column for the size, as `--size`: bytes of each image, by its ID.
        proxy: where HTML links published ports to, see `ports_html`.
    """
    columns = [
        Column("container_id", "CONTAINER ID", str if no_trunc else _short_id),
        Column("image", "IMAGE"),
        Column("command", "COMMAND", limit=_LONG_CELL),
        Column("created", "CREATED", ago),
        Column("status", "STATUS"),
        Column("ports", "PORTS", limit=_LONG_CELL, html=lambda ports: ports.html(proxy)),
        Column("names", "NAMES"),
    ]
    rows = [
        {
            "container_id": each.id,
            "image": image_text(each, no_trunc=no_trunc),
            "command": command_text(each, no_trunc=no_trunc),
            "created": each.created,
            "status": status(each),
            "ports": PortsText(each.ports),
            "names": each.name,
            "size": _Written(each.size or 0, (sizes or {}).get(each.image_id)),
        }
        for each in containers
    ]
    if sizes is not None:
        columns.append(Column("size", "SIZE", str))
    return Table(columns, rows)


class _Written(int):
    """Bytes that a container wrote; as text with those of its image."""

    _text: str

    def __new__(cls, size: int, image: int | None) -> _Written:
        self = super().__new__(cls, size)
        self._text = size_text(size, image)
        return self

    def __str__(self) -> str:
        return self._text


class PortsText(str):
    """Ports as `ports_text` has them, that know their HTML."""

    _ports: Sequence[Port]

    __slots__ = ("_ports",)

    def __new__(cls, ports: Sequence[Port]) -> PortsText:
        """Make it of a container's ports."""
        self = super().__new__(cls, ports_text(ports))
        self._ports = ports
        return self

    def html(self, proxy: str) -> str:
        """The same with links, see `ports_html`."""
        return ports_html(self._ports, proxy)


def _short_id(identity: str) -> str:
    return identity[:_SHORT_ID]


def image_text(container: Container, *, no_trunc: bool = False) -> str:
    """The image's name without a digest, or the beginning of its ID."""
    if no_trunc:
        return container.image
    if container.image.startswith("sha256:"):
        return _short_id(container.image.removeprefix("sha256:"))
    return container.image.partition("@")[0]


def command_text(container: Container, *, no_trunc: bool = False) -> str:
    """The command in quotes, of which docker shows 20 characters."""
    program, *arguments = container.command or ("",)
    quoted = (f"'{word}'" if " " in word else word for word in arguments)
    text = " ".join([program, *quoted])
    if len(text) > _COMMAND_WIDTH and not no_trunc:
        text = text[: _COMMAND_WIDTH - 1] + "…"
    return json.dumps(text, ensure_ascii=False)


def status(container: Container, now: datetime | None = None) -> str:
    """The state and since when, as `State.String` of moby: `Up 3 minutes (healthy)`.

    Args:
        container: as it is now.
        now: the present unless given.
    """
    now = now or datetime.now(timezone.utc)
    match container.state:
        case "running" | "paused":
            up = f"Up {human_duration(now - (container.started or now))}"
            if container.state == "paused":
                return f"{up} (Paused)"
            if container.health == "starting":
                return f"{up} (health: starting)"
            return f"{up} ({container.health})" if container.health else up
        case "restarting":
            return f"Restarting ({container.exit_code}) {ago(container.finished or now, now)}"
        case "exited":
            return f"Exited ({container.exit_code}) {ago(container.finished or now, now)}"
        case "removing":
            return "Removal In Progress"
        case _:
            return container.state.capitalize()


def size_text(size: int, image: int | None) -> str:
    """Bytes that the container wrote, and with those of its image: `2B (virtual 5.57MB)`."""
    virtual = f" (virtual {human_size(size + image)})" if image else ""
    return human_size(size) + virtual


def ports_text(ports: Sequence[Port]) -> str:
    """Ports as `DisplayablePorts` of docker's CLI: `443/tcp, 127.0.0.1:8080->80/tcp`.

    Neighbours with one address, whose numbers in the container and at the host are the same, are
    one range.
    """
    return ", ".join(text for text, _ in port_pieces(ports))


def ports_html(ports: Sequence[Port], proxy: str) -> str:
    """The same as HTML.

    Args:
        ports: of one container.
        proxy: the path of a Jupyter server that has jupyter-server-proxy, with a slash at its end:
            a published TCP port of this machine is a link to what it leads to there. Or "".
    """
    return ", ".join(
        f'<a href="{escape(f"{proxy}proxy/{port}/")}" target="_blank" rel="noopener" '
        f'style="color:{BLUE}">{escape(text)}</a>'
        if proxy and port
        else escape(text)
        for text, port in port_pieces(ports)
    )


def port_pieces(ports: Sequence[Port]) -> list[tuple[str, int]]:
    """The parts of `ports_text`, each with its port on this machine if it is a single TCP port."""
    groups: dict[tuple[str, str], tuple[int, int]] = {}
    done: list[tuple[str, int]] = []
    mapped: list[tuple[str, int]] = []
    for port in sorted(ports, key=_port_order):
        if port.host and port.host != port.container:
            text = f"{_address(port.address)}:{port.host}->{port.container}/{port.protocol}"
            mapped.append((text, _reached(port.address, port.protocol, port.host)))
            continue
        key = (port.address if port.host else "", port.protocol)
        first, last = groups.get(key, (port.container, port.container - 1))
        if port.container != last + 1:
            done.append(_range(key, first, last))
            first = port.container
        groups[key] = (first, port.container)
    return [*done, *(_range(key, *ends) for key, ends in groups.items()), *mapped]


def _port_order(port: Port) -> tuple[int, int, int, int, str]:
    address = ipaddress.ip_address(port.address or "0.0.0.0")  # noqa: S104 - nothing is bound
    return (port.container, address.version, int(address), port.host, port.protocol)


def _address(text: str) -> str:
    return f"[{text}]" if ":" in text else text


def _reached(address: str, protocol: str, port: int) -> int:
    """The port, if it is one that a program on this machine reaches as localhost's, else 0."""
    if protocol != "tcp" or not address:
        return 0
    parsed = ipaddress.ip_address(address)
    return port if parsed.is_unspecified or parsed.is_loopback else 0


def _range(key: tuple[str, str], first: int, last: int) -> tuple[str, int]:
    address, protocol = key
    ports = str(first) if first == last else f"{first}-{last}"
    if not address:
        return f"{ports}/{protocol}", 0
    reached = _reached(address, protocol, first) if first == last else 0
    return f"{_address(address)}:{ports}->{ports}/{protocol}", reached
