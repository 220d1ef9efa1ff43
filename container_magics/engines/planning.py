"""What a build request makes of its Dockerfile before anything is built: stages, and advice."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ..dockerfile import Dockerfile, From, IgnoreRules, StageGraph, stage_graph
from ..dockerfile.checks import CheckOptions, Surroundings, Violation, check
from ..errors import DockerfileError
from ..oci.platforms import Platform
from .build_request import BuildRequest

__all__ = ["SOURCE_DATE_EPOCH", "Advice", "advise", "given_args", "plan"]

SOURCE_DATE_EPOCH = "SOURCE_DATE_EPOCH"
"""The build argument that dates a build, which the environment gives where the caller does not."""

_CHECK = "BUILDKIT_DOCKERFILE_CHECK"


def given_args(build_args: Mapping[str, str | None]) -> dict[str, str]:
    """Values of `--build-arg`; one without a value takes the environment's, if that has it.

    SOURCE_DATE_EPOCH takes it unasked, as buildx has it.
    """
    build_args = {SOURCE_DATE_EPOCH: None, **build_args}
    given = {k: os.environ.get(k) if v is None else v for k, v in build_args.items()}
    return {name: value for name, value in given.items() if value is not None}


def plan(
    dockerfile: Dockerfile,
    *,
    build_args: Mapping[str, str | None],
    target: str = "",
    platform: str = "",
    contexts: Collection[str] = (),
) -> StageGraph:
    """The stages of a Dockerfile, and which of them the target needs.

    Args:
        dockerfile: the parsed text.
        build_args: as in `BuildRequest`.
        target: as in `BuildRequest`.
        platform: as in `BuildRequest`; TARGETPLATFORM and its kin follow from it.
        contexts: names of the named contexts.

    Raises:
        DockerfileError: see `dockerfile.stage_graph`.
    """
    return stage_graph(
        dockerfile,
        build_args=given_args(build_args),
        platform_args=_platform_args(platform, _stage(dockerfile, target)),
        target=target,
        contexts=contexts,
    )


def _stage(dockerfile: Dockerfile, target: str) -> str:
    """The name of the stage that is built."""
    names = [i.alias for i in dockerfile.instructions if isinstance(i, From)]
    return target or (names[-1] if names else "")


def _platform_args(platform: str, stage: str = "") -> dict[str, str]:
    host = Platform.host()
    wanted = Platform.parse(platform) if platform else host
    return {
        **_variables("TARGET", wanted),
        "TARGETSTAGE": stage or "default",
        **_variables("BUILD", host),
    }


def _variables(side: str, platform: Platform) -> dict[str, str]:
    return {
        f"{side}PLATFORM": platform.format(),
        f"{side}OS": platform.os,
        f"{side}OSVERSION": platform.os_version,
        f"{side}ARCH": platform.architecture,
        f"{side}VARIANT": platform.variant,
    }


class Advice(NamedTuple):
    """What the build checks say: the rules that are broken, and whether the build fails for it."""

    violations: list[Violation]
    fatal: bool

    @property
    def reason(self) -> str:
        """Why the build fails, in BuildKit's words."""
        rules = dict.fromkeys(violation.rule for violation in self.violations)
        return f"lint violation found for rules: {', '.join(rules)}"


def advise(
    dockerfile: Dockerfile,
    request: BuildRequest,
    environment_of: Callable[[str], Collection[str] | None],
) -> Advice:
    """Check a Dockerfile as its `check` directive says, or BUILDKIT_DOCKERFILE_CHECK does.

    Args:
        dockerfile: the parsed text.
        request: the build it is for.
        environment_of: see `dockerfile.checks.Surroundings`.

    Raises:
        DockerfileError: a directive that makes no sense.
    """
    build_args = given_args(request.build_args)
    options = _check_options(dockerfile, build_args)
    around = Surroundings(
        build_args, _platform_args(request.platform), _ignore_rules(request), environment_of
    )
    violations = check(dockerfile, options, around)
    return Advice(violations, options.error and bool(violations))


def _check_options(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> CheckOptions:
    if _CHECK in build_args:
        return CheckOptions.parse(build_args[_CHECK])
    try:
        return CheckOptions.parse(dockerfile.check)
    except DockerfileError as error:
        lines = dockerfile.text.split("\n")
        starts = (line.lstrip("\ufeff# \t").lower().startswith("check") for line in lines)
        raise DockerfileError(
            error.reason, line=1 + list(starts).index(True), hint=error.hint
        ) from None


def _ignore_rules(request: BuildRequest) -> IgnoreRules | None:
    path = request.ignored_by
    if path is None:
        return None
    return IgnoreRules.parse(path.read_text(encoding="utf-8", errors="replace"))
