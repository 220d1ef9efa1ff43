"""HTTP to registries: one session, with redirects, retries and time limits made for pulling.

- A host that refuses, has no address or does not answer is asked once and fails at once; a dropped
  connection, 429 and 5xx are tried again, waiting as `Retry-After` says, up to a minute in all.
- An `Authorization` header goes to the host it was made for only: a redirect that leaves the
  origin (scheme, host and port) goes on without it.
- Bodies come as they are on the wire (`Accept-Encoding: identity`), so that digests hold.
- Whom to believe that they are a registry says `trust`, by host.
- Proxies are those of the environment, and not for this machine itself. No cookies, no netrc.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from .failures import TransportError, describe_error
from .notices import Notices
from .reach import reach
from .trust import is_loopback, settings_for

if TYPE_CHECKING:
    import requests

__all__ = [
    "CONNECT_TIMEOUT",
    "FOR_NOW",
    "MAX_WAIT",
    "WAITS",
    "Body",
    "Transport",
    "read_bounded",
    "requested_wait",
    "same_origin",
]

CONNECT_TIMEOUT = 5.0
"""Seconds within which a host must accept a connection, name look-up included."""

FOR_NOW = frozenset({429, 500, 502, 503, 504})
"""Statuses after which another try may succeed."""

MAX_WAIT = 60.0
"""Seconds that are waited at most, in all, for what asks to be asked again later."""

WAITS = (0.5, 1.0, 2.0)
"""Seconds that are waited before another try, where nothing else is asked for."""

_MAX_REDIRECTS = 5
_NOTICED = 2.0  # seconds
_REDIRECTS_OF_ALL = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _REDIRECTS_OF_ALL
_POOL = 16
_CHUNK = 64 * 1024
_NO_PROXY = {"no_proxy": "*"}
_sending = threading.local()


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Body:
    """What a request sends: bytes in all, and their pieces, as often as they are wanted.

    Pieces should be small: each must leave within the time limit.
    """

    size: int
    pieces: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, data: bytes | memoryview, watch: Callable[[], None] = _nothing) -> Body:
        """Bytes at hand; `watch` is called before each piece, and may raise."""
        view = memoryview(data)

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(view), _CHUNK):
                watch()
                yield bytes(view[start : start + _CHUNK])

        return cls(len(view), pieces)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces())


class Transport:
    """Sends requests. Safe to use from several threads.

    Args:
        session: to send with; one made here unless given.
        timeout: seconds of silence after which a connection counts as dead.

    Attributes:
        notices: what the hosts have warned of.
    """

    def __init__(self, session: requests.Session | None, timeout: float) -> None:
        self.notices = Notices()
        self._session = session or _new_session()
        self._adapter = self._session.get_adapter("https://")
        self._timeouts = (min(CONNECT_TIMEOUT, timeout), timeout)
        self._reached: set[tuple[str, int]] = set()
        self._closing = threading.Event()
        self._waits = threading.local()

    def close(self) -> None:
        """Close idle connections, and wake requests that wait for another try, which then fail."""
        self._closing.set()
        self._session.close()

    def get(
        self, url: str, headers: Mapping[str, str], authorization: str = ""
    ) -> requests.Response:
        """The answer to a GET, its body not read yet; the caller closes it.

        Args:
            url: where to; redirects are followed.
            headers: all but `Authorization`.
            authorization: that header, for the URL's origin; or "".

        Raises:
            TransportError: no HTTP answer.
        """
        return self.request("GET", url, headers, authorization)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str = "",
        body: Body | None = None,
        *,
        once: bool = False,
    ) -> requests.Response:
        """The answer to any request, its body not read yet; the caller closes it.

        Args:
            method: of HTTP.
            url: where to; redirects are followed, with the body where they ask for that.
            headers: all but `Authorization`.
            authorization: that header, for the URL's origin; or "".
            body: what is sent, for each attempt anew.
            once: do not try again.

        Raises:
            TransportError: no HTTP answer.
        """

        def send() -> requests.Response:
            return self._follow(method, url, headers, authorization, body)

        return send() if once else self._persist(url, send)

    def post_form(self, url: str, form: bytes) -> requests.Response:
        """The answer to a POST of a form, which is never redirected; the caller closes it.

        Raises:
            TransportError: no HTTP answer.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._persist(url, lambda: self._send("POST", url, headers, "", Body.of(form)))

    def _persist(self, url: str, send: Callable[[], requests.Response]) -> requests.Response:
        """Send until there is an answer that is not for now."""
        left = MAX_WAIT
        for wait in WAITS:
            try:
                response = send()
            except TransportError as error:
                if not error.transient:
                    raise
            else:
                if response.status_code not in FOR_NOW:
                    return response
                wait = requested_wait(response, wait)  # noqa: PLW2901 - what it asks for
                if wait > left:
                    return response
                left -= wait
                response.close()
            self.pause(wait, url)
        return send()

    @contextmanager
    def telling(self, tell: Callable[[float], None]) -> Iterator[None]:
        """Tell of this thread's waits that people would notice, in seconds, before each."""
        self._waits.tell = tell
        try:
            yield
        finally:
            del self._waits.tell

    def pause(self, seconds: float, url: str) -> None:
        """Wait before another try.

        Raises:
            TransportError: the client was closed meanwhile.
        """
        if seconds >= _NOTICED and (tell := getattr(self._waits, "tell", None)) is not None:
            tell(seconds)
        if self._closing.wait(seconds):
            raise TransportError(_host(urlsplit(url)), "the client was closed")

    def accept(self, host: str) -> bool:
        """Believe a host from now on, whatever certificate it shows; False in a session given."""
        from .adapters import TrustingAdapter

        if not isinstance(self._adapter, TrustingAdapter):
            return False
        self._adapter.accept(host)
        return True

    def is_proxied(self, url: str) -> bool:
        """Whether requests to a URL go through a proxy."""
        from requests.utils import get_environ_proxies, select_proxy

        if is_loopback(_host(urlsplit(url))):
            return False  # As in Go, and so in docker; requests would ask the proxy.
        return select_proxy(url, {**get_environ_proxies(url), **self._session.proxies}) is not None

    def ping(self, url: str) -> TransportError | None:
        """Ask once whether HTTP is spoken at a URL, whatever the answer; why not, if it isn't."""
        try:
            self._send("GET", url, {}, "").close()
        except TransportError as error:
            return error
        return None

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        body: Body | None,
    ) -> requests.Response:
        redirects = _REDIRECTS if method in ("GET", "HEAD") else _REDIRECTS_OF_ALL
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send(method, url, headers, authorization, body)
            location = response.headers.get("Location")
            if response.status_code not in redirects or not location:
                return response
            response.close()
            try:
                target = urljoin(url, location)
                stays = same_origin(target, url)
            except ValueError as error:
                raise describe_error(_host(urlsplit(url)), without_query(url), error) from None
            authorization = authorization if stays else ""
            url = target
        raise TransportError(_host(urlsplit(url)), f"stopped after {_MAX_REDIRECTS} redirects")

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        body: Body | None = None,
    ) -> requests.Response:
        parts = urlsplit(url)
        host = _host(parts)
        shown = without_query(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TransportError(
                host, f"redirected to something that is no web address: {shown!r:.200}"
            )
        shown_to_it = {"Authorization": authorization} if authorization else {}
        _sending.here = True
        try:
            self._reach(url, parts)
            response = self._session.request(
                method,
                url,
                data=body,
                headers={"Accept-Encoding": "identity", **headers, **shown_to_it},
                auth=_no_netrc,
                proxies=_NO_PROXY if is_loopback(host) else None,
                stream=True,
                allow_redirects=False,
                # What is sent is under the limit for connecting; that it may be, `_reach` has seen.
                timeout=self._timeouts if body is None else self._timeouts[1],
            )
            # A server that refuses may not have read what was sent.
            if response.raw.length_remaining == 0 and (body is None or response.ok):
                _ = response.content  # Having read it leaves the connection for the next.
        except (OSError, ValueError) as error:
            # A traceback of it would show the password of a proxy, or a signature in the query.
            direct = not self.is_proxied(url)
            raise describe_error(host, shown, error, method, direct=direct) from None
        finally:
            _sending.here = False
        self.notices.hear(host, response.headers.get("Warning", ""))
        return response

    def _reach(self, url: str, parts: SplitResult) -> None:
        address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        if address in self._reached:
            return
        if not self.is_proxied(url):
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
            raise describe_error(_host(parts), without_query(response.url), error) from None
    return b"".join(chunks)


def _new_session() -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter

    from .adapters import TrustingAdapter

    logging.getLogger("urllib3.connectionpool").addFilter(_without_queries)
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "container-magics"
    session.mount("http://", HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL))
    session.mount("https://", TrustingAdapter(settings_for, _POOL))
    return session


def _without_queries(record: logging.LogRecord) -> bool:
    """Keep signatures out of urllib3's log of what is sent here; that of others is theirs."""
    if getattr(_sending, "here", False) and isinstance(record.args, tuple):
        cut = (each.partition("?")[0] if isinstance(each, str) else each for each in record.args)
        record.args = tuple(cut)
    return True


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that adds nothing: without one, requests sends what netrc holds."""
    return request


def requested_wait(response: requests.Response, default: float) -> float:
    """Seconds that `Retry-After` asks to wait, or the default where it says nothing sensible."""
    header = response.headers.get("Retry-After")
    if not header:
        return default
    try:
        return float(header) if header.strip().isdigit() else _seconds_until(header)
    except (ValueError, TypeError):
        return default


def _seconds_until(date: str) -> float:
    return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port.

    Raises:
        ValueError: one is no URL.
    """
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return parts.scheme, parts.hostname or "", port


def without_query(url: str) -> str:
    """A URL to show: what may be secret is not in it."""
    parts = urlsplit(url)
    return parts._replace(query="", fragment="", netloc=_host(parts)).geturl()


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
