"""One registry as a place to send requests to: its host, its scheme, and its tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..errors import RegistryError
from ..reference import DEFAULT_REGISTRY, Reference
from .auth import Challenge, TokenCache, TokenRequest, read_token
from .failures import CertificateError, Refusal, TlsError, TransportError, login_line, refused
from .purpose import Purpose, pulling
from .transport import WAITS, Body, Transport, read_bounded, same_origin
from .trust import is_loopback, settings_for

if TYPE_CHECKING:
    import requests

__all__ = ["Endpoint", "choose_scheme", "host_of", "is_in_the_clear"]

_HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}
_MAX_ANSWER = 64 * 1024
_READS = 3
_NONE: Mapping[str, str] = MappingProxyType({})


def host_of(registry: str) -> str:
    """The host that serves a registry: Docker Hub's has another name than the registry."""
    return _HOSTS.get(registry, registry)


def is_in_the_clear(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not is_loopback(parts.netloc.rpartition("@")[2])


def choose_scheme(transport: Transport, host: str) -> tuple[str, list[TransportError]]:
    """How a host is spoken to: HTTPS; where it is insecure, with any certificate, or plain HTTP.

    Returns:
        `https` or `http`, or "" where it does not answer; and the attempts that failed.

    Raises:
        ConfigurationError: what is configured for it is damaged.
        TransportError: the client was closed.
    """
    for wait in (*WAITS, None):
        scheme, attempts = _choose_scheme(transport, host)
        if scheme or wait is None or not attempts[-1].transient:
            break
        transport.pause(wait, f"https://{host}")
    return scheme, attempts


def _choose_scheme(transport: Transport, host: str) -> tuple[str, list[TransportError]]:
    url = f"https://{host}/v2/"
    trust = settings_for(host)
    error = transport.ping(url)
    if error is None:
        return "https", []
    known = not error.nameless and not transport.is_proxied(url)
    if not trust.is_insecure(ask_for_address=known):
        return "", [error]
    attempts = [error]
    if isinstance(error, CertificateError) and transport.accept(host):
        error = transport.ping(url)
        if error is None:
            return "https", []
        attempts.append(error)
    error = transport.ping(f"http://{host}/v2/")
    if error is None:
        return "http", []
    return "", [*attempts, error]


class Endpoint:
    """A registry host. Safe to use from several threads.

    Attributes:
        host: with its port, if it has one.
    """

    def __init__(self, transport: Transport, tokens: TokenCache, host: str) -> None:
        self.host = host
        self._transport = transport
        self._tokens = tokens
        self._lock = threading.Lock()
        self._scheme = ""

    def get(
        self,
        reference: Reference,
        path: str,
        headers: Mapping[str, str],
        statuses: Collection[int] = (200,),
    ) -> requests.Response:
        """The answer to GET `/v2/<repository>/<path>` of a pull; see `send`."""
        target = f"{reference.repository}/{path}"
        return self.send(pulling(reference), "GET", target, headers, statuses=statuses)

    def send(
        self,
        purpose: Purpose,
        method: str,
        target: str,
        headers: Mapping[str, str] = _NONE,
        body: Body | None = None,
        *,
        statuses: Collection[int] = (200,),
    ) -> requests.Response:
        """The answer to a request, its body not read; the caller closes it.

        Args:
            purpose: what it is for.
            method: of HTTP.
            target: a path below `/v2/`, such as `library/alpine/tags/list`, or a URL that the
                registry gave.
            headers: beside the token's.
            body: what is sent.
            statuses: those that count as an answer.

        Raises:
            RegistryError: the host cannot be reached or refuses; of the purpose's kinds.
        """
        try:
            response = self.ask(purpose, method, target, headers, body)
            if response.status_code in statuses:
                return response
            raise self.error(purpose, self.refusal(response))
        except TransportError as error:
            raise refused(purpose, [error]) from error

    def read(
        self,
        purpose: Purpose,
        target: str,
        headers: Mapping[str, str] = _NONE,
        *,
        limit: int,
        statuses: Collection[int] = (200,),
    ) -> tuple[requests.Response, bytes | None]:
        """The answer to a GET as `send` gives it, and its body; asked again where that breaks off.

        A body of more than `limit` bytes is None.

        Raises:
            RegistryError: as `send`.
        """

        def ask() -> requests.Response:
            return self.send(purpose, "GET", target, headers, statuses=statuses)

        try:
            return _read_whole(ask, limit)
        except TransportError as error:
            raise refused(purpose, [error]) from error

    def ask(
        self,
        purpose: Purpose,
        method: str,
        target: str,
        headers: Mapping[str, str] = _NONE,
        body: Body | None = None,
        *,
        once: bool = False,
    ) -> requests.Response:
        """The same, whatever its status; with `once`, nothing is tried again.

        A registry may be started anew with TLS, or without: it is then spoken to as it is now.

        Raises:
            TransportError: no HTTP answer.
            RegistryError: there is no way to speak to the host, or its tokens cannot be had.
        """

        def attempt() -> requests.Response:
            return self._attempt(purpose, method, target, headers, body, once=once)

        try:
            response = attempt()
        except TlsError:
            if not self._choose_anew():
                raise
            return attempt()
        if _is_for_tls(response) and self._choose_anew():
            response.close()
            return attempt()
        return response

    def _attempt(
        self,
        purpose: Purpose,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Body | None,
        *,
        once: bool,
    ) -> requests.Response:
        base = f"{self._scheme_for(purpose)}://{self.host}/v2/"
        url = urljoin(base, target)

        def send(authorization: str) -> requests.Response:
            return self._transport.request(method, url, headers, authorization, body, once=once)

        if not same_origin(url, base):
            return send("")
        shown = self._tokens.header(self.host, purpose.scopes)
        response = send(shown)
        if not same_origin(response.url, base):  # Where a redirect leads asks for no credential.
            return response
        wanted = response.headers.get("WWW-Authenticate", "")
        challenge = Challenge.after(response.status_code, wanted, shown)
        if challenge is None:
            return response
        fresh = self._tokens.renew(
            self.host,
            purpose.scopes,
            shown,
            challenge,
            lambda asked: self._fetch_token(purpose, asked),
        )
        if not fresh:
            return response
        response.close()
        return send(fresh)

    def refusal(self, response: requests.Response) -> Refusal:
        """What an answer that is not the thing asked for says; closes it.

        Raises:
            TransportError: the connection broke.
        """
        return _refusal(self.host, response)

    def error(self, purpose: Purpose, refusal: Refusal) -> RegistryError:
        """The exception for people."""
        if refusal.wants_basic and not self._tokens.knows(self.host):
            refusal = replace(refusal, code="", message="no basic auth credentials")
        return refusal.error(purpose, self._access(purpose))

    def _access(self, purpose: Purpose) -> str:
        """What can be done where one is not let in."""
        if failure := self._tokens.failure(self.host):
            return f"no credential for {purpose.registry} could be had: {failure}"
        if self._tokens.knows(self.host):
            return (
                f"check the spelling, and that {self.host} lets this account at it; "
                f"{login_line(purpose.registry)} logs in as another"
            )
        return ""

    def _scheme_for(self, purpose: Purpose) -> str:
        """How the host is spoken to, found out once."""
        with self._lock:
            if not self._scheme:
                self._scheme, attempts = choose_scheme(self._transport, self.host)
                if not self._scheme:
                    raise refused(purpose, attempts) from attempts[-1]
            return self._scheme

    def _choose_anew(self) -> bool:
        """Find out once more how the host is spoken to; whether it answers."""
        with self._lock:
            scheme, _ = choose_scheme(self._transport, self.host)
            self._scheme = scheme or self._scheme
        return bool(scheme)

    def _fetch_token(self, purpose: Purpose, asked: TokenRequest) -> bytes:
        clear = is_in_the_clear(f"{self._scheme}://{self.host}")
        if asked.secret and is_in_the_clear(asked.url) and not clear:
            raise purpose.failed(
                f"cannot {purpose.what}: {self.host} wants the credential sent to "
                f"{asked.url.partition('?')[0]!r:.200}, where others could read it",
                hint="a fault of the registry's set-up: the realm of its tokens should be https",
            )

        def ask() -> requests.Response:
            if asked.form:
                response = self._transport.post_form(asked.url, asked.form)
            else:
                accept = {"Accept": "application/json"}
                response = self._transport.get(asked.url, accept, asked.authorization)
            if response.status_code != 200:
                refusal = _refusal(response.url.split("/")[2], response)
                raise refusal.error(purpose, self._access(purpose))
            return response

        _, body = _read_whole(ask, _MAX_ANSWER)
        if body is None or not read_token(body)[0]:
            wrong = "is too large" if body is None else "holds no token"
            raise purpose.failed(
                f"cannot {purpose.what}: the token server's answer {wrong}",
                answers=[(self.host, f"token from {asked.url.partition('?')[0]!r:.200}")],
                hint="a fault of the registry: try again later",
            )
        return body


def _is_for_tls(response: requests.Response) -> bool:
    """Whether a server with TLS may say that it was spoken to without: 400, in text or HTML."""
    if response.status_code != HTTPStatus.BAD_REQUEST or not response.url.startswith("http:"):
        return False
    kind = response.headers.get("Content-Type", "")
    # Go's has no header at all.
    return kind.startswith("text/") or not (kind or "Content-Length" in response.headers)


def _read_whole(
    ask: Callable[[], requests.Response], limit: int
) -> tuple[requests.Response, bytes | None]:
    """An answer and its body, None where that has more than `limit` bytes; asked again if it ends.

    Raises:
        TransportError: the connection broke, each time.
    """
    for _ in range(_READS):
        response = ask()
        try:
            return response, read_bounded(response, limit)
        except TransportError as error:
            broken = error
            if not error.transient:
                break
    raise broken


def _refusal(host: str, response: requests.Response) -> Refusal:
    body = read_bounded(response, _MAX_ANSWER) or b""
    return Refusal.read(host, response.status_code, response.headers, body)
