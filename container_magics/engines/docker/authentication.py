"""The credentials that an engine is sent along, since it has none of its own.

`X-Registry-Auth` holds one registry's AuthConfig, `X-Registry-Config` that of every one; after
"Authentication" of the engine API. BuildKit asks the docker CLI instead, which reads the same file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...distribution.credentials import Credential, CredentialStore, key_of
from ...distribution.failures import login_line
from ...errors import ConfigurationError, CredentialsError

__all__ = ["Authentication", "authentication", "every_authentication", "way_in"]


@dataclass(frozen=True, slots=True)
class Authentication:
    """What an engine is sent for one registry.

    Attributes:
        config: an AuthConfig, empty where there is no credential.
        failure: why none could be had, for people, or "".
    """

    config: dict[str, str] = field(default_factory=dict, repr=False)
    failure: str = ""


def authentication(registry: str) -> Authentication:
    """The credential for a registry's host; like the docker CLI, one goes on without if need be."""
    try:
        found = CredentialStore().get(registry)
    except (ConfigurationError, CredentialsError) as error:
        return Authentication(failure=str(error))
    return Authentication(_config(key_of(registry), found) if found is not None else {})


def way_in(registry: str, failure: str) -> str:
    """What to do where a registry lets one pull nothing; `failure` is an `Authentication`'s."""
    if failure:
        return f"no credential for {registry} could be had: {failure}"
    return f"check the spelling; if it is private: {login_line(registry)}"


def every_authentication() -> dict[str, dict[str, str]]:
    """Every AuthConfig by its registry, for a build whose bases the engine finds out.

    Raises:
        ConfigurationError: the file with them cannot be read, or is damaged.
    """
    return {key: _config(key, found) for key, found in CredentialStore().all().items()}


def _config(key: str, credential: Credential) -> dict[str, str]:
    config = {"username": credential.username, "serveraddress": key}
    if credential.identity_token:
        return {**config, "identitytoken": credential.identity_token}
    return {**config, "password": credential.password}
