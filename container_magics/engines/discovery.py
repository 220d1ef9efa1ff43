"""Which engine answers here, and why.

An engine that the user named (an explicit choice, DOCKER_HOST, DOCKER_CONTEXT) is used, or its
silence is an error. Otherwise the first that answers: the docker CLI's current context, the
default socket, other usual sockets, and `embedded`, which needs no daemon.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import EngineUnavailableError
from .base import Engine
from .contexts import (
    EMBEDDED,
    Context,
    configured_context,
    default_context,
    find_context,
    well_known_contexts,
)

__all__ = ["Choice", "choose", "open_engine", "ping"]

LOCAL_PING_SECONDS = 1.0
REMOTE_PING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine to use, and one line for each thing that was considered, the choice last."""

    context: Context
    why: tuple[str, ...]


def ping(context: Context) -> str:
    """Ask an engine whether it is there: "" if it is, else the reason, as a person needs it.

    Takes at most a second for a local socket, a few for a remote endpoint.
    """
    if context.name == EMBEDDED:
        return ""
    if context.error:
        return context.error
    if context.endpoint.startswith("unix://"):
        return _ping_local(context.endpoint.removeprefix("unix://"))
    return _ping_remote(context)


def _ping_local(path: str) -> str:
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(LOCAL_PING_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.sock.connect(path)
            connection.request("GET", "/_ping")
            response = connection.getresponse()
        except FileNotFoundError:
            return f"no socket at {path}"
        except PermissionError:
            return (
                f"permission denied on {path}: join its group (often `docker`), or use rootless "
                "Docker or Podman"
            )
        except ConnectionRefusedError:
            return f"connection refused at {path}: the socket is there, but no engine behind it"
        except TimeoutError:
            return f"no answer at {path} within {LOCAL_PING_SECONDS:g} s"
        except (OSError, http.client.HTTPException) as error:
            return f"no engine at {path}: {error or type(error).__name__}"
        if response.status != http.HTTPStatus.OK:
            return f"no engine at {path}: it answered {response.status} {response.reason}"
        return ""


def _ping_remote(context: Context) -> str:
    from .docker import DockerEngine

    engine = DockerEngine(context.name, context.endpoint, tls=context.tls)
    try:
        engine.ping(REMOTE_PING_SECONDS)
    except EngineUnavailableError as error:
        return f"{error.message}. {error.hint}" if error.hint else error.message
    finally:
        engine.close()
    return ""


def choose(preference: str = "auto") -> Choice:
    """Choose the engine to use.

    Args:
        preference: a context's name, or `auto` for the rules above.

    Raises:
        NotFoundError: there is no context of the name that was given or configured.
        EngineUnavailableError: the engine that the user named does not answer.
    """
    if preference != "auto":
        return _named(find_context(preference), "chosen by name")
    name, source = configured_context()
    if source in {"DOCKER_HOST", "DOCKER_CONTEXT"}:
        return _named(find_context(name), f"named by {source}")
    why: list[str] = []
    for context, origin in _candidates(name, source):
        reason = ping(context)
        if not reason:
            return Choice(context, (*why, f"{context.name}: {origin}; it answers"))
        why.append(f"{context.name}: {reason}")
    why.append(f"{EMBEDDED}: no other engine answers, and it needs none")
    return Choice(find_context(EMBEDDED), tuple(why))


def _candidates(name: str, source: str) -> Iterator[tuple[Context, str]]:
    if source:
        yield find_context(name), f"the current context in {source}"
    yield default_context(), "the default socket"
    for context in well_known_contexts():
        yield context, context.description


def _named(context: Context, how: str) -> Choice:
    if reason := ping(context):
        raise EngineUnavailableError(
            f"Cannot connect to the engine `{context.name}` ({how}): {reason}",
            hint=(
                "Start it, or name another one: `%docker context ls` lists them, "
                "`%docker context use embedded` needs no daemon."
                + (" Unset DOCKER_HOST to let one be found." if how.endswith("DOCKER_HOST") else "")
            ),
        )
    return Choice(context, (f"{context.name}: {how}; it answers",))


def open_engine(choice: Choice) -> Engine:
    """Connect to the chosen engine; the caller closes it."""
    context = choice.context
    if context.name == EMBEDDED:
        from .embedded.engine import EmbeddedEngine

        return EmbeddedEngine()
    from .docker import DockerEngine

    return DockerEngine(context.name, context.endpoint, tls=context.tls)
