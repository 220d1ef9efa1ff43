"""The Dockerfile frontend: this one serves `docker/dockerfile`, and there is no other.

BuildKit takes the image that `# syntax=` or BUILDKIT_SYNTAX names as a program that reads the
Dockerfile. Here the built-in one stands for every release of `docker/dockerfile`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ....errors import DockerfileError, InvalidReferenceError, UnsupportedError
from ....reference import parse
from ...events import Emit, VertexWarning

__all__ = ["choose_frontend"]

_SYNTAX = "BUILDKIT_SYNTAX"
_BUILT_IN = "dockerfile.v0"
_MULTI_PLATFORM = "BUILDKIT_MULTI_PLATFORM"
_DIRECTIVE = re.compile(r"\s*(?:#|//)\s*(syntax|escape|check)\s*=\s*(\S.*?)\s*", re.IGNORECASE)
_SERVED = ("docker.io/docker/dockerfile", "docker.io/docker/dockerfile-upstream")


def choose_frontend(text: str, build_args: Mapping[str, str], emit: Emit) -> None:
    """Say that the built-in frontend serves what the Dockerfile asks for, or refuse it.

    Args:
        text: the Dockerfile, which need not be one where it asks for another frontend.
        build_args: BUILDKIT_SYNTAX beats the directive; `dockerfile.v0` is the built-in one.
        emit: gets the advice.

    Raises:
        DockerfileError: it asks for another frontend.
        UnsupportedError: BUILDKIT_MULTI_PLATFORM asks for an index of images.
    """
    if build_args.get(_MULTI_PLATFORM, "").lower() in ("1", "t", "true"):
        raise UnsupportedError(
            f"{_MULTI_PLATFORM}: the embedded engine makes an image, and no index of images",
            hint="Leave it out.",
        )
    found = _directive(text)
    if given := build_args.get(_SYNTAX):
        found = _Directive(given)
    if found is None or found.value == _BUILT_IN:
        return
    name = found.value.split()[0]
    if not _is_served(name):
        raise DockerfileError(
            f"failed to resolve syntax {name}: only the built-in frontend is available",
            line=found.line,
            text=found.text,
            hint="It reads what docker/dockerfile does: leave the directive out, or build with a "
            "Docker engine that has BuildKit.",
        )
    emit(VertexWarning("", f"# syntax={name} is served by the built-in Dockerfile frontend"))


def _is_served(name: str) -> bool:
    try:
        return parse(name).name in _SERVED
    except InvalidReferenceError:
        return False


class _Directive(NamedTuple):
    """A `syntax` directive; line 0 where it is no line of the Dockerfile."""

    value: str
    line: int = 0
    text: str = ""


def _directive(text: str) -> _Directive | None:
    """The `syntax` directive, which may also follow a `#!` line or stand after `//`."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        match = _DIRECTIVE.fullmatch(line)
        if match is None and not (number == 1 and line.startswith("#!")):
            return None
        if match is not None and match[1].lower() == "syntax":
            return _Directive(match[2], number, line.rstrip("\r"))
    return None
