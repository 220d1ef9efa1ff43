"""Ports as `-p` and `--expose` write them (`nat.ParsePortSpec` of docker's `go-connections`)."""

from __future__ import annotations

import ipaddress

from ...engines.run_request import Publish
from ...errors import UnsupportedError, UsageError

__all__ = ["exposed", "published"]

_LAST_PORT = 0xFFFF
_PROTOCOLS = ("tcp", "udp")


def published(text: str) -> list[Publish]:
    """The ports of a `-p`: `[[ADDRESS:][HOST]:]CONTAINER[/PROTOCOL]`, ports also as `FIRST-LAST`.

    Also docker's long form, `published=HOST,target=CONTAINER[,protocol=PROTOCOL]`.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: a protocol that no engine here publishes.
    """
    if "=" in text:
        text = _short(text)
    *front, container = text.split(":")
    host = front.pop() if front else ""
    address = ":".join(front)
    container, _, protocol = container.partition("/")
    address = _address(address)
    if not container:
        raise UsageError(f"no port specified: {text}<empty>")
    protocol = _protocol(protocol, text)
    first, last = _range(container, "containerPort")
    if not host:
        return [Publish(port, protocol, 0, address) for port in range(first, last + 1)]
    first_host, last_host = _range(host, "hostPort")
    if last - first != last_host - first_host:
        if last != first:
            raise UsageError(
                f"invalid ranges specified for container and host Ports: {container} and {host}"
            )
        return [Publish(first, protocol, first_host, address, last_host)]
    return [
        Publish(port, protocol, first_host + port - first, address)
        for port in range(first, last + 1)
    ]


def _short(text: str) -> str:
    given = {"published": "", "target": "", "protocol": "tcp"}
    for field in text.split(","):
        key, equals, value = field.partition("=")
        if not equals or not key:
            raise UsageError(
                f"invalid publish opts format (should be name=value but got '{field}')"
            )
        given[key] = value
    return "{published}:{target}/{protocol}".format_map(given)


def _address(text: str) -> str:
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if "%" in bare:
        raise UsageError(f"invalid IP address: {bare}")
    try:
        return str(ipaddress.ip_address(bare)) if bare else ""
    except ValueError:
        raise UsageError(f"invalid IP address: {bare}") from None


def _protocol(text: str, written: str) -> str:
    protocol = text.lower() or "tcp"
    if protocol == "sctp":
        raise UnsupportedError(
            f"docker run -p {written}: sctp is not available in this version of container-magics",
            hint="tcp and udp are.",
        )
    if protocol not in _PROTOCOLS:
        raise UsageError(f"invalid proto: {text}", hint="tcp and udp are.")
    return protocol


def _range(text: str, what: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        ports = _number(first), _number(last if dash else first)
    except ValueError:
        raise UsageError(f"invalid {what}: {text}") from None
    if ports[0] > ports[1]:
        raise UsageError(f"invalid {what}: {text}")
    return ports


def exposed(text: str) -> list[str]:
    """The ports of an `--expose`, `PORT[/PROTOCOL]` or `FIRST-LAST[/PROTOCOL]`, as `80/tcp`.

    Raises:
        UsageError: it makes no sense.
        UnsupportedError: a protocol that no engine here has.
    """
    if ":" in text:
        raise UsageError(f"invalid port format for --expose: {text}")
    ports, _, protocol = text.partition("/")
    protocol = _protocol(protocol, text)
    first, dash, last = ports.partition("-")
    try:
        numbers = _number(first), _number(last if dash else first)
    except ValueError as error:
        raise _no_range(text, str(error)) from None
    if numbers[0] > numbers[1]:
        raise _no_range(text, f"invalid range specified for port: {ports}")
    return [f"{port}/{protocol}" for port in range(numbers[0], numbers[1] + 1)]


def _no_range(text: str, reason: str) -> UsageError:
    return UsageError(f"invalid range format for --expose: {text}, error: {reason}")


def _number(text: str) -> int:
    """A port number.

    Raises:
        ValueError: it is none, in the words of Go.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > _LAST_PORT:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)
