"""Engines behind `ssh://[user@]host[:port]`: one `ssh … docker system dial-stdio` a connection.

As the docker CLI does it, with the user's own `ssh` and its configuration. Each connection is a
real socket, the other end of which is the program's standard input and output.
"""

from __future__ import annotations

import io
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3.connection
from docker.transport.basehttpadapter import BaseHTTPAdapter
from requests import PreparedRequest
from urllib3 import HTTPResponse
from urllib3.connectionpool import HTTPConnectionPool

from ...errors import UsageError

__all__ = ["SshAdapter", "SshEndedError", "ssh_words"]

CONNECT_SECONDS = 30
MAX_IDLE = 4
END_SECONDS = 5.0
MAX_WORDS_BYTES = 4096


class SshEndedError(ConnectionError):
    """The `ssh` of a connection ended; what it said."""


class SshAdapter(BaseHTTPAdapter):
    """Carries the SDK's requests to the engine of a host.

    Raises:
        UsageError: the address names no host, or has a password or a path.
    """

    def __init__(self, base_url: str, timeout: float | None) -> None:
        options = ("-T", "-o", f"ConnectTimeout={CONNECT_SECONDS}")
        words = ssh_words(base_url, "docker system dial-stdio", *options)
        self._pool = _Pool(words, timeout)
        super().__init__()

    def get_connection(self, *_: object, **__: object) -> HTTPConnectionPool:
        """The pool of this host, whatever the URL (the SDK calls it)."""
        return self._pool

    def request_url(self, request: PreparedRequest, proxies: object) -> str:
        """The path alone: there is no proxy on this way."""
        return request.path_url

    def close(self) -> None:
        """End every connection that is not in use."""
        self._pool.close()
        super().close()


def ssh_words(base_url: str, command: str, *options: str) -> list[str]:
    """The words that run a command on the host of `ssh://…`.

    Raises:
        UsageError: the address names no host, or has a password or a path.
    """
    url = urlsplit(base_url)
    if wrong := _wrong(url):
        raise UsageError(
            f"{base_url}: {wrong}", hint="Write ssh://user@host:port; user and port may be absent."
        )
    words = ["ssh", *options]
    words += ["-l", url.username] if url.username else []
    words += ["-p", str(url.port)] if url.port else []
    return [*words, "--", str(url.hostname), command]


def _wrong(url: SplitResult) -> str:
    try:
        _ = url.port
    except ValueError as error:
        return str(error)
    if not url.hostname:
        return "no host is named"
    if url.password is not None:
        return "a password cannot be given"
    if url.path.strip("/"):
        return f"a path cannot be given ({url.path})"
    return ""


class _Pool(HTTPConnectionPool):
    def __init__(self, words: list[str], timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout, maxsize=MAX_IDLE)
        self._words = words
        self._seconds = timeout

    def _new_conn(self) -> _Connection:
        return _Connection(self._words, self._seconds)


class _Connection(urllib3.connection.HTTPConnection):
    def __init__(self, words: list[str], seconds: float | None) -> None:
        super().__init__("localhost", timeout=seconds)
        self._command = words
        self._seconds = seconds
        self._complaints = b""
        self._follower: threading.Thread | None = None

    def connect(self) -> None:
        here, there = socket.socketpair()
        here.settimeout(self._seconds)
        with there:
            # A session of its own: an interrupt of the kernel does not reach it, and no terminal
            # is there to ask for a password. It ends when this end of the socket is closed.
            process = subprocess.Popen(
                self._command,
                stdin=there.fileno(),
                stdout=there.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._follower = threading.Thread(
            target=self._follow, args=(process,), name="docker-ssh", daemon=True
        )
        self._follower.start()
        self.sock = here

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """Keep the first that ssh says, and take note of its end."""
        assert isinstance(process.stderr, io.BufferedReader)  # noqa: S101 - a pipe was asked for
        with process.stderr as complaints:
            while data := complaints.read1(MAX_WORDS_BYTES):
                self._complaints = (self._complaints + data)[:MAX_WORDS_BYTES]
        process.wait()

    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client has it
        with self._explaining():
            super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        with self._explaining():
            return super().getresponse()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Give a broken connection the words of the ssh that ended."""
        try:
            yield
        except ConnectionError as error:
            if self._follower is not None:
                self._follower.join(END_SECONDS)
            if words := self._complaints.decode(errors="replace").strip():
                raise SshEndedError("; ".join(words.splitlines())) from error
            raise
