"""From `docker build`'s command line to a request."""

from __future__ import annotations

from dataclasses import replace

from ...engines.build_request import BuildOutput, BuildRequest, CacheExchange
from ...errors import UnsupportedError
from ...oci.platforms import Platform
from .. import values
from ..grammar import TRUE, Arguments
from . import options
from .flags import check_harmless
from .outputs import caches, output, pushed, pushing

__all__ = ["build_request", "keeps_git_dir"]


def build_request(arguments: Arguments) -> BuildRequest:
    """What the flags ask for, still without a Dockerfile and its context.

    Raises:
        UsageError: a value that makes no sense.
        UnsupportedError: one that is not available, by name.
    """
    check_harmless(arguments)
    request = BuildRequest(
        dockerfile="",
        tags=arguments.all("tag"),
        target=arguments.one("target"),
        build_args=_build_args(arguments),
        labels={
            key: value or ""
            for key, value in (options.pair(text, "--label") for text in arguments.all("label"))
        },
        no_cache=arguments.on("no-cache"),
        no_cache_filter=tuple(
            stage for text in arguments.all("no-cache-filter") for stage in text.split(",") if stage
        ),
        pull=arguments.on("pull"),
        network=_network(arguments.one("network")),
        platform=_platform(arguments.all("platform")),
        contexts=dict(options.named_context(text) for text in arguments.all("build-context")),
        secrets=tuple(options.secret(text) for text in arguments.all("secret")),
        ssh=tuple(options.ssh(text) for text in arguments.all("ssh")),
        add_hosts=values.hosts(arguments.all("add-host"), "docker build"),
        shm_size=values.size(arguments.one("shm-size"), "--shm-size")
        if arguments.given("shm-size")
        else 0,
        ulimits=tuple(values.ulimit(text) for text in arguments.all("ulimit")),
        outputs=tuple(output(text) for text in arguments.all("output") if text),
        cache_from=_caches(arguments.all("cache-from")),
        cache_to=_caches(arguments.all("cache-to")),
    )
    if arguments.on("push"):
        request = replace(request, outputs=pushing(request.outputs))
    pushed(request)
    if arguments.on("load") and request.outputs:
        request = replace(request, outputs=(*request.outputs, BuildOutput("docker")))
    return request


def keeps_git_dir(arguments: Arguments) -> bool:
    """Whether `.git` of a repository is to stay in the context."""
    return _build_args(arguments).get("BUILDKIT_CONTEXT_KEEP_GIT_DIR") in TRUE


def _build_args(arguments: Arguments) -> dict[str, str | None]:
    return dict(options.pair(text, "--build-arg") for text in arguments.all("build-arg"))


def _caches(texts: tuple[str, ...]) -> tuple[CacheExchange, ...]:
    return tuple(cache for text in texts for cache in caches(text))


def _network(name: str) -> str:
    if name not in ("host", "none", "default"):
        raise UnsupportedError(
            f"docker build --network {name} is not available in this version of container-magics",
            hint="host, none and default are.",
        )
    return name


def _platform(texts: tuple[str, ...]) -> str:
    platforms = [name for text in texts for name in text.split(",") if name]
    if len(platforms) > 1:
        raise UnsupportedError(
            f"docker build --platform {','.join(platforms)}: an image for several platforms is "
            "not available in this version of container-magics",
            hint="It would be an index of images. Build for one platform at a time, each with a "
            "tag of its own.",
        )
    if platforms in ([], ["local"]):
        return ""
    Platform.parse(platforms[0])
    return platforms[0]
