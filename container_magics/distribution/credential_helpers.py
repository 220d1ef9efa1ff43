"""`docker-credential-NAME`: programs that keep credentials, or make them, for docker's clients.

Each call runs the program with one word (`get`, `store`, `erase`); the request goes in on standard
input, the answer or an error's text comes out on standard output.
<https://github.com/docker/docker-credential-helpers>
"""

from __future__ import annotations

import json
import re
import subprocess

from ..errors import CredentialsError

__all__ = ["Helper"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = "credentials not found in native keychain"
_SECONDS = 120
"""For one call: some ask their user for a passphrase."""
_MAX_TEXT = 300


class Helper:
    """The program `docker-credential-NAME`.

    Args:
        name: as in `credsStore`.

    Raises:
        CredentialsError: no program can have such a name.
    """

    def __init__(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise CredentialsError(f"{name!r:.100} cannot be the name of a credential helper")
        self.program = f"docker-credential-{name}"

    def get(self, server: str) -> tuple[str, str] | None:
        """The username and the secret for a server; None where it has none.

        Raises:
            CredentialsError: the program failed.
        """
        answer = self._run("get", server, quiet=_NOT_FOUND)
        if answer is None:
            return None
        try:
            found = json.loads(answer.decode())
            username, secret = found["Username"], found["Secret"]
        except (ValueError, LookupError, TypeError, RecursionError):
            username = secret = None
        if not isinstance(username, str) or not isinstance(secret, str):
            raise CredentialsError(
                f"{self.program} get: its answer is no credential",
                hint="it should be a JSON object with ServerURL, Username and Secret",
            )
        return username, secret

    def list(self) -> list[str]:
        """The servers that it has credentials for.

        Raises:
            CredentialsError: the program failed.
        """
        answer = self._run("list", "") or b""
        try:
            found = json.loads(answer.decode())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise CredentialsError(f"{self.program} list: its answer is no JSON object")
        return [*found]

    def store(self, server: str, username: str, secret: str) -> None:
        """Keep a credential.

        Raises:
            CredentialsError: the program failed.
        """
        request = {"ServerURL": server, "Username": username, "Secret": secret}
        self._run("store", json.dumps(request), secret=secret)

    def erase(self, server: str) -> None:
        """Forget the credential for a server.

        Raises:
            CredentialsError: the program failed.
        """
        self._run("erase", server)

    def _run(self, action: str, request: str, *, quiet: str = "", secret: str = "") -> bytes | None:
        """The program's output; None where it failed with the text `quiet`."""
        try:
            done = subprocess.run(
                [self.program, action],
                input=request.encode(),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise CredentialsError(
                f"{self.program}: executable file not found in $PATH",
                hint="install it, or take its name out of docker's config.json",
            ) from None
        except OSError as error:
            raise CredentialsError(f"{self.program}: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise CredentialsError(
                f"{self.program} {action}: no answer within {_SECONDS} s"
            ) from None
        if done.returncode == 0:
            return done.stdout
        said = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")
        if quiet and quiet in said:
            return None
        if secret:
            said = said.replace(json.dumps(secret)[1:-1], "***").replace(secret, "***")
        shown = "".join(char if char.isprintable() else " " for char in said)[:_MAX_TEXT]
        raise CredentialsError(
            f"{self.program} {action}: exit status {done.returncode}: {shown or 'it said nothing'}"
        )
