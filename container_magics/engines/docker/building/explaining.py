"""What a failed build means: the builders' words as our errors, with the line and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....errors import (
    BuildError,
    ContainerMagicsError,
    DockerfileError,
    PullError,
    SourceNotFoundError,
    StepFailedError,
    UsageError,
)
from ....reference import parse
from ...events import Vertex
from ..authentication import authentication, way_in
from ..transferring import NO_ACCESS
from .steps import Steps

__all__ = ["explained"]

_PARSE_ERROR = re.compile(r"dockerfile parse error (?:on )?line (\d+): (.*)", re.IGNORECASE)
_EXIT_CODE = re.compile(r"(?:exit code:|returned a non-zero code:|exit status) (\d+)\s*$")
_PREFIXES = re.compile(
    r"^(?:ERROR: |failed to build: |failed to solve: |failed to solve with frontend \S+: "
    r"|failed to create LLB definition: |failed to parse Dockerfile: "
    r"|rpc error: code = \w+ desc = )+"
)
_MISSING_SOURCE = re.compile(
    r"not found|no such file or directory|no source files|failed to compute cache key"
    r"|forbidden path|outside the build context|file does not exist",
    re.IGNORECASE,
)
_FROM = re.compile(r"\[internal\] load metadata for (\S+)|(?:\[[^\]]*\] )?FROM (\S+)")
_FRONTEND = re.compile(r"resolve image config for (?:docker-image://)?(\S+)")
_COMMAND_LINE = re.compile(r"could not parse (?:secrets|ssh): |invalid argument |unknown flag: ")
_NEEDS_BUILDKIT = re.compile(r"the --\w+ option requires BuildKit")


def explained(
    words: Sequence[str],
    steps: Steps,
    failed: Vertex | None,
    *,
    tail: Sequence[str],
    builder: str,
) -> ContainerMagicsError:
    """The error of a build.

    Args:
        words: the builder's own lines that belong to no step; one at least.
        steps: those of the Dockerfile.
        failed: the step that failed, or None where none did.
        tail: the last lines of its output.
        builder: what built, with its version, such as `BuildKit of Docker 20.10.24`.
    """
    text = "\n".join(words)
    if match := _PARSE_ERROR.search(text):
        hint = _newer_syntax(builder) if steps.reason is None else ""
        return steps.error(match[2], int(match[1]), hint=hint)
    message = _PREFIXES.sub("", words[-1])
    if _COMMAND_LINE.match(message):
        return UsageError(message)
    if _NEEDS_BUILDKIT.match(message):
        return steps.error(message, failed.line if failed else 0, hint=_newer_syntax(builder))
    if failed is None:
        return steps.error(message, 0) if steps.reason else DockerfileError(message)
    error = failed.error
    if steps.reason and "unknown instruction" in error.lower():
        return steps.error(error, steps.reason.line)
    if frontend := _FRONTEND.match(failed.name):
        return _not_pulled(
            f"the frontend {frontend[1]}, which `# syntax=` names", frontend[1], error
        )
    if base := _FROM.match(failed.name):
        name = base[1] or base[2]
        return _not_pulled(f"the base image {parse(name).familiar}", name, error)
    if code := _EXIT_CODE.search(error):
        return StepFailedError(
            f"{failed.name} failed with exit code {code[1]}",
            returncode=int(code[1]),
            tail=tail,
            step=failed.name,
            line=failed.line,
        )
    instruction = failed.name.partition("] ")[2].split(" ")[0]
    if instruction in {"COPY", "ADD"} and _MISSING_SOURCE.search(error):
        return SourceNotFoundError(error, step=failed.name, line=failed.line)
    return BuildError(error, step=failed.name, line=failed.line)


def _newer_syntax(builder: str) -> str:
    """What to do where the Dockerfile is right, and the builder does not know it."""
    return (
        f"The {builder} does not know this syntax. A newer Docker does, and the embedded engine "
        "(`%docker context use embedded`); BuildKit also where `# syntax=docker/dockerfile:1` is "
        "the first line and it can be fetched."
    )


def _not_pulled(what: str, name: str, answer: str) -> PullError:
    registry, hint = parse(name).registry, ""
    if NO_ACCESS.search(answer.lower()):
        hint = way_in(registry, authentication(registry).failure)
    return PullError(f"cannot get {what}", answers=((registry, answer),), hint=hint)
