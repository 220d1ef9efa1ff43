"""Making and removing docker contexts, in the files that the docker CLI keeps them in.

contexts/meta/SHA256-OF-NAME/meta.json       name, description, endpoint
contexts/tls/SHA256-OF-NAME/docker/*.pem     ca, cert, key; for the user alone
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..docker_config import config_file, config_folder, read_config, write_config
from ..errors import ConfigurationError, ConflictError, NotFoundError, UsageError
from .contexts import EMBEDDED, Context

__all__ = ["TLS_NAMES", "create_context", "described", "remove_context"]

TLS_NAMES = ("ca", "cert", "key")
"""The certificates of an endpoint: the authority's, the client's own and its key."""
IN_MEMORY = "<IN MEMORY>"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+")


def create_context(
    name: str,
    endpoint: str,
    *,
    description: str = "",
    tls: Mapping[str, Path] | None = None,
    verify: bool = True,
) -> None:
    """Store a context.

    Args:
        name: of two characters or more.
        endpoint: as in DOCKER_HOST: `unix://`, `tcp://` or `ssh://`.
        description: for people.
        tls: the files of `ca`, `cert` and `key`, as far as there are any; they are copied.
        verify: whether the engine's own certificate is checked.

    Raises:
        UsageError: a name, endpoint or file that is none.
        ConflictError: the name is taken.
    """
    if name in ("default", EMBEDDED):
        raise UsageError(f'"{name}" is a reserved context name')
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'context name "{name}" is invalid',
            hint="It has two letters, digits or _.+- at least, and starts with one of the former.",
        )
    if not endpoint.startswith(("unix://", "tcp://", "ssh://")):
        raise UsageError(
            f"unable to parse docker host `{endpoint}`",
            hint="It starts with unix://, tcp:// or ssh://.",
        )
    meta, certificates = _folders(name)
    if (meta / "meta.json").exists():
        raise ConflictError(f'context "{name}" already exists')
    files = tls or {}
    _check_certificates(files)
    if files:
        certificates.mkdir(mode=0o700, parents=True, exist_ok=True)
        (certificates / "docker").mkdir(mode=0o700, exist_ok=True)
        for key, path in files.items():
            _write(certificates / "docker" / f"{key}.pem", path.read_bytes())
    content = {
        "Name": name,
        "Metadata": {"Description": description} if description else {},
        "Endpoints": {"docker": {"Host": endpoint, "SkipTLSVerify": not verify}},
    }
    meta.mkdir(parents=True, exist_ok=True)
    _write(meta / "meta.json", json.dumps(content, separators=(",", ":")).encode(), mode=0o644)


def _folders(name: str) -> tuple[Path, Path]:
    identifier = hashlib.sha256(name.encode()).hexdigest()
    contexts = config_folder() / "contexts"
    return contexts / "meta" / identifier, contexts / "tls" / identifier


def _check_certificates(files: Mapping[str, Path]) -> None:
    for key, path in files.items():
        if not path.is_file():
            raise UsageError(f"{key}={path}: no such file")
    if ("cert" in files) != ("key" in files):
        raise UsageError("cert and key go together", hint="Give both, or neither.")
    try:
        known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if "ca" in files:
            known.load_verify_locations(files["ca"])
        if "cert" in files:
            known.load_cert_chain(files["cert"], files["key"])
    except (ssl.SSLError, OSError) as error:
        raise UsageError(
            f"{', '.join(map(str, files.values()))}: {getattr(error, 'reason', '') or error}",
            hint="They are PEM files; key is the key of cert, and has no password.",
        ) from error


def _write(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put a file in place whole."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).chmod(mode)
    Path(name).replace(path)


def remove_context(name: str) -> None:
    """Remove a stored context, and let the configuration name it no more.

    Raises:
        NotFoundError: no such context is stored.
        UsageError: it is one that is always there.
    """
    if name in ("default", EMBEDDED):
        raise UsageError(f'context "{name}" cannot be removed')
    meta, certificates = _folders(name)
    if not (meta / "meta.json").is_file():
        raise NotFoundError(f'context "{name}" does not exist')
    _forget(name)
    shutil.rmtree(meta)
    if certificates.exists():
        shutil.rmtree(certificates)


def _forget(name: str) -> None:
    path = config_file()
    try:
        content = read_config(path)
    except ConfigurationError:
        return
    if content.get("currentContext") == name:
        del content["currentContext"]
        write_config(path, content)


def described(context: Context) -> dict[str, Any]:
    """A context as `docker context inspect` prints it."""
    meta, certificates = _folders(context.name)
    stored = (meta / "meta.json").is_file()
    files = [f"{name}.pem" for name in TLS_NAMES if context.tls and context.tls.file(f"{name}.pem")]
    verify = context.tls is None or context.tls.verify
    return {
        "Name": context.name,
        "Metadata": {"Description": context.description} if stored and context.description else {},
        "Endpoints": {"docker": {"Host": context.endpoint, "SkipTLSVerify": not verify}},
        "TLSMaterial": {"docker": files} if files else {},
        "Storage": {
            "MetadataPath": str(meta) if stored else IN_MEMORY,
            "TLSPath": str(certificates) if stored else IN_MEMORY,
        },
    }
