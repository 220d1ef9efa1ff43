"""A build's options as a builder of this engine takes them; what it lacks is refused by name."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....errors import UnsupportedError, UsageError
from ...build_request import BuildOutput, BuildRequest, BuildSecret, CacheExchange, Ulimit
from ...planning import given_args

__all__ = ["api_parameters", "check_cli", "cli_words", "refuse"]

FIRST_WITH_LIMITS = 23
"""Docker's first version whose BuildKit does not ignore --shm-size and --ulimit."""

_NEEDS_BUILDX = "this docker program needs the buildx plugin for it"
_INSTALL = "Install the plugin (https://docs.docker.com/go/buildx/)"
_USE_DOCKER = "Use Docker with BuildKit"
_USE_BUILDKIT = (
    "Use BuildKit: have a docker program on PATH that knows it, and no DOCKER_BUILDKIT=0"
)
_OR_EMBEDDED = "or take the embedded engine: `%docker context use embedded`."


def refuse(flag: str, who: str, instead: str) -> UnsupportedError:
    """The error for a flag of `docker build` that `who` cannot honour."""
    return UnsupportedError(f"docker build --{flag}: {who}", hint=f"{instead}, {_OR_EMBEDDED}")


def check_cli(
    request: BuildRequest,
    exported: Sequence[BuildOutput],
    known: frozenset[str],
    *,
    kept: bool,
    buildx: bool,
    server: str,
) -> None:
    """See that a docker CLI and its engine have every option of a build.

    Args:
        request: the build.
        exported: outputs that the builder itself writes.
        known: the flags of the CLI, without dashes.
        kept: whether the engine is to keep an image.
        buildx: whether it is the buildx plugin.
        server: the engine's version.

    Raises:
        UnsupportedError: an option that the CLI or its engine lacks.
        UsageError: a network that BuildKit knows not.
    """
    if not buildx:
        _check_outputs(exported, kept=kept)
        # The engine says it too; but then 20.10's CLI may wait for ever for a session to end.
        if request.network not in ("default", "none", "host"):
            raise UsageError(
                f'network mode "{request.network}" not supported by buildkit',
                hint="--network is default, none or host.",
            )
    options = _options(request, exported, buildx=buildx)
    major = re.match(r"\d+", server)
    is_old = major is not None and int(major[0]) < FIRST_WITH_LIMITS
    for flag, values in options.items():
        if not values:
            continue
        if flag in ("shm-size", "ulimit") and (is_old or flag not in known):
            raise refuse(
                flag,
                f"the BuildKit of Docker {server} ignores it",
                f"Set DOCKER_BUILDKIT=0, use Docker {FIRST_WITH_LIMITS} or later",
            )
        if flag not in known:
            raise refuse(flag, _NEEDS_BUILDX, _INSTALL)


def cli_words(request: BuildRequest, exported: Sequence[BuildOutput], *, buildx: bool) -> list[str]:
    """The words of a docker CLI for the options that not every CLI has.

    Args:
        request: the build, checked by `check_cli`.
        exported: outputs that the builder itself writes.
        buildx: whether it is the buildx plugin.
    """
    words = (
        ["--build-arg", "BUILDKIT_INLINE_CACHE=1"] if any(map(_inline, request.cache_to)) else []
    )
    for flag, values in _options(request, exported, buildx=buildx).items():
        words += [word for value in values for word in (f"--{flag}", value)]
    return words


def _options(
    request: BuildRequest, exported: Sequence[BuildOutput], *, buildx: bool
) -> dict[str, list[str]]:
    return {
        "shm-size": [str(request.shm_size)] if request.shm_size else [],
        "ulimit": [*map(_written, request.ulimits)],
        "add-host": [f"{name}:{address}" for name, address in request.add_hosts.items()],
        "no-cache-filter": list(request.no_cache_filter),
        "build-context": [f"{name}={place}" for name, place in request.contexts.items()],
        "secret": [_secret(secret) for secret in request.secrets],
        "ssh": [
            agent.id + (f"={','.join(map(str, agent.paths))}" if agent.paths else "")
            for agent in request.ssh
        ],
        "output": [_output(output) for output in exported],
        "cache-from": [_cache("from", cache, buildx=buildx) for cache in request.cache_from],
        "cache-to": [
            _cache("to", cache, buildx=buildx) for cache in request.cache_to if not _inline(cache)
        ],
    }


