"""What went wrong with a registry, in Docker's words where Docker has them.

Errors that registries send follow "Error Codes" of the OCI distribution specification; their
texts are untrusted and are bounded and stripped of control characters here.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from ..errors import PullError, UnreachableError
from ..reference import DEFAULT_REGISTRY, Reference

__all__ = ["Refusal", "TransportError", "UnreachableError", "describe_error", "refused"]

_NETWORK_HINT = (
    "check the network, and HTTPS_PROXY if this machine needs a proxy; "
    "an image that is already here needs no registry"
)
_TLS_HINT = (
    "if a proxy or the registry has a certificate authority of its own, "
    "set SSL_CERT_FILE to a PEM file that holds it"
)
_MAX_TEXT = 300


class TransportError(Exception):
    """A request that got no usable HTTP answer.

    Attributes:
        host: whom it was sent to.
        answer: what happened, for people.
        transient: whether another try may succeed, as after a dropped connection.
    """

    def __init__(self, host: str, answer: str, *, transient: bool = False, hint: str = "") -> None:
        super().__init__(answer)
        self.host = host
        self.answer = answer
        self.transient = transient
        self.hint = hint or _NETWORK_HINT


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that is not the thing asked for.

    Attributes:
        host: who answered.
        status: HTTP status.
        code: the specification's error code in capitals, or "".
        message: the registry's own text, cleaned; or "".
        retry_after: seconds that it asks to wait, or "".
    """

    host: str
    status: int
    code: str
    message: str
    retry_after: str = ""

    @classmethod
    def read(cls, host: str, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """Take the first error of an answer's body, if it has one of the specified form."""
        code = message = ""
        try:
            first = json.loads(body.decode())["errors"][0]
            code, message = str(first.get("code", "")).upper(), str(first.get("message", ""))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        retry_after = _clean(headers.get("Retry-After", ""))
        return cls(host, status, _clean(code), _clean(message), retry_after)

    @property
    def text(self) -> str:
        """One line, as Docker words it: `manifest unknown: manifest unknown`."""
        code = self.code.lower().replace("_", " ")
        words = ": ".join(part for part in (code, self.message) if part)
        return words or f"unexpected status {self.status_line}"

    @property
    def status_line(self) -> str:
        """The status and its name, such as `404 Not Found`."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def error(self, reference: Reference) -> PullError:
        """The exception for people."""
        name, familiar = reference.familiar_name, reference.familiar
        said = f": {self.text}" if self.code or self.message else ""
        answers = [(self.host, f"{self.status_line}{said}")]
        if self.status in (401, 403):
            return PullError(
                f"pull access denied for {name}, repository does not exist or may require "
                f"'docker login': {self.text}",
                answers=answers,
                hint="check the spelling; only images that anyone may read can be pulled here",
            )
        if self.status == 404:
            what = f"manifest for {familiar}"
            if self.code == "NAME_UNKNOWN":
                what = f"repository {name}"
            return PullError(
                f"{what} not found: {self.text}", answers=answers, hint=_where_to_look(reference)
            )
        if self.status == 429:
            wait = f" (the registry says: retry after {self.retry_after})" * bool(self.retry_after)
            return PullError(
                f"cannot pull {familiar}: {self.text}",
                answers=answers,
                hint=f"wait before the next try{wait}, or pull from a mirror of this image",
            )
        return PullError(
            f"cannot pull {familiar}: {self.text}",
            answers=answers,
            hint="a fault of the registry: try again later"
            if self.status >= 500
            else "check that this host is a container registry",
        )


def refused(reference: Reference, attempts: list[TransportError]) -> PullError:
    """The exception for a registry that could not be spoken to, with every attempt."""
    return UnreachableError(
        f"cannot pull {reference.familiar}: no answer from {reference.registry}",
        answers=[(attempt.host, attempt.answer) for attempt in attempts],
        hint="; ".join(dict.fromkeys(attempt.hint for attempt in attempts)),
    )


def describe_error(host: str, url: str, error: BaseException) -> TransportError:
    """Word a failed request; `error` is what requests, urllib3 or a socket raised."""
    from urllib3.exceptions import ProxyError

    chain = list(_chain(error))
    prefix = f'Get "{url}": '
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    if any(isinstance(link, ProxyError) for link in chain):
        cause = _clean(str(chain[-1]))
        return TransportError(
            host,
            f"{prefix}proxyconnect tcp: {cause}",
            hint="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
        )
    for link in chain:
        if isinstance(link, socket.gaierror):
            reason = (
                "no such host"
                if link.errno in _NO_SUCH_HOST
                else _clean(link.strerror or str(link))
            )
            return TransportError(host, f"{prefix}dial tcp: lookup {name}: {reason}")
        if isinstance(link, ssl.SSLCertVerificationError):
            reason = f"failed to verify certificate: {_clean(link.verify_message)}"
            return TransportError(host, f"{prefix}tls: {reason}", hint=_TLS_HINT)
        if isinstance(link, ssl.SSLError):
            reason = _clean(link.reason or str(link)).replace("_", " ").lower()
            return TransportError(host, f"{prefix}tls: {reason}", hint=_TLS_HINT)
        if isinstance(link, OSError) and link.errno in _DIAL_ERRORS:
            reason = os.strerror(link.errno).lower()
            return TransportError(host, f"{prefix}dial tcp {host}: connect: {reason}")
    if _is_connect_timeout(chain):
        return TransportError(host, f"{prefix}dial tcp {host}: i/o timeout")
    if _is_read_timeout(chain):
        answer = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
        return TransportError(host, f"{prefix}{answer}")
    return TransportError(host, f"{prefix}{_clean(str(chain[-1]))}", transient=_is_drop(chain))


_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
_DIAL_ERRORS = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES})


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it wraps: requests and urllib3 hide causes in `reason` and `args`."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        link = queue.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        inner = [getattr(link, "reason", None), *link.args, link.__cause__, link.__context__]
        queue += [each for each in inner if isinstance(each, BaseException)]


def _is_connect_timeout(chain: list[BaseException]) -> bool:
    from urllib3.exceptions import ConnectTimeoutError

    return isinstance(chain[0], TimeoutError) or any(
        isinstance(link, ConnectTimeoutError) for link in chain
    )


def _is_read_timeout(chain: list[BaseException]) -> bool:
    from urllib3.exceptions import ReadTimeoutError

    return any(isinstance(link, (TimeoutError, ReadTimeoutError)) for link in chain)


def _is_drop(chain: list[BaseException]) -> bool:
    from urllib3.exceptions import IncompleteRead, ProtocolError

    return any(isinstance(link, (ConnectionError, ProtocolError, IncompleteRead)) for link in chain)


def _clean(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * _MAX_TEXT])
    return " ".join(printable.split())[:_MAX_TEXT]


def _where_to_look(reference: Reference) -> str:
    if reference.registry != DEFAULT_REGISTRY:
        return "check the name and the tag"
    path = reference.repository.removeprefix("library/")
    page = f"_/{path}" if path != reference.repository else f"r/{path}"
    return f"check the name and the tag: https://hub.docker.com/{page}/tags"
