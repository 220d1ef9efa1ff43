"""The errors of the `docker` SDK and of connections as ours, with what to check."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3
from docker.errors import APIError, DockerException

from ...errors import (
    ConflictError,
    ContainerMagicsError,
    EngineUnavailableError,
    NotFoundError,
    UsageError,
)
from ..contexts import TlsFiles
from .ssh import SshEndedError, ssh_words

__all__ = ["failures"]

_IS_IT_RUNNING = "Is it running? `%docker context ls` lists the engines that can be used."
_CLOSED = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError, BrokenPipeError)


@contextmanager
def failures(
    base_url: str, tls: TlsFiles | None, *, otherwise: str = _IS_IT_RUNNING
) -> Iterator[None]:
    """Raise the SDK's and the connection's errors as ours, with the engine's own message.

    Args:
        base_url: the endpoint, named in messages.
        tls: the certificates it is called with.
        otherwise: the hint where nothing better is known.
    """
    try:
        yield
    except APIError as error:
        raise _translated(error) from error
    except (
        DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        reason, hint = _explained(error, base_url, tls)
        raise EngineUnavailableError(
            f"Cannot connect to the Docker daemon at {base_url}: {reason}",
            hint=hint or otherwise,
        ) from error


def _translated(error: APIError) -> ContainerMagicsError:
    message = str(error.explanation or error)
    status = error.response.status_code if error.response is not None else 0
    if status == requests.codes.not_found:
        return NotFoundError(message)
    if status == requests.codes.conflict:
        return ConflictError(message)
    if status == requests.codes.bad_request:
        return UsageError(message)
    return ContainerMagicsError(message)


def _explained(error: BaseException, base_url: str, tls: TlsFiles | None) -> tuple[str, str]:
    """Why there is no answer, and what to check; "" where nothing better than usual is known."""
    chain = list(_chain(error))
    text = str(chain[-1]) or type(chain[-1]).__name__
    if base_url.startswith("ssh://"):
        said = next((str(found) for found in chain if isinstance(found, SshEndedError)), text)
        return said, (
            f"`{' '.join(ssh_words(base_url, 'docker version'))}` must work without a question "
            "asked: check the host, your key (ssh-add) and known_hosts, and that docker is "
            "installed there."
        )
    for found in chain:
        if isinstance(found, ssl.SSLCertVerificationError):
            return _unverified(found, tls)
        if isinstance(found, ssl.SSLError) or (tls and isinstance(found, _CLOSED)):
            return _refused(found, tls)
    if "HTTP request to an HTTPS server" in text or (tls is None and "400 Client Error" in text):
        return "it wants TLS, and was called without", (
            "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the folder of ca.pem, cert.pem and "
            "key.pem, or name a context that has them."
        )
    return text, ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those below it; libraries also keep them as arguments."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in seen:
        seen.append(found)
        yield found
        arguments = [getattr(found, "reason", None), *found.args]
        inner = (argument for argument in arguments if isinstance(argument, BaseException))
        found = found.__cause__ or next(inner, None) or found.__context__


def _unverified(error: ssl.SSLCertVerificationError, tls: TlsFiles | None) -> tuple[str, str]:
    authority = tls.file("ca.pem") if tls else None
    against = f"checked against {authority}" if authority else "checked by the usual authorities"
    return f"its certificate is not trusted ({error.verify_message}), {against}", (
        "ca.pem must be of the authority that signed the engine's certificate, and that must "
        "name the host as it is written in DOCKER_HOST."
    )


def _refused(error: OSError, tls: TlsFiles | None) -> tuple[str, str]:
    reason = str(getattr(error, "reason", "") or error)
    if "WRONG_VERSION_NUMBER" in reason or "RECORD_LAYER" in reason:
        return "it was called with TLS, and does not speak it", (
            "Unset DOCKER_TLS_VERIFY and DOCKER_TLS, or give the port that has TLS, usually 2376."
        )
    # It may have closed the connection before its reason was read.
    if "ALERT" in reason or isinstance(error, _CLOSED):
        folder = tls.folder if tls else ""
        return f"it refused this client's certificate ({reason})", (
            f"cert.pem and key.pem in {folder} must be there, and signed by an authority that "
            "the engine was given as --tlscacert."
        )
    return reason, ""
