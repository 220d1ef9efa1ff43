"""Anonymous tokens, after the distribution project's "Token Authentication Specification".

A registry answers 401 with `WWW-Authenticate: Bearer realm="…",service="…",scope="…"`; the realm is
asked for a token, which goes with every further request to that repository until it expires. A
token belongs to one registry host and one repository, and is never shown to another host.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

__all__ = ["Challenge", "TokenCache"]

_CHALLENGE = re.compile(r"bearer(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_TOKEN = re.compile(r"[\x21-\x7e]{1,32768}")
_DEFAULT_LIFETIME = 60
_MAX_LIFETIME = 3600
_SLACK = 10


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants to see: a token from `realm` for `service` and `scope`."""

    realm: str
    service: str
    scope: str

    @classmethod
    def parse(cls, header: str, repository: str) -> Challenge | None:
        """Read a `WWW-Authenticate` header; None if no anonymous token can satisfy it."""
        match = _CHALLENGE.fullmatch(header.strip()[:8192])
        if match is None:
            return None
        parameters = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare
            for name, quoted, bare in _PARAMETER.findall(match[1] or "")
        }
        realm = parameters.get("realm", "")
        if not _is_web_address(realm):
            return None
        scope = parameters.get("scope") or f"repository:{repository}:pull"
        return cls(realm, parameters.get("service", ""), scope)

    @property
    def url(self) -> str:
        """Where to ask for the token."""
        query = {"service": self.service, "scope": self.scope}
        separator = "&" if urlsplit(self.realm).query else "?"
        return f"{self.realm}{separator}{urlencode({k: v for k, v in query.items() if v})}"


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    expires: float = 0.0


class TokenCache:
    """Tokens by (registry host, repository). Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, str], _Slot] = {}

    def get(self, host: str, repository: str) -> str:
        """The token in hand, or "" if there is none or it is about to expire."""
        slot = self._slot(host, repository)
        return slot.token if time.monotonic() < slot.expires else ""

    def renew(self, host: str, repository: str, rejected: str, fetch: Callable[[], bytes]) -> str:
        """A token other than the rejected one, fetched at most once at a time per repository.

        Args:
            host: the registry.
            repository: path in it.
            rejected: the token that the registry just refused, or "".
            fetch: asks the realm, and gives its answer's body.

        Returns:
            The token, or "" where the realm's answer holds none.
        """
        slot = self._slot(host, repository)
        with slot.lock:
            if slot.token and slot.token != rejected and time.monotonic() < slot.expires:
                return slot.token
            asked = time.monotonic()
            token, lifetime = _read_token(fetch())
            slot.token, slot.expires = token, asked + max(lifetime - _SLACK, lifetime / 2)
            return token

    def _slot(self, host: str, repository: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault((host, repository), _Slot())


def _read_token(body: bytes) -> tuple[str, float]:
    """The token and its lifetime in seconds ("Token Response Fields"); "" where it is malformed."""
    try:
        answer = json.loads(body.decode())
        token = answer.get("token") or answer.get("access_token")
        lifetime = answer.get("expires_in", _DEFAULT_LIFETIME)
    except (ValueError, AttributeError, RecursionError):
        return "", 0.0
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return "", 0.0
    if not isinstance(lifetime, (int, float)) or not 0 < lifetime <= _MAX_LIFETIME:
        lifetime = _DEFAULT_LIFETIME
    return token, float(lifetime)