def _check_outputs(exported: Sequence[BuildOutput], *, kept: bool) -> None:
    for output in exported:
        if output.type not in ("local", "tar", "cacheonly"):
            raise refuse(f"output type={output.type}", _NEEDS_BUILDX, _INSTALL)
    if len(exported) + kept > 1:
        raise refuse("output", "more than one needs the buildx plugin", _INSTALL)


def _written(limit: Ulimit) -> str:
    return f"{limit.name}={limit.soft}:{limit.hard}"


def _inline(cache: CacheExchange) -> bool:
    return cache.type == "inline"


def _secret(secret: BuildSecret) -> str:
    """The CLI reads the file or variable itself: a secret is in no command line."""
    place = f"env={secret.variable}" if secret.variable else f"src={secret.file}"
    return _csv([f"id={secret.id}", place])


def _output(output: BuildOutput) -> str:
    destination = [f"dest={output.destination}"] if output.destination else []
    return _csv([f"type={output.type}", *destination, *_pairs(output.attributes)])


def _cache(direction: str, cache: CacheExchange, *, buildx: bool) -> str:
    if buildx:
        return _csv([f"type={cache.type}", *_pairs(cache.attributes)])
    return _image_of(direction, cache, _NEEDS_BUILDX, _INSTALL)


def _image_of(direction: str, cache: CacheExchange, who: str, instead: str) -> str:
    """The image of a cache where only images can be named."""
    if direction == "to" or cache.type != "registry" or set(cache.attributes) != {"ref"}:
        written = _csv([f"type={cache.type}", *_pairs(cache.attributes)])
        raise refuse(f"cache-{direction} {written}", who, instead)
    return cache.attributes["ref"]


def _pairs(attributes: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in attributes.items()]


def _csv(fields: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def api_parameters(request: BuildRequest, dockerfile: str, *, podman: bool) -> dict[str, Any]:
    """The parameters of `POST /build`: the engine's own builder, without BuildKit.

    Args:
        request: the build.
        dockerfile: its path in the context.
        podman: whether the engine is Podman, which reads some of them in its own way.

    Raises:
        UnsupportedError: an option that this builder lacks.
    """
    who = "Podman's API has no such option" if podman else "Docker's classic builder lacks it"
    instead = _USE_DOCKER if podman else _USE_BUILDKIT
    for flag, value in {
        "build-context": request.contexts,
        "no-cache-filter": request.no_cache_filter,
        "secret": request.secrets,
        "ssh": request.ssh,
        "cache-to": request.cache_to,
    }.items():
        if value:
            raise refuse(flag, who, instead)
    hosts = [f"{name}:{address}" for name, address in request.add_hosts.items()]
    limits = [
        _written(limit) if podman else {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard}
        for limit in request.ulimits
    ]
    parameters: dict[str, Any] = {
        "dockerfile": dockerfile,
        "nocache": request.no_cache,
        "pull": request.pull,
        "rm": True,
        "forcerm": True,
        "target": request.target,
        "networkmode": "" if request.network == "default" else request.network,
        "platform": request.platform,
        "shmsize": request.shm_size,
        "extrahosts": json.dumps(hosts) if podman and hosts else hosts,
        "ulimits": limits and json.dumps(limits),
        "labels": request.labels and json.dumps(dict(request.labels)),
        "buildargs": request.build_args and json.dumps(given_args(request.build_args)),
        "cachefrom": request.cache_from
        and json.dumps([_image_of("from", cache, who, instead) for cache in request.cache_from]),
    }
    return {name: value for name, value in parameters.items() if value}
