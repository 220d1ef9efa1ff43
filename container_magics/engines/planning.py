"""What a build request makes of its Dockerfile: the stage graph, before anything is built."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..dockerfile import Dockerfile, StageGraph, stage_graph
from ..oci.platforms import Platform

__all__ = ["given_args", "plan"]


def given_args(build_args: Mapping[str, str | None]) -> dict[str, str]:
    """Values of `--build-arg`; one without a value takes the environment's, if that has it."""
    given = {k: os.environ.get(k) if v is None else v for k, v in build_args.items()}
    return {name: value for name, value in given.items() if value is not None}


def plan(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str | None],
    target: str = "",
    platform: str = "",
) -> StageGraph:
    """The stages of a Dockerfile, and which of them the target needs.

    Args:
        dockerfile: the parsed text.
        build_args: as in `BuildRequest`.
        target: as in `BuildRequest`.
        platform: as in `BuildRequest`; TARGETPLATFORM and its kin follow from it.

    Raises:
        DockerfileError: see `dockerfile.stage_graph`.
    """
    host = Platform.host()
    wanted = Platform.parse(platform) if platform else host
    return stage_graph(
        dockerfile,
        build_args=given_args(build_args),
        platform_args={**_variables("TARGET", wanted), **_variables("BUILD", host)},
        target=target,
    )


def _variables(side: str, platform: Platform) -> dict[str, str]:
    return {
        f"{side}PLATFORM": platform.format(),
        f"{side}OS": platform.os,
        f"{side}ARCH": platform.architecture,
        f"{side}VARIANT": platform.variant,
    }
