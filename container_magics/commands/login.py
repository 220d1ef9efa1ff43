"""`docker login` and `docker logout`."""

from __future__ import annotations

import re

from ..distribution.credentials import Credential, CredentialStore, hostname, key_of
from ..errors import (
    ConfigurationError,
    CredentialsError,
    RegistryError,
    UnreachableError,
    UsageError,
)
from ..reference import DEFAULT_REGISTRY
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar

__all__ = ["LOGIN", "LOGOUT", "SAFE_WAYS"]

SAFE_WAYS = (
    "Leave it out, and you are asked; or write `-p {name}`, where a variable of the notebook holds "
    "it, or `-p $NAME` for one of the environment."
)
"""How a password is given that nothing saves."""

_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_MAX_INPUT = 64 * 1024
_HUB = (
    "Login with your Docker ID to push and pull images from Docker Hub. If you don't have a Docker "
    "ID, head over to https://hub.docker.com to create one.\n"
)
_ON_THE_LINE = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n"
_UNENCRYPTED = (
    "WARNING! Your credentials are stored unencrypted in '{path}'.\n"
    "Configure a credential helper to remove this warning. See\n"
    "https://docs.docker.com/go/credential-store/\n\n"
)


# --- login --------------------------------------------------------------------------------------


def _login(arguments: Arguments, call: Call) -> None:
    from ..distribution.login import log_in

    host = _server(arguments)
    store = CredentialStore()
    username, password = arguments.one("username"), _given_password(arguments, call)
    if not username and not password and _with_what_is_kept(host, store, call):
        return
    shown = _asked(host, username, password, store, call)
    kept = log_in(host, shown)
    path = store.put(host, kept)
    if path is not None:
        call.surface.write(_UNENCRYPTED.format(path=path), 2)
    call.surface.write("Login Succeeded\n")


def _server(arguments: Arguments) -> str:
    host = hostname(arguments.operands[0]) if arguments.operands else DEFAULT_REGISTRY
    if not _HOST.fullmatch(host):
        if "@" in host:  # What stands before it may be a password.
            raise UsageError("docker login: who you are is no part of a host", hint=SAFE_WAYS)
        raise UsageError(
            f"{host!r:.200} names no registry",
            hint="It is a host, with a port if it has one: docker login HOST:PORT.",
        )
    return host


def _given_password(arguments: Arguments, call: Call) -> str:
    """The password of `-p` or of standard input, or "" if neither was given."""
    if arguments.given("password"):
        if arguments.on("password-stdin"):
            raise UsageError("--password and --password-stdin are mutually exclusive")
        if not call.surface.lasting:
            call.surface.write(_ON_THE_LINE, 2)
        return arguments.one("password")
    if not arguments.on("password-stdin"):
        return ""
    if not arguments.one("username"):
        raise UsageError("Must provide --username with --password-stdin")
    if call.surface.lasting:
        raise UsageError(
            "docker login --password-stdin: a notebook's standard input is the cell's body, which "
            "would be saved with the password in it",
            hint=SAFE_WAYS,
        )
    data = call.stdin.read(_MAX_INPUT) if call.stdin is not None else b""
    return data.decode(errors="replace").removesuffix("\n").removesuffix("\r")


def _with_what_is_kept(host: str, store: CredentialStore, call: Call) -> bool:
    """Log in with the credential that is there; whether there was one that the registry knows."""
    from ..distribution.login import log_in

    try:
        kept = store.get(host)
    except CredentialsError as error:
        call.surface.write(f"{error.message}\n", 2)
        return False
    if kept is None:
        return False
    call.surface.write("Authenticating with existing credentials...\n")
    try:
        log_in(host, kept)
    except UnreachableError:
        raise
    except RegistryError as error:
        call.surface.write(f"Login did not succeed, error: {error.message}\n", 2)
        return False
    call.surface.write("Login Succeeded\n")
    return True


def _asked(
    host: str, username: str, password: str, store: CredentialStore, call: Call
) -> Credential:
    """The credential, what was not given asked for."""
    if not username:
        before = _username(host, store)
        if host == DEFAULT_REGISTRY and not password:
            call.surface.write(_HUB)
        reply = call.surface.ask(f"Username ({before}): " if before else "Username: ")
        username = _answered(reply).strip() or before
        if not username:
            raise UsageError("username is empty")
    if not password:
        password = _answered(call.surface.ask("Password: ", hidden=True))
        if not password:
            raise UsageError("password is empty")
    return Credential(username, password)


def _username(host: str, store: CredentialStore) -> str:
    try:
        kept = store.get(host)
    except CredentialsError:
        return ""
    return kept.username if kept is not None else ""


def _answered(reply: str | None) -> str:
    if reply is None:
        raise UsageError(
            "docker login: nobody can be asked for a name or password here",
            hint="Write `-u NAME -p {name}`, where a variable of the notebook holds the password, "
            "or `-p $NAME` for one of the environment; in a terminal, `--password-stdin`.",
        )
    return reply


LOGIN = Command(
    Grammar(
        "login",
        "[OPTIONS] [SERVER]",
        "Log in to a registry",
        most=1,
        flags=(
            Flag(
                "password",
                "the password or token; in a notebook as {name}, a variable",
                "p",
                "TEXT",
            ),
            Flag("password-stdin", "take the password from standard input, in a terminal"),
            Flag("username", "who you are there", "u", "NAME"),
        ),
    ),
    _login,
    reads_input=lambda arguments: arguments.on("password-stdin"),
)


# --- logout -------------------------------------------------------------------------------------


def _logout(arguments: Arguments, call: Call) -> None:
    host = _server(arguments)
    try:
        known = CredentialStore().erase(host)
    except ConfigurationError:
        raise
    except CredentialsError as error:
        raise CredentialsError(
            f"could not erase credentials for {key_of(host)}: {error.message}", hint=error.hint
        ) from error
    if known:
        call.surface.write(f"Removing login credentials for {key_of(host)}\n")
    else:
        call.surface.write(f"Not logged in to {key_of(host)}\n")


LOGOUT = Command(
    Grammar("logout", "[SERVER]", "Log out from a registry", most=1),
    _logout,
)
