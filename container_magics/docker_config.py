"""The docker CLI's own folder, and the file `config.json` in it.

It holds credentials, proxies and the current context, each of which has its module here. Others
write to it too: what is not known is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

__all__ = ["config_file", "config_folder", "read_config", "write_config"]

_MAX_BYTES = 8 << 20


def config_folder() -> Path:
    """The docker CLI's own folder: DOCKER_CONFIG, else `~/.docker`."""
    folder = os.environ.get("DOCKER_CONFIG")
    return Path(folder) if folder else Path.home() / ".docker"


def config_file(folder: Path | None = None) -> Path:
    """The path of `config.json` in a folder, by default `config_folder()`."""
    return (folder or config_folder()) / "config.json"


def read_config(path: Path) -> dict[str, Any]:
    """The file's content; an empty one where there is no file, or nothing in it.

    Raises:
        ConfigurationError: it cannot be read, or is no JSON object.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {(error.strerror or str(error)).lower()}",
            hint="it holds docker's configuration: give yourself the right to read it",
        ) from error
    if not data.strip():
        return {}
    try:
        content = json.loads(data.decode()) if len(data) <= _MAX_BYTES else None
        reason = "it is no JSON object"
    except json.JSONDecodeError as error:
        # Its text would quote nothing, but the exception itself holds the file, secrets included.
        content, reason = None, f"line {error.lineno} column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        content, reason = None, "it is no JSON text"
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} is damaged: {reason}",
            hint="it holds docker's configuration: mend it, or move it away",
        )
    return content


def write_config(path: Path, content: dict[str, Any]) -> None:
    """Put the file in place whole, for its owner alone; where it is a link, what it leads to.

    Raises:
        ConfigurationError: it cannot be written; what was there stays.
    """
    data = json.dumps(content, indent="\t", ensure_ascii=False).encode()
    partial = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = path.resolve()
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".config.json.")
        with os.fdopen(handle, "wb") as file:
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(target)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"cannot write {path}: {reason.lower()}",
            hint="it holds docker's configuration; DOCKER_CONFIG names another folder for it",
        ) from error
    finally:
        if partial:
            with contextlib.suppress(FileNotFoundError):
                Path(partial).unlink()
