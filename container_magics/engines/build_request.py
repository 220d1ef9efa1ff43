"""What a build is asked for: the Dockerfile, its context, and every option of `docker build`.

Values are as an engine wants them, already taken apart; how they are written on a command line is
the matter of `commands.building`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "BuildOutput",
    "BuildRequest",
    "BuildSecret",
    "CacheExchange",
    "SshAgent",
    "Ulimit",
]


@dataclass(frozen=True, slots=True)
class BuildSecret:
    """A `--secret`: shown to the RUN steps that ask for it, and kept nowhere.

    Attributes:
        id: what `RUN --mount=type=secret,id=` names.
        file: the file that holds it, or None where `variable` does.
        variable: the environment variable that holds it, or "".
    """

    id: str
    file: Path | None = None
    variable: str = ""


@dataclass(frozen=True, slots=True)
class SshAgent:
    """A `--ssh`: an agent's socket, or private keys, for `RUN --mount=type=ssh`.

    Attributes:
        id: what the mount names; `default` where it names none.
        paths: a socket, or files of keys; none for the agent of SSH_AUTH_SOCK.
    """

    id: str = "default"
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Ulimit:
    """A `--ulimit`: a resource's name as docker has it (`nofile`), its soft and hard limit.

    -1 is no limit.
    """

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class BuildOutput:
    """An `--output`: where the result goes.

    Attributes:
        type: `local`, `tar`, `oci`, `docker`, or `image`, which only keeps it in the engine; so
            does `docker` without a destination. `cacheonly` gives nothing at all.
        destination: the directory or file, or None where the type writes none; `-` is standard
            output, which is `stream`.
        attributes: the rest of what was written, such as `compression`.
        stream: what `-` means: written front to back, and left open.
    """

    type: str
    destination: Path | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    stream: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class CacheExchange:
    """A `--cache-from` or `--cache-to`: `type` (`local`, `inline`, …) and its attributes."""

    type: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build.

    Attributes:
        dockerfile: the Dockerfile's text.
        context: the build context's directory, or None for an empty one.
        ignore_file: rules in place of the context's `.dockerignore`: the Dockerfile's own, or
            `/dev/null` where nothing is ignored, as in a context that was fetched.
        context_owners: UID and GID by path, for a context that came as an archive; None for any
            other, whose files are root's.
        tags: names for the result, as typed.
        target: stage to build; "" for the last.
        build_args: values for ARG; None takes the environment's, as `--build-arg NAME` does.
        labels: added to the result's.
        no_cache: look nothing up in the build cache (results are still stored).
        no_cache_filter: the same for these stages only.
        pull: ask the registry for newer bases even where they are present.
        network: `host`, `none` or `default`, for RUN.
        platform: `os/arch[/variant]`, or "" for this machine's.
        origin: what to call the Dockerfile in messages: its path, or `cell`.
        contexts: `--build-context`: names, to a directory, `docker-image://NAME`,
            `oci-layout://PATH[:TAG]`, or the URL of a git repository or an archive.
        secrets, ssh: for `RUN --mount`.
        add_hosts: host names and addresses for /etc/hosts in RUN.
        shm_size: bytes of /dev/shm in RUN; 0 for the engine's own.
        ulimits: limits of RUN's processes.
        outputs: where the result goes; none keeps it as an image.
        cache_from, cache_to: where to take known steps from, and to leave them for others.
    """

    dockerfile: str
    context: Path | None = None
    ignore_file: Path | None = None
    context_owners: Mapping[str, tuple[int, int]] | None = None
    tags: tuple[str, ...] = ()
    target: str = ""
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    no_cache: bool = False
    no_cache_filter: tuple[str, ...] = ()
    pull: bool = False
    network: str = "default"
    platform: str = ""
    origin: str = "Dockerfile"
    contexts: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[BuildSecret, ...] = ()
    ssh: tuple[SshAgent, ...] = ()
    add_hosts: Mapping[str, str] = field(default_factory=dict)
    shm_size: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    outputs: tuple[BuildOutput, ...] = ()
    cache_from: tuple[CacheExchange, ...] = ()
    cache_to: tuple[CacheExchange, ...] = ()

    @property
    def ignored_by(self) -> Path | None:
        """The file that says what of the context is left out, or None where there is none."""
        if self.ignore_file is not None or self.context is None:
            return self.ignore_file
        path = self.context / ".dockerignore"
        return path if path.is_file() else None
