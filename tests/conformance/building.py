"""One case through one engine."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from container_magics.engines.base import Engine
from container_magics.engines.build_request import BuildRequest, BuildSecret
from container_magics.engines.events import Cancellation
from container_magics.errors import ContainerMagicsError

from .contexts import write_context
from .model import Case
from .outcome import Failure, Outcome
from .saved import read_saved

__all__ = ["build", "save", "write_inputs"]

_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


def write_inputs(case: Case, folder: Path, owner: int | None = None) -> None:
    """Write what a build of the case reads: its context, its secrets, other contexts.

    All belongs to `owner` where one is given.
    """
    write_context(folder / "context", case.context, owner)
    write_context(folder / "secrets", case.secrets, owner)
    if case.ignore:
        (folder / "Dockerfile.dockerignore").write_text(case.ignore)
    for name, files in case.contexts.items():
        if isinstance(files, Mapping):
            write_context(folder / "contexts" / name, files, owner)


def build(engine: Engine, case: Case, folder: Path) -> Outcome:
    """The image that an engine makes of a case whose inputs are written, or how it fails."""
    failure = save(engine, case, folder, archive := io.BytesIO())
    return failure or read_saved(archive.getvalue())


def save(engine: Engine, case: Case, folder: Path, output: io.BufferedIOBase) -> Failure | None:
    """Build a case and save the image as `docker save` does; how it failed, or None."""
    tag = f"case:{case.name.lower()}"
    request = BuildRequest(
        case.dockerfile,
        folder / "context",
        ignore_file=folder / "Dockerfile.dockerignore" if case.ignore else None,
        tags=(tag,),
        target=case.target,
        build_args=case.build_args,
        labels=case.labels,
        secrets=tuple(BuildSecret(name, folder / "secrets" / name) for name in case.secrets),
        contexts={
            name: files if isinstance(files, str) else str(folder / "contexts" / name)
            for name, files in case.contexts.items()
        },
        **case.options,
    )
    # The tests' server is on this machine, whatever proxy is set.
    environment = {k: v for k, v in os.environ.items() if k.lower() not in _PROXIES}
    with patch.dict(os.environ, environment, clear=True):
        try:
            for name, text in case.before.items():
                first = BuildRequest(text, folder / "context", tags=(name,))
                engine.build(first, lambda event: None, Cancellation())
            engine.build(request, lambda event: None, Cancellation())
            engine.save([tag], output)
        except ContainerMagicsError as error:
            return Failure.of(error)
    return None
