"""Published ports: a server that listens on one is put where the host shows it.

The container shares the host's network. Its bind(2) to a published port is done here, to the
host's port and address, with a copy of its own socket. Where no copy is to be had, as Docker's
seccomp profile has it, the address is moved in the caller's memory, and moved back when it
listens. Its connect(2) to that port on the machine itself, as health checks do, goes there too.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from .. import kernel
from ..calls import NUMBERS
from .caller import Caller

__all__ = ["Ports", "can_copy_sockets"]

_LONGEST = 128
_PORT = struct.Struct(">H")
_FAMILY = struct.Struct("=H")
_FLAG = struct.Struct("=i")
_KINDS = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
_NAMES = {b"TCP": "tcp", b"TCPv6": "tcp", b"UDP": "udp", b"UDPv6": "udp"}
_NAME = "system.sockprotoname"
_MOST_REMEMBERED = 1024

Address = IPv4Address | IPv6Address
Arguments = Sequence[int]


class _Place(NamedTuple):
    """Where the host shows a port."""

    address: Address
    port: int


class _Moved(NamedTuple):
    """An address in a process' memory, as it was and as it is."""

    pointer: int
    before: bytes
    after: bytes


def can_copy_sockets() -> bool:
    """Whether a process can have copies of another's descriptors (pidfd_getfd(2))."""
    process = os.pidfd_open(os.getpid())
    try:
        os.close(_copy(process, process))
    except OSError:
        return False
    finally:
        os.close(process)
    return True


class Ports:
    """The published ports of one container.

    Args:
        published: [port of the container, protocol, address of the host, its port], each.
        copying: see `can_copy_sockets`.
    """

    def __init__(
        self, published: Sequence[tuple[int, str, str, int]], *, copying: bool = True
    ) -> None:
        self._places = {
            (port, protocol): _Place(ip_address(address), host)
            for port, protocol, address, host in published
        }
        self._copying = copying
        self._bound: set[tuple[int, str]] = set()
        self._moved: dict[int, _Moved] = {}
        self._only_v6: dict[int, bool] = {}

    @property
    def calls(self) -> Mapping[str, Callable[[Caller, str, Arguments], int | None]]:
        """What does each call, by name: gives the result, None where the kernel shall do it."""
        return {
            "bind": self._bind,
            "connect": self._connect,
            "listen": self._listen,
            "setsockopt": self._set_option,
        }

    def _bind(self, caller: Caller, _: str, arguments: Arguments) -> int | None:
        address = caller.read(arguments[1], min(arguments[2], _LONGEST))
        port = _port_of(address)
        if port is None or not {(port, "tcp"), (port, "udp")} & self._places.keys():
            return None
        if not self._copying:
            self._move(caller, arguments, address, port)
            return None
        process = os.pidfd_open(caller.process())
        try:
            handle = caller.near(lambda: _copy(process, arguments[0] & 0xFFFFFFFF))
        finally:
            os.close(process)
        with socket.socket(fileno=handle) as copy:
            key = (port, _KINDS.get(copy.type, ""))
            place = self._places.get(key)
            if place is None:
                return None
            only_v6 = copy.family == socket.AF_INET6 and bool(
                copy.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            )
            copy.bind((str(_target(copy.family, place, only_v6=only_v6)), place.port))
        self._bound.add(key)
        return 0

    def _connect(self, caller: Caller, _: str, arguments: Arguments) -> int | None:
        address = caller.read(arguments[1], min(arguments[2], _LONGEST))
        port = _port_of(address)
        if port is None or (port, "tcp") not in self._bound or not _is_here(address):
            return None
        place = self._places[port, "tcp"]
        target = None if place.address.is_unspecified else place.address
        caller.write(arguments[1], _written(address, target, place.port))
        return None

    # --- without copies -------------------------------------------------------------------------

    def _move(self, caller: Caller, arguments: Arguments, address: bytes, port: int) -> None:
        handle = caller.descriptor(arguments[0])
        try:
            inode = os.stat(handle).st_ino
            # The listener's working directory is its own /proc/self/fd.
            name = os.getxattr(str(handle), _NAME).rstrip(b"\0")
        finally:
            os.close(handle)
        key = (port, _NAMES.get(name, ""))
        place = self._places.get(key)
        if place is None:
            return
        (family,) = _FAMILY.unpack_from(address)
        target = _target(family, place, only_v6=self._only_v6.get(inode, False))
        after = _written(address, target, place.port)
        caller.write(arguments[1], after)
        self._moved[caller.thread] = _Moved(arguments[1], address, after)
        self._bound.add(key)

    def _listen(self, caller: Caller, _: str, __: Arguments) -> None:
        """A program may compare the address that it has bound to later; nginx does."""
        moved = self._moved.pop(caller.thread, None)
        if moved is not None:
            with suppress(OSError):  # It is not there any more.
                if caller.read(moved.pointer, len(moved.after)) == moved.after:
                    caller.write(moved.pointer, moved.before)

    def _set_option(self, caller: Caller, _: str, arguments: Arguments) -> None:
        """Remember IPV6_V6ONLY, the one option that the filter notifies of."""
        with suppress(OSError):  # The kernel says what is wrong.
            handle = caller.descriptor(arguments[0])
            inode = os.stat(handle).st_ino
            os.close(handle)
            (value,) = _FLAG.unpack(caller.read(arguments[3], _FLAG.size))
            self._only_v6.pop(inode, None)
            self._only_v6[inode] = bool(value)
            if len(self._only_v6) > _MOST_REMEMBERED:
                del self._only_v6[next(iter(self._only_v6))]


def _copy(process: int, descriptor: int) -> int:
    return kernel.syscall(NUMBERS["pidfd_getfd"], process, descriptor, 0)


def _port_of(address: bytes) -> int | None:
    """The port of an IPv4 or IPv6 socket address (ip(7), ipv6(7)), else None."""
    if len(address) < 16:
        return None
    (family,) = _FAMILY.unpack_from(address)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    if family == socket.AF_INET6 and len(address) < 24:
        return None
    return int(_PORT.unpack_from(address, 2)[0])


def _is_here(address: bytes) -> bool:
    """Whether a socket address is the machine itself."""
    (family,) = _FAMILY.unpack_from(address)
    found: Address
    if family == socket.AF_INET:
        found = IPv4Address(address[4:8])
    else:
        found = IPv6Address(address[8:24])
        found = found.ipv4_mapped or found
    return found.is_loopback or found.is_unspecified


def _target(family: int, place: _Place, *, only_v6: bool) -> Address:
    """Where a socket is bound: an IPv6 one for both versions takes an IPv4 address too."""
    address = place.address
    if family == socket.AF_INET and address.version == 6:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    if family == socket.AF_INET or address.version == 6:
        return address
    if address.is_unspecified:
        return IPv6Address("::")
    return IPv6Address("::1") if only_v6 else _mapped(address)


def _mapped(address: Address) -> IPv6Address:
    return IPv6Address(f"::ffff:{address}") if address.version == 4 else IPv6Address(address)


def _written(address: bytes, target: Address | None, port: int) -> bytes:
    """A socket address with another port, and another IP address where it can have that."""
    (family,) = _FAMILY.unpack_from(address)
    start, size = (4, 4) if family == socket.AF_INET else (8, 16)
    found = address[start : start + size]
    if target is not None and family == socket.AF_INET6:
        found = _mapped(target).packed
    elif target is not None and target.version == 4:
        found = target.packed
    return address[:2] + _PORT.pack(port) + address[4:start] + found + address[start + size :]
