"""One registry as a place to send requests to: its host, its scheme, and its tokens."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ..errors import PullError
from ..reference import DEFAULT_REGISTRY, Reference
from .auth import Challenge, TokenCache
from .failures import Refusal, TransportError, refused
from .transport import Transport, read_bounded

if TYPE_CHECKING:
    import requests

__all__ = ["Endpoint", "host_of", "is_loopback"]

_HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}
_MAX_ANSWER = 64 * 1024


def host_of(registry: str) -> str:
    """The host that serves a registry: Docker Hub's has another name than the registry."""
    return _HOSTS.get(registry, registry)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that plain HTTP is allowed as Docker allows it.

    That is `localhost`, 127.0.0.0/8 and ::1, with or without a port.
    """
    name = host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class Endpoint:
    """A registry host. Safe to use from several threads.

    Attributes:
        host: with its port, if it has one.
    """

    def __init__(self, transport: Transport, tokens: TokenCache, host: str) -> None:
        self.host = host
        self._transport = transport
        self._tokens = tokens
        self._scheme = "" if is_loopback(host) else "https"

    def get(
        self,
        reference: Reference,
        path: str,
        headers: Mapping[str, str],
        statuses: Collection[int] = (200,),
    ) -> requests.Response:
        """The answer to GET `/v2/<repository>/<path>`, its body not read; the caller closes it.

        Args:
            reference: the image that this is about.
            path: such as `manifests/latest`.
            headers: beside the token's.
            statuses: those that count as an answer.

        Raises:
            PullError: the host cannot be reached (an `UnreachableError`) or refuses.
        """
        url = f"{self._scheme_for(reference)}://{self.host}/v2/{reference.repository}/{path}"
        try:
            response = self._get_with_token(reference, url, headers)
            if response.status_code in statuses:
                return response
            refusal = _refusal(self.host, response)
        except TransportError as error:
            raise refused(reference, [error]) from error
        raise refusal.error(reference)

    def _scheme_for(self, reference: Reference) -> str:
        """HTTPS; on a loopback host plain HTTP if HTTPS does not answer, found out once."""
        attempts: list[TransportError] = []
        for scheme in () if self._scheme else ("https", "http"):
            error = self._transport.ping(f"{scheme}://{self.host}/v2/")
            if error is None:
                self._scheme = scheme
                break
            attempts.append(error)
        if not self._scheme:
            raise refused(reference, attempts) from attempts[-1]
        return self._scheme

    def _get_with_token(
        self, reference: Reference, url: str, headers: Mapping[str, str]
    ) -> requests.Response:
        token = self._tokens.get(self.host, reference.repository)
        response = self._transport.get(url, headers, token)
        challenge = Challenge.parse(
            response.headers.get("WWW-Authenticate", ""), reference.repository
        )
        if response.status_code != 401 or challenge is None:
            return response
        fresh = self._tokens.renew(
            self.host, reference.repository, token, lambda: self._ask(reference, challenge)
        )
        if not fresh:
            return response
        response.close()
        return self._transport.get(url, headers, fresh)

    def _ask(self, reference: Reference, challenge: Challenge) -> bytes:
        response = self._transport.get(challenge.url, {"Accept": "application/json"})
        if response.status_code != 200:
            raise _refusal(response.url.split("/")[2], response).error(reference)
        body = read_bounded(response, _MAX_ANSWER)
        if body is None:
            raise PullError(
                f"cannot pull {reference.familiar}: the token server's answer is too large",
                answers=[(self.host, f"token from {challenge.realm[:200]!r}")],
                hint="a fault of the registry: try again later",
            )
        return body


def _refusal(host: str, response: requests.Response) -> Refusal:
    body = read_bounded(response, _MAX_ANSWER) or b""
    return Refusal.read(host, response.status_code, response.headers, body)
