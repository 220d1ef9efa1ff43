"""Whether a host can be reached at all, within one time limit.

An HTTP library tries a name's addresses one after the other, each with the whole connect time-out:
behind a firewall that drops packets, Docker Hub's sixteen addresses would take minutes to fail.
Here all addresses are tried at once, and the name look-up counts too.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

__all__ = ["look_up", "reach"]

_MAX_ADDRESSES = 16


def reach(host: str, port: int, timeout: float) -> None:
    """Return as soon as any address of the host accepts a TCP connection, which is then closed.

    Raises:
        TimeoutError: no address answered within `timeout` seconds.
        socket.gaierror: the name has no address.
        OSError: every address refused or has no route; the last one's error.
    """
    deadline = time.monotonic() + timeout
    addresses = look_up(host, port, timeout)
    error: OSError = TimeoutError(f"no answer within {timeout:g} s")
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for family, kind, protocol, _, address in addresses[:_MAX_ADDRESSES]:
            try:
                connection = stack.enter_context(socket.socket(family, kind, protocol))
            except OSError as unsupported:
                error = unsupported
                continue
            connection.setblocking(False)
            code = connection.connect_ex(address)
            if code == 0:
                return
            if code == errno.EINPROGRESS:
                selector.register(connection, selectors.EVENT_WRITE)
            else:
                error = OSError(code, os.strerror(code))
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer within {timeout:g} s")
            for key, _ in ready:
                connection = key.fileobj  # type: ignore[assignment]  # only sockets are registered
                code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return
                selector.unregister(connection)
                error = OSError(code, os.strerror(code))
    raise error


def look_up(host: str, port: int, timeout: float) -> list[tuple[Any, ...]]:
    """`getaddrinfo` with a limit: it has none of its own, and cannot be interrupted."""
    result: list[list[tuple[Any, ...]] | OSError] = []

    def ask() -> None:
        try:
            result.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=ask, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(timeout)
    if not result:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer from the name server in {timeout:g} s")
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]
