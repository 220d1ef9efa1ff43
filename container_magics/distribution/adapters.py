"""TLS for `requests`, with each host's own trust.

`requests` itself knows one file of authorities for all, of its own choosing. Importing this imports
it.
"""

from __future__ import annotations

import re
import ssl
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import InsecureRequestWarning

from .trust import Trust, bare_name

if TYPE_CHECKING:
    from urllib3 import HTTPSConnectionPool, ProxyManager

__all__ = ["TrustingAdapter"]


class _HostAdapter(HTTPAdapter):
    """Connections with one context."""

    def __init__(self, context: ssl.SSLContext, pool: int) -> None:
        self._context = context
        super().__init__(pool_connections=pool, pool_maxsize=pool)

    def init_poolmanager(self, *args: object, **options: object) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._context)  # type: ignore[arg-type]

    def proxy_manager_for(self, proxy: str, **options: object) -> ProxyManager:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)  # type: ignore[no-any-return]

    def cert_verify(self, conn: HTTPSConnectionPool, *_: object, **__: object) -> None:
        """Add no authorities of requests' own: the context has them all."""
        conn.cert_reqs = self._context.verify_mode.name


class TrustingAdapter(BaseAdapter):
    """Sends over HTTPS, to each host with its trust. Safe to use from several threads.

    Args:
        trust_of: what a host must show, and is shown.
        pool: connections that are kept for each host.
    """

    def __init__(self, trust_of: Callable[[str], Trust], pool: int) -> None:
        super().__init__()
        self._trust_of = trust_of
        self._pool = pool
        self._lock = threading.Lock()
        self._adapters: dict[str, _HostAdapter] = {}
        self._usual: ssl.SSLContext | None = None

    def accept(self, host: str) -> None:
        """Believe a host from now on, whatever certificate it shows.

        Raises:
            ConfigurationError: the certificate that is shown to it cannot be read.
        """
        adapter = _HostAdapter(_unverified(self._trust_of(host)), self._pool)
        with self._lock:
            self._adapters[host] = adapter

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: object = None,
    ) -> requests.Response:
        """Send; `verify` and `cert` are not looked at, since the trust says so."""
        host = str(urlsplit(str(request.url)).netloc).rpartition("@")[2]
        adapter = self._adapter(host)
        verified = adapter._context.verify_mode is not ssl.CERT_NONE
        try:
            return adapter.send(request, stream, timeout, verified, None, proxies)  # type: ignore[arg-type]
        except requests.exceptions.SSLError:
            if verified:  # what is trusted may be another thing at the next try
                with self._lock:
                    self._adapters.pop(host, None)
                    self._usual = None
            raise

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            adapters = list(self._adapters.values())
        for adapter in adapters:
            adapter.close()

    def _adapter(self, host: str) -> _HostAdapter:
        with self._lock:
            if host not in self._adapters:
                self._adapters[host] = _HostAdapter(self._context(host), self._pool)
            return self._adapters[host]

    def _context(self, host: str) -> ssl.SSLContext:
        """The host's; one for all that nothing is configured for, since reading takes a while."""
        trust = self._trust_of(host)
        if trust.is_insecure(ask_for_address=False):
            return _unverified(trust)
        if trust.authorities or trust.client is not None:
            return trust.context(verify=True)
        if self._usual is None:
            self._usual = trust.context(verify=True)
        return self._usual


def _unverified(trust: Trust) -> ssl.SSLContext:
    """A context that takes any certificate, without the warning that urllib3 gives each time."""
    said = re.escape(f"Unverified HTTPS request is being made to host '{bare_name(trust.host)}'")
    warnings.filterwarnings("ignore", message=said, category=InsecureRequestWarning)
    return trust.context(verify=False)
