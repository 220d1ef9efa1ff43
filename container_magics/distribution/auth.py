"""What to show a registry: a password, or a token made for what one wants to do.

A registry answers 401 with `WWW-Authenticate`, which names a scheme:

    Basic    the credential itself goes with every further request to this host (RFC 7617)
    Bearer   the realm is asked for a token, with the credential or without, and the token goes
             with every further request until it expires; after the distribution project's "Token
             Authentication Specification" and, for identity tokens, its "OAuth2 Token
             Authentication"

A token belongs to one registry host and the scopes it was made for, and is never shown to another
host. Nothing here puts a secret into a message or a `repr`.
"""

from __future__ import annotations

import base64
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from ..errors import ConfigurationError, CredentialsError
from .credentials import Credential

__all__ = [
    "CATALOG",
    "Challenge",
    "TokenCache",
    "TokenRequest",
    "basic",
    "delete_scope",
    "pull_scope",
    "push_scope",
    "read_token",
]

CATALOG = "registry:catalog:*"
"""The scope of the list of all repositories."""

CLIENT_ID = "container-magics"

_PARAMETER = re.compile(
    r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))|([A-Za-z][A-Za-z0-9_-]*)'
)
_TOKEN = re.compile(r"[\x21-\x7e]{1,32768}")
_DEFAULT_LIFETIME = 60
_MAX_LIFETIME = 3600
_SLACK = 10
_ALL = ("*",)
"""Stands for all scopes: a password allows whatever it allows."""


def pull_scope(repository: str) -> str:
    """The scope of reading a repository."""
    return f"repository:{repository}:pull"


def delete_scope(repository: str) -> str:
    """The scope of reading a repository and deleting from it."""
    return f"repository:{repository}:pull,delete"


def push_scope(repository: str) -> str:
    """The scope of reading and writing a repository."""
    return f"repository:{repository}:pull,push"


def basic(credential: Credential) -> str:
    """The header for a name and a password."""
    joined = f"{credential.username}:{credential.password}"
    return f"Basic {base64.b64encode(joined.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry wants to see.

    Attributes:
        realm: where a token is to be had; "" where the credential itself is wanted.
        service: the registry's name there.
        scope: what it says that this request needs, or "".
    """

    realm: str = ""
    service: str = ""
    scope: str = ""

    @classmethod
    def after(cls, status: int, header: str, shown: str) -> Challenge | None:
        """What to show after an answer; None where nothing else is to be shown.

        Args:
            status: of the answer. 401 says what is wanted; 403 to a password may mean that it is
                too old, as Amazon's are after 12 hours, and that a helper has a new one.
            header: its `WWW-Authenticate`.
            shown: the `Authorization` header that it answered to, or "".
        """
        if status == 401:
            return cls.parse(header)
        return cls() if status == 403 and shown.startswith("Basic ") else None

    @classmethod
    def parse(cls, header: str) -> Challenge | None:
        """Read a `WWW-Authenticate` header; None if it names no scheme that is known here."""
        schemes: dict[str, dict[str, str]] = {}
        parameters: dict[str, str] = {}
        for name, quoted, bare, scheme in _PARAMETER.findall(header[:8192]):
            if scheme:
                parameters = schemes.setdefault(scheme.lower(), {})
            else:
                parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or bare)
        bearer = schemes.get("bearer", {})
        if _is_web_address(realm := bearer.get("realm", "")):
            return cls(realm, bearer.get("service", ""), bearer.get("scope", ""))
        return cls() if "basic" in schemes else None


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """How a realm is asked for a token: a GET, or a POST where there is a form.

    Attributes:
        url: with the query.
        authorization: the header, or "".
        form: the body of a POST, `application/x-www-form-urlencoded`, or b"".
    """

    url: str = field(repr=False)
    authorization: str = field(default="", repr=False)
    form: bytes = field(default=b"", repr=False)

    @property
    def secret(self) -> bool:
        """Whether it carries a credential."""
        return bool(self.authorization or self.form)

    @classmethod
    def make(
        cls,
        challenge: Challenge,
        scopes: Iterable[str],
        credential: Credential | None,
        *,
        offline: bool = False,
    ) -> TokenRequest:
        """Ask for a token.

        Args:
            challenge: with a realm.
            scopes: what the token should allow.
            credential: whose; anyone's without.
            offline: whether an identity token is wanted too, as for a login.
        """
        wanted = _joined([*scopes, *challenge.scope.split()])
        service = [("service", challenge.service)] if challenge.service else []
        if credential is not None and credential.identity_token:
            form = [
                ("grant_type", "refresh_token"),
                *service,
                ("client_id", CLIENT_ID),
                ("scope", " ".join(wanted)),
                ("refresh_token", credential.identity_token),
            ]
            return cls(challenge.realm, form=urlencode(form).encode())
        query = [*service, *(("scope", scope) for scope in wanted)]
        if credential is not None:
            query += [("account", credential.username), ("client_id", CLIENT_ID)]
        if offline:
            query += [("offline_token", "true")]
        separator = "&" if urlsplit(challenge.realm).query else "?"
        url = f"{challenge.realm}{separator}{urlencode(query)}" if query else challenge.realm
        return cls(url, basic(credential) if credential is not None else "")


def _joined(scopes: Iterable[str]) -> list[str]:
    """The scopes with the actions of each resource in one, in the order they came."""
    actions: dict[str, list[str]] = {}
    for scope in scopes:
        resource, _, wanted = scope.rpartition(":")
        known = actions.setdefault(resource, [])
        known += [action for action in wanted.split(",") if action not in known]
    return [f"{resource}:{','.join(known)}" for resource, known in actions.items()]


@dataclass(slots=True)
class _Slot:
    """What is shown for one host and its scopes; `expires` by the monotonic clock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    header: str = field(default="", repr=False)
    expires: float = 0.0


