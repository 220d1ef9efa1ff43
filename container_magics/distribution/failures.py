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
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import BadStatusLine

from ..errors import ExhaustedError, PullError, PushError, RegistryError, UnreachableError
from ..reference import DEFAULT_REGISTRY, Reference
from .certificates import explain
from .purpose import Purpose
from .trust import certificate_folder, is_loopback

__all__ = [
    "CertificateError",
    "Refusal",
    "TlsError",
    "TransportError",
    "UnreachableError",
    "describe_error",
    "login_line",
    "refused",
]

_NETWORK_HINT = "check the network, and HTTPS_PROXY if this machine needs a proxy"
_NOBODY_HINT = (
    "nothing listens there: `docker ps` says whether a registry of yours runs, and its port"
)
_TLS_HINT = "check that this is a registry, and that nothing between here and it changes the data"
_PROXY_HINT = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
_MAX_TEXT = 300
_CODES = {401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS"}


class TransportError(Exception):
    """A request that got no usable HTTP answer.

    Attributes:
        host: whom it was sent to.
        answer: what happened, for people.
        transient: whether another try may succeed, as after a dropped connection.
        nameless: the host has no address.
    """

    def __init__(
        self,
        host: str,
        answer: str,
        *,
        transient: bool = False,
        nameless: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(answer)
        self.host = host
        self.answer = answer
        self.transient = transient
        self.nameless = nameless
        self.hint = hint or _NETWORK_HINT


class TlsError(TransportError):
    """The two sides did not agree on TLS."""


class CertificateError(TlsError):
    """A certificate was not believed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that is not the thing asked for.

    Attributes:
        host: who answered.
        status: HTTP status.
        code: the specification's error code in capitals, or "".
        message: the registry's own text, cleaned; or "".
        retry_after: seconds that it asks to wait, or "".
        wants_basic: it wants to see a name and a password.
    """

    host: str
    status: int
    code: str
    message: str
    retry_after: str = ""
    wants_basic: bool = False

    @classmethod
    def read(cls, host: str, status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
        """Take what an answer says, as Docker does.

        That is the first error of its body, of the specified form or, as token servers have it,
        `{"details": …}`; and before it what `WWW-Authenticate` says.
        """
        code, message = _first_error(status, body)
        wanted = headers.get("WWW-Authenticate", "")[:8192].lower() if status == 401 else ""
        if "insufficient_scope" in wanted:
            code, message = "DENIED", "requested access to the resource is denied"
        retry_after = _clean(headers.get("Retry-After", ""))
        basic = wanted.startswith("basic")
        return cls(host, status, _clean(code), _clean(message), retry_after, basic)

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

    def error(self, purpose: Purpose, access: str = "") -> RegistryError:
        """The exception for people; `access` is what they can do where they are not let in."""
        reference = purpose.reference
        if purpose.failed is PullError and reference is not None:
            if self.status in (401, 403):
                message = (
                    f"pull access denied for {reference.familiar_name}, repository does not exist "
                    f"or may require 'docker login': {self.text}"
                )
                private = f"check the spelling; if it is private: {login_line(purpose.registry)}"
                return self._with_answer(purpose, message, access or private)
            if self.status == 404:
                what = f"manifest for {reference.familiar}"
                if self.code == "NAME_UNKNOWN":
                    what = f"repository {reference.familiar_name}"
                message = f"{what} not found: {self.text}"
                return self._with_answer(purpose, message, _where_to_look(reference))
        if self.status in (401, 403) and purpose.failed is PushError and reference is not None:
            login = login_line(purpose.registry)
            hint = access or f"log in as who may push to {reference.familiar_name}: {login}"
            return self._with_answer(purpose, self._denied, hint)
        message = f"cannot {purpose.what}: {self.text}"
        if self.status == 429 and purpose.failed is PullError:
            purpose = replace(purpose, failed=ExhaustedError)
        return self._with_answer(purpose, message, self._hint(purpose, access))

    @property
    def _denied(self) -> str:
        """Docker's words for one who is not let in."""
        if self.code or self.message:
            return self.text
        if self.status == HTTPStatus.UNAUTHORIZED:
            return "unauthorized: authentication required"
        return "denied: requested access to the resource is denied"

    def _hint(self, purpose: Purpose, access: str) -> str:
        if self.status in (401, 403):
            return access or f"log in as who may do that: {login_line(purpose.registry)}"
        if self.status == 429:
            wait = f" (the registry says: retry after {self.retry_after})" * bool(self.retry_after)
            pulling = issubclass(purpose.failed, PullError)
            mirror = ", log in, or pull from a mirror of this image" * pulling
            return f"wait before the next try{wait}{mirror}"
        if self.status == 405 or self.code == "UNSUPPORTED":
            return "this registry does not allow it, or was set up not to"
        if self.status == 413:
            return "a proxy in front of the registry limits the size of requests"
        if self.code == "DIGEST_INVALID":
            return "something between here and the registry changes the data"
        if self.status >= 500:
            return "a fault of the registry: try again later"
        if self.code == "NAME_UNKNOWN":
            return "check the name; some registries want a repository to be made before it is used"
        return "" if self.code else "check that this host is a container registry"

    def _with_answer(self, purpose: Purpose, message: str, hint: str) -> RegistryError:
        said = f": {self.text}" if self.code or self.message else ""
        answers = [(self.host, f"{self.status_line}{said}")]
        return purpose.failed(message, answers=answers, hint=hint)


def _first_error(status: int, body: bytes) -> tuple[str, str]:
    """The code in capitals and the message, or "" for what is not there."""
    try:
        answer = json.loads(body.decode())
        if details := answer.get("details"):
            return _CODES.get(status, "UNKNOWN"), str(details)
        first = answer["errors"][0]
        return str(first.get("code", "")).upper(), str(first.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""


def refused(purpose: Purpose, attempts: list[TransportError]) -> RegistryError:
    """The exception for a registry that could not be spoken to, with every attempt."""
    hints = [attempt.hint for attempt in attempts]
    if purpose.failed is PullError and _NETWORK_HINT in hints:
        hints.append("an image that is already here needs no registry")
    return purpose.unreachable(
        f"cannot {purpose.what}: no answer from {purpose.registry}",
        answers=[(attempt.host, attempt.answer) for attempt in attempts],
        hint="; ".join(dict.fromkeys(hints)),
    )


def describe_error(
    host: str, url: str, error: BaseException, method: str = "GET", *, direct: bool = False
) -> TransportError:
    """Word a failed request.

    Args:
        host: whom it was sent to.
        url: where to, without what may be secret.
        error: what requests, urllib3 or a socket raised.
        method: of HTTP.
        direct: no proxy is between, so that a certificate can be looked at again.
    """
    from requests.exceptions import InvalidURL
    from urllib3.exceptions import LocationValueError, ProxyError

    chain = list(_chain(error))
    if not direct and any(isinstance(link, (InvalidURL, LocationValueError)) for link in chain):
        return TransportError(host, "the URL of the proxy is malformed", hint=_PROXY_HINT)
    prefix = f'{method.capitalize()} "{url}": '
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    if any(isinstance(link, ProxyError) for link in chain):
        cause = _clean(str(chain[-1]))
        return TransportError(
            host,
            f"{prefix}proxyconnect tcp: {cause}",
            hint=_PROXY_HINT,
        )
    for link in chain:
        if isinstance(link, socket.gaierror):
            reason = (
                "no such host"
                if link.errno in _NO_SUCH_HOST
                else _clean(link.strerror or str(link))
            )
            return TransportError(host, f"{prefix}dial tcp: lookup {name}: {reason}", nameless=True)
        if isinstance(link, ssl.SSLCertVerificationError):
            explained = explain(host, link, direct=direct)
            reason = f"failed to verify certificate: {_clean(explained.reason)}"
            return CertificateError(host, f"{prefix}tls: {reason}", hint=explained.hint)
        if isinstance(link, ssl.SSLError):
            return _tls_error(host, prefix, link)
        if isinstance(link, OSError) and link.errno in _DIAL_ERRORS:
            reason = os.strerror(link.errno).lower()
            hint = _NOBODY_HINT if link.errno == errno.ECONNREFUSED and is_loopback(host) else ""
            answer = f"{prefix}dial tcp {host}: connect: {reason}"
            return TransportError(host, answer, hint=hint)
    if _is_connect_timeout(chain):
        return TransportError(host, f"{prefix}dial tcp {host}: i/o timeout")
    if _is_read_timeout(chain):
        answer = "net/http: request canceled (Client.Timeout exceeded while awaiting headers)"
        return TransportError(host, f"{prefix}{answer}")
    return TransportError(host, f"{prefix}{_clean(str(chain[-1]))}", transient=_is_drop(chain))


def _tls_error(host: str, prefix: str, error: ssl.SSLError) -> TlsError:
    reason = _clean(error.reason or str(error)).replace("_", " ").lower()
    if "wrong version number" in reason or "http request" in reason:
        return TlsError(
            host,
            f"{prefix}http: server gave HTTP response to HTTPS client",
            hint="if this registry has no TLS and its network is trusted, put it into "
            '"insecure-registries" of /etc/docker/daemon.json, or into registries.conf with '
            "insecure = true",
        )
    if "alert" in reason or "eof" in reason:
        return TlsError(
            host,
            f"{prefix}{'remote error: ' * ('alert' in reason)}tls: {reason}",
            hint="if the registry wants to see a certificate of yours, put it and its key into "
            f"{certificate_folder(host)} as client.cert and client.key",
        )
    return TlsError(host, f"{prefix}tls: {reason}", hint=_TLS_HINT)


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

    broken = any(isinstance(link, ConnectionError) for link in chain)
    if not broken and any(isinstance(link, BadStatusLine) for link in chain):
        return False  # What speaks no HTTP will not at the next try.
    return broken or any(isinstance(link, (ProtocolError, IncompleteRead)) for link in chain)


def _clean(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[: 4 * _MAX_TEXT])
    return " ".join(printable.split())[:_MAX_TEXT]


def login_line(registry: str) -> str:
    """What people type to log in at a registry."""
    return "docker login" if registry == DEFAULT_REGISTRY else f"docker login {registry}"


def _where_to_look(reference: Reference) -> str:
    if reference.registry != DEFAULT_REGISTRY:
        return "check the name and the tag"
    path = reference.repository.removeprefix("library/")
    page = f"_/{path}" if path != reference.repository else f"r/{path}"
    return f"check the name and the tag: https://hub.docker.com/{page}/tags"
