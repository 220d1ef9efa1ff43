"""HTTP to registries: one session, with redirects, retries and time limits made for pulling.

- A host that refuses, has no address or does not answer is asked once and fails at once; a dropped
  connection, 429 and 5xx are tried again, waiting as `Retry-After` says, if that is not long.
- An `Authorization` header goes to the host it was made for only: a redirect that leaves the
  origin (scheme, host and port) goes on without it.
- Bodies come as they are on the wire (`Accept-Encoding: identity`), so that digests hold.
- Proxies are those of the environment; `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE` and `SSL_CERT_FILE`
  replace the certificate authorities. No cookies, no netrc.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from .failures import TransportError, describe_error
from .reach import reach

if TYPE_CHECKING:
    import requests

__all__ = ["CONNECT_TIMEOUT", "Transport", "read_bounded"]

CONNECT_TIMEOUT = 5.0
"""Seconds within which a host must accept a connection, name look-up included."""

_TRIES = 4
_MAX_WAIT = 10.0
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
_POOL = 16
_CHUNK = 64 * 1024


class Transport:
    """Sends GET requests. Safe to use from several threads.

    Args:
        session: to send with; one made here unless given.
        timeout: seconds of silence after which a connection counts as dead.
    """

    def __init__(self, session: requests.Session | None, timeout: float) -> None:
        self._session = session or _new_session()
        self._timeouts = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._reached: set[tuple[str, int]] = set()
        self._closing = threading.Event()

    def close(self) -> None:
        """Close idle connections, and wake requests that wait for another try, which then fail."""
        self._closing.set()
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str], token: str = "") -> requests.Response:
        """The answer to a GET, its body not read yet; the caller closes it.

        Args:
            url: where to; redirects are followed.
            headers: beside the token's.
            token: bearer token for the URL's origin, or "".

        Raises:
            TransportError: no HTTP answer.
        """
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            wait = 0.5 * 2**attempt
            try:
                response = self._follow(url, headers, token)
            except TransportError as error:
                if last or not error.transient:
                    raise
            else:
                if last or response.status_code not in _TRY_AGAIN:
                    return response
                wait = _requested_wait(response.headers.get("Retry-After"), wait)
                if wait > _MAX_WAIT:
                    return response
                response.close()
            self.pause(wait, url)
        raise AssertionError("unreachable: the last try returns or raises")

    def pause(self, seconds: float, url: str) -> None:
        """Wait before another try.

        Raises:
            TransportError: the client was closed meanwhile.
        """
        if self._closing.wait(seconds):
            raise TransportError(_host(urlsplit(url)), "the client was closed")

    def ping(self, url: str) -> TransportError | None:
        """Ask once whether HTTP is spoken at a URL, whatever the answer; why not, if it isn't."""
        try:
            self._send(url, {}, "").close()
        except TransportError as error:
            return error
        return None

    def _follow(self, url: str, headers: Mapping[str, str], token: str) -> requests.Response:
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send(url, headers, token)
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            response.close()
            try:
                target = urljoin(url, location)
                stays = _origin(target) == _origin(url)
            except ValueError as error:
                raise describe_error(_host(urlsplit(url)), url, error) from error
            token = token if stays else ""
            url = target
        raise TransportError(_host(urlsplit(url)), f"stopped after {_MAX_REDIRECTS} redirects")

    def _send(self, url: str, headers: Mapping[str, str], token: str) -> requests.Response:
        parts = urlsplit(url)
        host = _host(parts)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TransportError(
                host, f"redirected to something that is no web address: {url!r:.200}"
            )
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            self._reach(url, parts)
            return self._session.get(
                url,
                headers={"Accept-Encoding": "identity", **headers, **authorization},
                auth=_no_netrc,
                stream=True,
                allow_redirects=False,
                timeout=self._timeouts,
                verify=_authorities(),
            )
        except (OSError, ValueError) as error:
            shown = parts._replace(query="", netloc=host).geturl()
            raise describe_error(host, shown, error) from error

    def _reach(self, url: str, parts: SplitResult) -> None:
        from requests.utils import get_environ_proxies, select_proxy

        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        if address in self._reached:
            return
        proxies = {**get_environ_proxies(url), **self._session.proxies}
        if select_proxy(url, proxies) is None:
            reach(*address, timeout=self._timeouts[0])
        self._reached.add(address)


def read_bounded(response: requests.Response, limit: int) -> bytes | None:
    """The body's bytes as sent, or None where there are more than `limit`; closes the answer.

    Raises:
        TransportError: the connection broke.
    """
    from urllib3.exceptions import HTTPError

    chunks: list[bytes] = []
    size = 0
    parts = urlsplit(response.url)
    with response:
        try:
            while chunk := response.raw.read(_CHUNK, decode_content=False):
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    return None
        except (OSError, HTTPError) as error:
            shown = parts._replace(query="").geturl()
            raise describe_error(_host(parts), shown, error) from error
    return b"".join(chunks)


def _new_session() -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "container-magics"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL))
    return session


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that adds nothing: without one, requests sends what netrc holds."""
    return request


def _authorities() -> bool | str:
    """What to check certificates with; requests itself knows the first two variables only."""
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True
    return os.environ.get("SSL_CERT_FILE") or True


def _requested_wait(header: str | None, default: float) -> float:
    """Seconds that `Retry-After` asks to wait, or the default where it says nothing sensible."""
    if not header:
        return default
    try:
        return float(header) if header.strip().isdigit() else _seconds_until(header)
    except (ValueError, TypeError):
        return default


def _seconds_until(date: str) -> float:
    return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return parts.scheme, parts.hostname or "", port


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
