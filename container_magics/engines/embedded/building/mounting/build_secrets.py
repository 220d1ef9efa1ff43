"""The values of `--secret`: read when a step asks for one, and kept nowhere."""

from __future__ import annotations

import os

from .....errors import BuildError
from ....build_request import BuildRequest

__all__ = ["read_secret"]

_MAX_BYTES = 500 * 1024


def read_secret(request: BuildRequest, name: str, *, required: bool) -> bytes | None:
    """The value of a secret; None where the build was given none, or its file is not there.

    Raises:
        BuildError: it is required and not there, can't be read, or is larger than BuildKit allows
            (500 kB).
    """
    secret = next((secret for secret in reversed(request.secrets) if secret.id == name), None)
    try:
        if secret is None:
            value = None
        elif secret.file is not None:
            with secret.file.open("rb") as file:
                value = file.read(_MAX_BYTES + 1)
        else:
            value = os.environb.get(secret.variable.encode())
    except OSError as error:
        raise BuildError(f"secret {name}: {error.filename}: {error.strerror}") from error
    if value is None and required:
        where = f"the variable {secret.variable} is not set" if secret else "the build has none"
        raise BuildError(
            f"secret {name}: not found",
            hint=f"{where}: build with --secret id={name},src=FILE or --secret id={name},env=NAME.",
        )
    if value is not None and len(value) > _MAX_BYTES:
        raise BuildError(f"secret {name} too big. max size 500KB")
    return value
