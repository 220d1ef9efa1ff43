"""The client's side of a shim: one connection, what is asked on it, and what is answered."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....errors import SandboxError
from .launcher.shim.main import SOCKET

__all__ = ["Shim"]

_MESSAGE = 1 << 18


class Shim:
    """A connection to the shim of a container; several threads may ask on one of their own each.

    Args:
        connection: a SEQPACKET socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    @classmethod
    def of(cls, directory: Path) -> Shim | None:
        """That of the container of a directory, or None where none answers."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            handle = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            # The path itself may be too long for an address.
            connection.connect(f"/proc/self/fd/{handle}/{SOCKET}")
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        finally:
            os.close(handle)
        return cls(connection)

    def __enter__(self) -> Shim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Its descriptor, to wait for answers."""
        return self._connection.fileno()

    def ask(self, do: str, handles: Iterable[int] = (), **fields: Any) -> None:  # noqa: ANN401 - JSON
        """Ask for something; descriptors go with it.

        Raises:
            SandboxError: the shim is gone.
        """
        data = json.dumps({"do": do, **fields}).encode()
        try:
            socket.send_fds(self._connection, [data], list(handles))
        except OSError as error:
            raise SandboxError(f"the container's shim is gone: {error.strerror}") from error

    def answer(self) -> dict[str, Any] | None:
        """The next answer, or None when the shim has ended."""
        try:
            data = self._connection.recv(_MESSAGE)
        except ConnectionResetError:
            data = b""
        return json.loads(data) if data else None

    def hang_up(self) -> None:
        """End the conversation, from any thread: who waits for an answer gets None."""
        with suppress(OSError):  # It has ended by itself.
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection; what is bound to it ends as well."""
        self._connection.close()
