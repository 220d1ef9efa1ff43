"""SSH agents for `RUN --mount=type=ssh`: a socket of ours in front of the user's agent or keys.

    container ──socket──► here ──socket──► the agent of SSH_AUTH_SOCK, or one started for the keys

What an agent is asked (draft-miller-ssh-agent) is passed on only if it lists keys or signs, as in
BuildKit: a container can neither add nor remove keys.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .....errors import BuildError
from ....build_request import BuildRequest

__all__ = ["forward_agent"]

_LIST, _SIGN, _FAILURE = 11, 13, 5
_MAX_MESSAGE = 256 * 1024
_LENGTH = struct.Struct(">I")


@contextmanager
def forward_agent(
    request: BuildRequest, name: str, place: Path, *, required: bool
) -> Iterator[bool]:
    """An agent's socket at `place` while it lasts; whether there is one.

    Args:
        request: has what `--ssh` gave.
        name: what the mount asks for.
        place: an existing directory; the socket is `agent` in it.
        required: it must be there.

    Raises:
        BuildError: it is required and not there, or what `--ssh` named cannot be used.
    """
    given = next((agent for agent in reversed(request.ssh) if agent.id == name), None)
    if given is None:
        if required:
            raise BuildError(
                f'no SSH key "{name}" forwarded from the client',
                hint=f"Build with --ssh {name}, which is the agent of SSH_AUTH_SOCK, "
                f"or with --ssh {name}=KEYFILE.",
            )
        yield False
        return
    with ExitStack() as stack:
        upstream = _upstream(given.paths)
        if upstream is None:
            upstream = stack.enter_context(_started_agent(given.paths))
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        _bind(listener, place)
        stack.callback(_wake, listener)
        threading.Thread(target=_accept, args=(listener, upstream), daemon=True).start()
        yield True


def _upstream(paths: Sequence[Path]) -> str | None:
    """The socket of the agent to forward to; None where the paths are keys."""
    if not paths:
        running = os.environ.get("SSH_AUTH_SOCK", "")
        if not running:
            raise BuildError("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
        return running
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise BuildError(f"--ssh: {path}: {error.strerror}") from error
        if stat.S_ISSOCK(status.st_mode):
            if len(paths) > 1:
                raise BuildError("invalid ssh agent: only a single socket is allowed")
            return os.fspath(path)
    return None


@contextmanager
def _started_agent(keys: Sequence[Path]) -> Iterator[str]:
    """OpenSSH's agent with private keys in it; it ends with us, also when we are killed."""
    try:
        # It ends with the program that it was given, and that with our end of the pipe.
        agent = subprocess.Popen(
            ["ssh-agent", "sh", "-c", 'echo "$SSH_AUTH_SOCK"; exec cat'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise BuildError(
            "--ssh with files of keys needs OpenSSH's agent, and there is no ssh-agent in PATH",
            hint="apt-get install openssh-client, or forward a running agent: --ssh default.",
        ) from error
    with agent:
        path = agent.stdout.readline().decode().strip() if agent.stdout is not None else ""
        if not path:
            raise BuildError("--ssh: ssh-agent could not start")
        for key in keys:
            with key.open("rb") as content:
                added = subprocess.run(
                    ["ssh-add", "-q", "-"],
                    stdin=content,
                    capture_output=True,
                    env={**os.environ, "SSH_AUTH_SOCK": path, "SSH_ASKPASS_REQUIRE": "never"},
                    start_new_session=True,
                    check=False,
                )
            if added.returncode:
                raise BuildError(
                    f"--ssh: {key} is no private key that can be used",
                    hint="A key with a passphrase has to be in an agent: ssh-add it, "
                    "then build with --ssh default.",
                )
        yield path


def _bind(listener: socket.socket, place: Path) -> None:
    """A socket's address holds 107 bytes, so the directory is named by its descriptor."""
    handle = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{handle}/agent")
    finally:
        os.close(handle)
    listener.listen()


def _wake(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):  # It was never connected; this ends a waiting accept.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, upstream: str) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, upstream), daemon=True).start()


def _serve(client: socket.socket, upstream: str) -> None:
    """Pass on requests and answers until one side ends."""
    with client, socket.socket(socket.AF_UNIX) as agent, contextlib.suppress(OSError):
        agent.connect(upstream)
        while (message := _receive(client)) is not None:
            answer: bytes | None = bytes([_FAILURE])
            if message[:1] in (bytes([_LIST]), bytes([_SIGN])):
                agent.sendall(_LENGTH.pack(len(message)) + message)
                answer = _receive(agent)
            if answer is None:
                return
            client.sendall(_LENGTH.pack(len(answer)) + answer)


def _receive(connection: socket.socket) -> bytes | None:
    """One message; None at the end, or if it is larger than OpenSSH allows."""
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    return _exactly(connection, length) if 0 < length <= _MAX_MESSAGE else None


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data