@dataclass(slots=True)
class _Who:
    """Who one is at a host; `error` where that could not be found out."""

    credential: Credential | None = None
    error: ConfigurationError | CredentialsError | None = None


class TokenCache:
    """What is shown to registries, by host and scopes. Safe to use from several threads.

    Args:
        credentials: gives the credential for a host. It is asked once for each host, when that
            first wants to see something, and again when it refuses what it was shown. Where it
            fails, one goes on as anyone; see `failure`.
        version: changes when credentials do; then all that is known is forgotten.
    """

    def __init__(
        self,
        credentials: Callable[[str], Credential | None] = lambda _: None,
        version: Callable[[], object] = lambda: None,
    ) -> None:
        self._credentials = credentials
        self._version = version
        self._known = version()
        self._lock = threading.Lock()
        self._slots: dict[tuple[str, tuple[str, ...]], _Slot] = {}
        self._who: dict[str, _Who] = {}

    def header(self, host: str, scopes: Sequence[str]) -> str:
        """The `Authorization` header in hand, or "" if there is none or it is about to expire."""
        for slot in (self._slot(host, scopes), self._slot(host, _ALL)):
            if slot.header and time.monotonic() < slot.expires:
                return slot.header
        return ""

    def renew(
        self,
        host: str,
        scopes: Sequence[str],
        refused: str,
        challenge: Challenge,
        fetch: Callable[[TokenRequest], bytes],
    ) -> str:
        """A header other than the refused one, asked for at most once at a time.

        Args:
            host: the registry.
            scopes: what is to be done there.
            refused: the header that the registry just refused, or "".
            challenge: what it wants instead.
            fetch: asks the realm, and gives its answer's body.

        Returns:
            The header, or "" where there is none to try.
        """
        slot = self._slot(host, scopes)
        with slot.lock:
            known = self.header(host, scopes)
            if known and known != refused:
                return known
            credential = self._credential(host, again=bool(refused))
            slot.header, slot.expires = "", 0.0
            if challenge.realm:
                asked = time.monotonic()
                body = fetch(TokenRequest.make(challenge, scopes, credential))
                token, lifetime = read_token(body)
                slot.header = f"Bearer {token}" if token else ""
                slot.expires = asked + max(lifetime - _SLACK, lifetime / 2)
            elif credential is not None and credential.password:
                header = basic(credential)
                if header != refused:
                    everywhere = self._slot(host, _ALL)
                    everywhere.header, everywhere.expires = header, math.inf
                    return header
            return slot.header

    def failure(self, host: str) -> str:
        """Why no credential for a host could be had, for people; or ""."""
        with self._lock:
            who = self._who.get(host)
        return str(who.error) if who is not None and who.error is not None else ""

    def knows(self, host: str) -> bool:
        """Whether a credential was shown to a host."""
        with self._lock:
            who = self._who.get(host)
        return who is not None and who.credential is not None

    def _slot(self, host: str, scopes: Sequence[str]) -> _Slot:
        version = self._version()
        with self._lock:
            if version != self._known:
                self._known = version
                self._slots.clear()
                self._who.clear()
            return self._slots.setdefault((host, tuple(scopes)), _Slot())

    def _credential(self, host: str, *, again: bool) -> Credential | None:
        with self._lock:
            who = self._who.get(host)
        if who is None or again:
            who = _Who()
            try:
                who.credential = self._credentials(host)
            except (ConfigurationError, CredentialsError) as error:
                who.error = error
            with self._lock:
                self._who[host] = who
        return who.credential


def read_token(body: bytes) -> tuple[str, float]:
    """The token and its lifetime in seconds ("Token Response Fields"); "" where it is malformed."""
    try:
        answer = json.loads(body.decode())
        token = answer.get("token") or answer.get("access_token")
        lifetime = answer.get("expires_in", _DEFAULT_LIFETIME)
    except (ValueError, AttributeError, RecursionError):
        return "", 0.0
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return "", 0.0
    if not isinstance(lifetime, (int, float)) or not lifetime > 0:
        lifetime = _DEFAULT_LIFETIME
    return token, float(min(lifetime, _MAX_LIFETIME))
