"""Ports that the host shows: which ones, and whether they are to be had.

A server in a container binds to its own port, and its listener puts it where it is published
(`launcher.listening.ports`). That is one place; at further ones its shim listens, and passes on
what comes (`launcher.shim.relay`). Without an address a port is published on 127.0.0.1.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any

from ....errors import RunError, UnsupportedError
from ...containers import Port
from ...run_request import Publish, RunRequest
from ..storage.container_records import ContainerRow

__all__ = ["Published", "Relayed", "Wanted", "bindings", "choose", "ports_of", "relayed"]

_LOCAL = "127.0.0.1"
Published = tuple[int, str, str, int]
"""A port of the container, its protocol, the host's address, its port."""
Wanted = tuple[int, str, str, int, int]
"""The same with the host's first and last port, any of which it may be; 0 is any that is free."""
Relayed = tuple[tuple[str, int], tuple[str, int]]
"""An address and port of the host, and those where the server is that is meant."""


def bindings(request: RunRequest, exposed: Iterable[str]) -> list[Wanted]:
    """What a container is to publish.

    Args:
        request: asks for it.
        exposed: the exposed ports, such as `80/tcp`.

    Raises:
        UnsupportedError: a UDP port of the container at several of the host.
    """
    wanted = list(request.publish)
    if request.publish_all:
        known = {(each.container, each.protocol) for each in wanted}
        for text in exposed:
            number, _, protocol = text.partition("/")
            if (int(number), protocol or "tcp") not in known:
                wanted.append(Publish(int(number), protocol or "tcp"))
    seen: set[tuple[int, str]] = set()
    for each in wanted:
        if each.protocol == "udp" and (each.container, each.protocol) in seen:
            raise UnsupportedError(
                f"--publish: port {each.container}/udp of the container more than once",
                hint="The embedded engine can do that with TCP.",
            )
        seen.add((each.container, each.protocol))
    return [
        (
            each.container,
            each.protocol,
            each.address or _LOCAL,
            each.host,
            max(each.host, each.last),
        )
        for each in wanted
    ]


def choose(row: ContainerRow, others: Iterable[ContainerRow]) -> list[Published]:
    """The ports that a container gets now.

    Raises:
        RunError: one is taken.
    """
    taken = [
        (protocol, address, host)
        for other in others
        if other.id != row.id and other.running
        for _, protocol, address, host in _now(other.state())
    ]
    chosen: list[Published] = []
    with ExitStack() as stack:
        for port, protocol, address, first, last in row.detail["HostConfig"]["Published"]:
            for host in range(first, last + 1):
                attempt = stack.enter_context(_socket(protocol, address))
                try:
                    number = _take(attempt, protocol, address, host, taken)
                except OSError as error:
                    if error.errno == errno.EADDRINUSE and host < last:
                        continue
                    reason = (error.strerror or str(error)).lower()
                    refused = f"Bind for {address}:{host} failed: {reason}"
                    if error.errno == errno.EADDRINUSE and first < last:
                        refused = f"all ports are allocated: {address}:{first}-{last}"
                    raise _refused(row, refused) from error
                taken.append((protocol, address, number))
                chosen.append((port, protocol, address, number))
                break
    return chosen


def _take(
    attempt: socket.socket,
    protocol: str,
    address: str,
    host: int,
    taken: Iterable[tuple[str, str, int]],
) -> int:
    """Bind a socket to see whether a port is to be had, as long as it is open; the port.

    Raises:
        OSError: it is not; EADDRINUSE where somebody else has it.
    """
    attempt.bind((address, host))
    number = int(attempt.getsockname()[1])
    for other_protocol, other_address, other in taken:
        if (other_protocol, other) == (protocol, number) and _overlap(address, other_address):
            raise OSError(errno.EADDRINUSE, "port is already allocated")
    return number


def _overlap(one: str, other: str) -> bool:
    return one == other or any(ip_address(each).is_unspecified for each in (one, other))


def relayed(published: Sequence[Published]) -> tuple[list[Published], list[Relayed]]:
    """Where each port's server is put, and the further places of which it hears by a relay.

    A server of either version of IP can be at an IPv4 address.
    """
    places: dict[tuple[int, str], Published] = {}
    for each in sorted(published, key=lambda each: ip_address(each[2]).version):
        places.setdefault(each[:2], each)
    relays = [
        ((address, host), _reached(places[port, protocol]))
        for port, protocol, address, host in published
        if places[port, protocol][2:] != (address, host)
    ]
    return list(places.values()), relays


def _reached(published: Published) -> tuple[str, int]:
    _, _, address, host = published
    found = ip_address(address)
    if found.is_unspecified:
        address = _LOCAL if found.version == 4 else "::1"
    return address, host


def _socket(protocol: str, address: str) -> socket.socket:
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    attempt = socket.socket(family, kind)
    attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return attempt


def _refused(row: ContainerRow, reason: str) -> RunError:
    return RunError(
        f"driver failed programming external connectivity on endpoint {row.name}: {reason}",
        returncode=125,
        hint="Publish at another port, or at any free one: -p PORT.",
    )


def _now(state: Mapping[str, Any]) -> Sequence[Published]:
    return [tuple(each) for each in state.get("Ports") or ()]


def ports_of(detail: Mapping[str, Any], state: Mapping[str, Any]) -> tuple[Port, ...]:
    """A container's ports: those that are published while it runs, and the other exposed ones."""
    published = _now(state) if state["Running"] else []
    found = [Port(port, protocol, host, address) for port, protocol, address, host in published]
    known = {(each.container, each.protocol) for each in found}
    for text in detail["Config"].get("ExposedPorts") or ():
        number, _, protocol = text.partition("/")
        if number.isdigit() and (int(number), protocol or "tcp") not in known:
            found.append(Port(int(number), protocol or "tcp"))
    return tuple(sorted(found, key=lambda port: (port.container, port.protocol, port.host)))
