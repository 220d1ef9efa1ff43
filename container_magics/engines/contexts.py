"""Docker contexts: named engines, kept as the docker CLI keeps them, and our own `embedded`.

`~/.docker/contexts/meta/*/meta.json` holds an endpoint each, `contexts/tls/` its certificates
(the folder is DOCKER_CONFIG's where that is set). The current one is named by DOCKER_HOST
(which makes it `default`), else DOCKER_CONTEXT, else `currentContext` in `config.json`.
<https://docs.docker.com/engine/manage-resources/contexts/>
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..docker_config import config_file, config_folder, read_config
from ..errors import ConfigurationError, NotFoundError

__all__ = [
    "DEFAULT_SOCKET",
    "EMBEDDED",
    "Context",
    "TlsFiles",
    "configured_context",
    "default_context",
    "find_context",
    "list_contexts",
    "read_json",
    "well_known_contexts",
]

EMBEDDED = "embedded"
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
SYSTEM_PODMAN_SOCKET = Path("/run/podman/podman.sock")
MAX_METADATA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates for a TLS endpoint: a folder that may hold ca.pem, cert.pem and key.pem.

    Attributes:
        folder: what the docker CLI calls DOCKER_CERT_PATH.
        verify: whether the engine's own certificate is checked.
    """

    folder: Path
    verify: bool = True

    def file(self, name: str) -> str | None:
        """Path of `ca.pem`, `cert.pem` or `key.pem`, or None where it isn't there."""
        path = self.folder / name
        return str(path) if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Context:
    """One engine that can be chosen by name.

    Attributes:
        endpoint: as in DOCKER_HOST, such as `unix:///var/run/docker.sock`; "" for `embedded`.
        current: whether Docker's own rules choose it.
        error: why it cannot be used as written, or "".
        tls: certificates, or None for an endpoint without TLS.
    """

    name: str
    description: str
    endpoint: str
    current: bool = False
    error: str = ""
    tls: TlsFiles | None = None


def read_json(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no object.
    """
    with path.open("rb") as file:
        data = json.loads(file.read(MAX_METADATA_BYTES))
    if not isinstance(data, dict):
        raise ValueError(f"{path} holds no JSON object")  # noqa: TRY004 - a value, not a caller's type
    return data


def configured_context() -> tuple[str, str]:
    """Name of the current context by Docker's rules, and what names it.

    Returns:
        (name, source): source is `DOCKER_HOST`, `DOCKER_CONTEXT`, the configuration file's
        path, or "" where nothing names one and `default` is meant.
    """
    if os.environ.get("DOCKER_HOST"):
        return "default", "DOCKER_HOST"
    if name := os.environ.get("DOCKER_CONTEXT"):
        return name, "DOCKER_CONTEXT"
    path = config_file()
    try:
        name = str(read_config(path).get("currentContext", ""))
    except ConfigurationError:
        name = ""
    return (name, str(path)) if name and name != "default" else ("default", "")


def default_context() -> Context:
    """The context `default`: DOCKER_HOST with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or the
    default socket.
    """  # noqa: D205 - one sentence
    endpoint = os.environ.get("DOCKER_HOST", "") or DEFAULT_SOCKET
    if "://" not in endpoint:
        endpoint = f"tcp://{endpoint}"
    tls = None
    verify = bool(os.environ.get("DOCKER_TLS_VERIFY"))
    if endpoint.startswith("tcp://") and (verify or os.environ.get("DOCKER_TLS")):
        tls = TlsFiles(Path(os.environ.get("DOCKER_CERT_PATH") or config_folder()), verify)
    return Context("default", "Current DOCKER_HOST based configuration", endpoint, tls=tls)


def _stored_context(folder: Path) -> Context:
    path = folder / "meta.json"
    try:
        meta = read_json(path)
        name = str(meta["Name"])
        docker = meta["Endpoints"]["docker"]
        endpoint = str(docker.get("Host", "") or DEFAULT_SOCKET)
        description = str((meta.get("Metadata") or {}).get("Description", ""))
        skip_verify = bool(docker.get("SkipTLSVerify", False))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Context(folder.name[:12], "", "", error=f"cannot read {path}: {error}")
    certificates = folder.parents[1] / "tls" / folder.name / "docker"
    uses_tls = certificates.is_dir() or (skip_verify and endpoint.startswith("tcp://"))
    tls = TlsFiles(certificates, not skip_verify) if uses_tls else None
    return Context(name, description, endpoint, tls=tls)


def well_known_contexts() -> list[Context]:
    """Engines at their usual sockets beside the default one: rootless Docker, Docker Desktop,
    Podman; only those whose socket is there.
    """  # noqa: D205 - one sentence
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    places = [
        ("rootless", "Docker without root", runtime / "docker.sock"),
        ("desktop", "Docker Desktop", Path.home() / ".docker" / "run" / "docker.sock"),
        ("podman", "Podman of this user", runtime / "podman" / "podman.sock"),
        ("podman-system", "Podman of the system", SYSTEM_PODMAN_SOCKET),
    ]
    return [
        Context(name, description, f"unix://{path}")
        for name, description, path in places
        if _exists(path)
    ]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def list_contexts() -> list[Context]:
    """Every context by name: `default`, those of the docker CLI, usual sockets, `embedded`.

    Exactly one is `current`; a current context that is not there is listed with its error.
    """
    found = {"default": default_context()}
    meta = config_folder() / "contexts" / "meta"
    folders = sorted(meta.iterdir()) if meta.is_dir() else []
    stored = sorted((_stored_context(folder) for folder in folders), key=lambda c: c.name)
    embedded = Context(EMBEDDED, "Images and containers without a daemon", "")
    for context in [*stored, *well_known_contexts(), embedded]:
        found.setdefault(context.name, context)
    name, source = configured_context()
    if name not in found:
        error = f'context "{name}", named by {source}, does not exist'
        found[name] = Context(name, "", "", error=error)
    return [
        Context(c.name, c.description, c.endpoint, c.name == name, c.error, c.tls)
        for c in found.values()
    ]


def find_context(name: str) -> Context:
    """The context of that name.

    Raises:
        NotFoundError: there is none, or its metadata cannot be read.
    """
    contexts = list_contexts()
    for context in contexts:
        if context.name == name:
            if context.error:
                raise NotFoundError(context.error)
            return context
    known = ", ".join(context.name for context in contexts if not context.error)
    raise NotFoundError(f'context "{name}": not found', hint=f"There is: {known}")
