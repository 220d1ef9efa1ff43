"""Asking a registry whether it knows a credential, as `docker login` does.

`/v2/` is asked with the credential; where the registry wants a token, the realm is asked for one,
and for an identity token with it ("Requesting a Token", `offline_token`), which is then kept in
place of the password.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..errors import RegistryError, UnreachableError
from .auth import Challenge, TokenRequest, basic, read_token
from .credentials import Credential, hostname
from .endpoint import choose_scheme, host_of, is_in_the_clear
from .failures import Refusal, TransportError
from .transport import Transport, read_bounded, same_origin

if TYPE_CHECKING:
    import requests

__all__ = ["log_in"]

_MAX_ANSWER = 64 * 1024
_UNKNOWN = "unauthorized: incorrect username or password"
_NOTHING_SAID = ("", "unauthorized: authentication required")


def log_in(registry: str, credential: Credential, *, timeout: float = 30.0) -> Credential:
    """Show a registry a credential.

    Args:
        registry: its host, as in an image's name.
        credential: to show.
        timeout: seconds of silence after which a connection counts as dead.

    Returns:
        What to keep: an identity token where the registry gave one, else what was shown.

    Raises:
        RegistryError: the registry does not know it, or cannot be asked (`UnreachableError`).
    """
    host = host_of(hostname(registry))
    transport = Transport(None, timeout)
    try:
        scheme, attempts = choose_scheme(transport, host)
        try:
            if scheme:
                return _Login(transport, host, f"{scheme}://{host}/v2/").perform(credential)
        except TransportError as error:
            attempts = [error]
        raise UnreachableError(
            f"cannot log in to {registry}: no answer",
            answers=[(attempt.host, attempt.answer) for attempt in attempts],
            hint="; ".join(dict.fromkeys(attempt.hint for attempt in attempts)),
        )
    finally:
        transport.close()


class _Login:
    def __init__(self, transport: Transport, host: str, url: str) -> None:
        self._transport = transport
        self._host = host
        self._url = url

    def perform(self, credential: Credential) -> Credential:
        with self._transport.get(self._url, {}) as response:
            wanted = response.headers.get("WWW-Authenticate", "")
            challenge = Challenge.parse(wanted) if same_origin(response.url, self._url) else None
            status = response.status_code
        if status == 200:
            return credential
        kept, header = credential, ""
        if status == 401 and challenge is not None and challenge.realm:
            kept, header = self._exchange(challenge, credential)
        elif status == 401 and challenge is not None and credential.password:
            header = basic(credential)
        self._check(self._url, self._transport.get(self._url, {}, header))
        return kept

    def _exchange(self, challenge: Challenge, credential: Credential) -> tuple[Credential, str]:
        """What to keep, and the header with the token."""
        asked = TokenRequest.make(challenge, (), credential, offline=True)
        shown = asked.url.partition("?")[0][:200]
        if is_in_the_clear(asked.url) and not is_in_the_clear(self._url):
            raise RegistryError(
                f"{self._host} wants the credential sent to {shown!r}, where others could read it",
                hint="a fault of the registry's set-up: the realm of its tokens should be https",
            )
        if asked.form:
            response = self._transport.post_form(asked.url, asked.form)
        else:
            response = self._transport.get(asked.url, {}, asked.authorization)
        body = self._check(shown, response)
        token, _ = read_token(body)
        if not token:
            raise RegistryError(f'Get "{shown}": the answer holds no token')
        refresh = json.loads(body).get("refresh_token")
        if isinstance(refresh, str) and refresh:
            credential = Credential(credential.username, identity_token=refresh)
        return credential, f"Bearer {token}"

    def _check(self, shown: str, response: requests.Response) -> bytes:
        """The body of a good answer."""
        body = read_bounded(response, _MAX_ANSWER) or b""
        if response.status_code == 200:
            return body
        refusal = Refusal.read(self._host, response.status_code, response.headers, body)
        if response.status_code in (401, 403):
            said = refusal.text if refusal.code or refusal.message else ""
            raise RegistryError(
                f'Get "{shown}": {_UNKNOWN if said in _NOTHING_SAID else said}',
                hint="check the name and the password; many registries want an access token in "
                "place of the password, see docs/registries.md",
            )
        raise RegistryError(
            f"login attempt to {shown} failed with status: {refusal.status_line}",
            hint="check that this host is a container registry",
        )
