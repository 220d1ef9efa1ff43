"""The values of `docker build`'s flags, taken apart.

The grammar and the messages are those of buildx (`util/buildflags`).
Paths come out absolute.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...engines.build_request import BuildSecret, SshAgent
from ...errors import InvalidReferenceError, UnsupportedError, UsageError
from ...reference import parse
from ..values import fields

__all__ = ["named_context", "pair", "secret", "ssh"]

_MOST_SECRET = 500 * 1024


def pair(text: str, flag: str) -> tuple[str, str | None]:
    """`NAME=VALUE`, or `NAME` alone with None.

    Raises:
        UsageError: there is no name.
    """
    name, equals, value = text.partition("=")
    if not name:
        raise UsageError(f'invalid argument "{text}" for "{flag}" flag: a name is missing')
    return name, value if equals else None


def secret(text: str) -> BuildSecret:
    """A `--secret`: `id=NAME`, and where it is: `src=FILE`, `env=VARIABLE` or `type=env`.

    With neither it is the environment's variable of that name, or else the file.

    Raises:
        UsageError: it makes no sense, or the file cannot be read.
    """
    name, source, variable, kind = "", "", "", ""
    for field in fields(text):
        key, equals, value = field.partition("=")
        if not equals:
            raise UsageError(
                f"invalid field '{field}' must be a key=value pair",
                hint="Write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE.",
            )
        match key.lower():
            case "id":
                name = value
            case "src" | "source":
                source = value
            case "env":
                variable = value
            case "type" if value in ("file", "env"):
                kind = value
            case "type":
                raise UsageError(f'unsupported secret type "{value}"', hint="It is file or env.")
            case _:
                raise UsageError(
                    f"unexpected key '{key.lower()}' in '{field}'",
                    hint="Known: id, src, env, type.",
                )
    if not name:
        raise UsageError("secret missing ID", hint="Write --secret id=NAME,src=FILE.")
    if kind == "env" and not variable:
        source, variable = "", source
    if not (source or variable):
        in_environment = kind == "env" or (kind != "file" and name in os.environ)
        source, variable = ("", name) if in_environment else (name, "")
    if variable:
        return BuildSecret(name, variable=variable)
    return BuildSecret(name, _secret_file(source))


def _secret_file(source: str) -> Path:
    path = Path(source).absolute()
    try:
        length = path.stat().st_size
    except OSError as error:
        raise UsageError(
            f"failed to stat {source}: {(error.strerror or str(error)).lower()}",
            hint="src= names the file that holds the secret; env= a variable.",
        ) from error
    if not path.is_file():
        raise UsageError(f"secret file {source} is not a file")
    if length > _MOST_SECRET:
        raise UsageError(f"secret {source} too big. max size {_MOST_SECRET // 1024}KB")
    return path


def ssh(text: str) -> SshAgent:
    """A `--ssh`: `default` or another ID, and after `=` a socket, or files of keys.

    Raises:
        UsageError: a path that is not there, or no agent where none is named.
    """
    name, _, value = text.partition("=")
    paths = tuple(Path(part).absolute() for part in value.split(",") if part)
    for path in paths:
        if not path.exists():
            raise UsageError(f"failed to open {path}: no such file or directory")
    if not paths and not os.environ.get("SSH_AUTH_SOCK"):
        raise UsageError(
            "invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set",
            hint="Start an agent (ssh-agent, ssh-add), or name a key: --ssh default=KEYFILE.",
        )
    return SshAgent(name or "default", paths)


def named_context(text: str) -> tuple[str, str]:
    """A `--build-context`: its name as `FROM` finds it, and a place; a folder's is absolute.

    Raises:
        UsageError: no name, a name that is none, or a folder that is not there.
    """
    name, equals, place = text.partition("=")
    if not equals:
        raise UsageError(f"invalid context value: {text}, expected key=value")
    try:
        name = parse(name).familiar.removesuffix(":latest")
    except InvalidReferenceError as error:
        raise UsageError(f"invalid context name {name}: {error.message}") from error
    if "://" in place or place.startswith(("git@", "github.com/")):
        return name, place
    if place.startswith("target:"):
        raise UnsupportedError(
            f"--build-context {text}: only `docker buildx bake` has targets",
            hint="Build it first, and name it: --build-context NAME=docker-image://IMAGE.",
        )
    path = Path(place).absolute()
    if not path.exists():
        raise UsageError(
            f"failed to get build context {name}: stat {place}: no such file or directory"
        )
    if not path.is_dir():
        raise UsageError(f"failed to get build context path {place}: not a directory")
    return name, str(path)
