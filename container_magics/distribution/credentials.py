"""Who one is at a registry, kept where the docker CLI keeps it.

    config.json    auths: {HOST: {auth: base64 of "user:password", identitytoken: …}}
                   credHelpers: {HOST: NAME}, credsStore: NAME   programs docker-credential-NAME

A host's helper counts for more than the store, and the store for more than what lies in the file.
Hosts are spelled in several ways there: with `https://`, with a path, Docker Hub's as
`https://index.docker.io/v1/`. <https://docs.docker.com/reference/cli/docker/login/>
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..docker_config import config_file, read_config, write_config
from ..errors import CredentialsError
from ..reference import DEFAULT_REGISTRY
from .credential_helpers import Helper

__all__ = ["DOCKER_HUB_KEY", "Credential", "CredentialStore", "hostname", "key_of"]

DOCKER_HUB_KEY = "https://index.docker.io/v1/"
"""How Docker Hub is spelled in the file, and to helpers."""

_DOCKER_HUB_HOSTS = frozenset({DEFAULT_REGISTRY, "index.docker.io", "registry-1.docker.io"})
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers call the user of an identity token


@dataclass(frozen=True, slots=True)
class Credential:
    """A name with a password, or an identity token: an OAuth 2 refresh token, then no password.

    What is secret is not in its `repr`.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


def hostname(text: str) -> str:
    """The host, with its port, of a registry as people write it: `https://host:5000/path`."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        text = rest
    host = text.partition("/")[0]
    return DEFAULT_REGISTRY if host in _DOCKER_HUB_HOSTS else host


def key_of(host: str) -> str:
    """How a registry host is spelled in the file, and to helpers."""
    return DOCKER_HUB_KEY if hostname(host) == DEFAULT_REGISTRY else hostname(host)


class CredentialStore:
    """The credentials of one docker configuration, read anew at each call.

    Args:
        folder: holds `config.json`; DOCKER_CONFIG, else `~/.docker`, unless given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @property
    def path(self) -> Path:
        """Where `config.json` is, or would be."""
        return config_file(self._folder)

    def version(self) -> object:
        """Something that changes when the file does, as it does with each login and logout."""
        try:
            state = self.path.stat()
        except OSError:
            return self.path
        return self.path, state.st_mtime_ns, state.st_size, state.st_ino

    def get(self, host: str) -> Credential | None:
        """The credential for a registry host such as `docker.io` or `localhost:5000`, if any.

        Raises:
            ConfigurationError: the file cannot be read, or is damaged.
            CredentialsError: a helper failed, or what is kept for this host is damaged.
        """
        content = read_config(self.path)
        helper = self._helper(content, host)
        if helper is not None:
            found = helper.get(key_of(host))
            if found is None:
                return None
            username, secret = found
            if username == _TOKEN_USER:
                return Credential(identity_token=secret)
            return Credential(username, secret)
        entry = _entry(content, host)
        return None if entry is None else self._decode(entry, host)

    def all(self) -> dict[str, Credential]:
        """Every credential that can be had, by the key that its host has in the file.

        Where a helper fails, its hosts are left out: they may not be needed, and the registry says
        so if they are.

        Raises:
            ConfigurationError: the file cannot be read, or is damaged.
        """
        content = read_config(self.path)
        keys = [
            key_of(host) for name in ("auths", "credHelpers") for host in _mapping(content, name)
        ]
        store = content.get("credsStore")
        if isinstance(store, str) and store:
            with suppress(CredentialsError):
                keys += [key_of(host) for host in Helper(store).list()]
        found: dict[str, Credential] = {}
        for key in dict.fromkeys(keys):
            with suppress(CredentialsError):
                credential = self.get(key)
                if credential is not None:
                    found[key] = credential
        return found

    def put(self, host: str, credential: Credential) -> Path | None:
        """Keep a credential.

        Returns:
            The file that holds it unencrypted, or None where a helper keeps it.

        Raises:
            ConfigurationError, CredentialsError: it could not be kept.
        """
        content = read_config(self.path)
        key = key_of(host)
        auths = _mapping(content, "auths")
        for other in _spellings(auths, host):
            del auths[other]
        helper = self._helper(content, host)
        if helper is None:
            joined = f"{credential.username}:{credential.password}"
            auths[key] = {"auth": base64.b64encode(joined.encode()).decode()}
            if credential.identity_token:
                auths[key]["identitytoken"] = credential.identity_token
        else:
            token = credential.identity_token
            helper.store(
                key, _TOKEN_USER if token else credential.username, token or credential.password
            )
            auths[key] = {}
        write_config(self.path, {**content, "auths": auths})
        return self.path if helper is None else None

    def erase(self, host: str) -> bool:
        """Forget the credential for a host; whether there was one.

        Raises:
            ConfigurationError, CredentialsError: it could not be erased.
        """
        content = read_config(self.path)
        auths = _mapping(content, "auths")
        spellings = _spellings(auths, host)
        helper = self._helper(content, host)
        known = bool(spellings)
        if helper is not None:
            known = helper.get(key_of(host)) is not None
            if known:
                helper.erase(key_of(host))
        if spellings:
            for key in spellings:
                del auths[key]
            write_config(self.path, {**content, "auths": auths})
        return known

    def _helper(self, content: Mapping[str, Any], host: str) -> Helper | None:
        helpers = _mapping(content, "credHelpers")
        name = next((helpers[key] for key in _spellings(helpers, host)), None)
        name = content.get("credsStore") if name is None else name
        return Helper(name) if isinstance(name, str) and name else None

    def _decode(self, entry: Mapping[str, Any], host: str) -> Credential | None:
        found = _decoded(entry)
        if found is None:
            raise CredentialsError(
                f"what {self.path} has for {host} is no credential",
                hint=f"log in anew: docker login {host}",
            )
        return found if found.identity_token or found.password else None


def _decoded(entry: Mapping[str, Any]) -> Credential | None:
    """The credential in an entry of `auths`, an empty one too; None where it is damaged."""
    token, auth, username, password = (
        entry.get(key) or "" for key in ("identitytoken", "auth", "username", "password")
    )
    try:
        if auth:
            joined = base64.b64decode(auth, validate=True).decode()
            username, colon, password = joined.partition(":")
            if not colon:
                return None
    except (TypeError, ValueError):
        return None
    if not all(isinstance(text, str) for text in (token, username, password)):
        return None
    return Credential(username, "" if token else password.strip("\0"), token)


def _mapping(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _spellings(mapping: Mapping[str, Any], host: str) -> list[str]:
    """The keys that mean a host, the proper spelling first."""
    wanted = key_of(host)
    return sorted((key for key in mapping if key_of(key) == wanted), key=lambda key: key != wanted)


def _entry(content: Mapping[str, Any], host: str) -> Mapping[str, Any] | None:
    auths = _mapping(content, "auths")
    entries = [auths[key] for key in _spellings(auths, host)]
    return next((entry for entry in entries if isinstance(entry, dict) and entry), None)
