"""`docker pull` through the engine, its events as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import ContainerMagicsError, EngineUnavailableError, PullError, UnreachableError
from ...reference import Reference, parse
from ..base import Cancellation, Emit, Message, PullProgress

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["pull"]

_NO_ANSWER = re.compile(
    r"dial tcp|no such host|connection (?:refused|reset)|timeout|deadline exceeded|unreachable"
)


def pull(engine: DockerEngine, name: str, emit: Emit, cancel: Cancellation) -> None:
    """Pull an image; the engine keeps the layers that came whole, also when cancelled.

    Raises:
        PullError: the registry's answer as the engine gives it, or the pull was cancelled.
    """
    typed = parse(name)
    reference = typed.with_default_tag()
    if reference is not typed and reference != typed:
        emit(Message(f"Using default tag: {reference.tag}"))
    try:
        with engine.calling(cancel) as api:
            tag = reference.digest or reference.tag
            for event in api.pull(reference.familiar_name, tag=tag, stream=True, decode=True):
                if "error" in event:
                    raise _refused(reference, str(event["error"]))
                emit(_progress(event))
    except PullError:
        raise
    except ContainerMagicsError as error:
        if cancel.cancelled:
            raise PullError(f"pull of {reference.familiar} cancelled") from error
        if isinstance(error, EngineUnavailableError):
            raise
        raise _refused(reference, error.message) from error
    if cancel.cancelled:
        raise PullError(f"pull of {reference.familiar} cancelled")


def _refused(reference: Reference, answer: str) -> PullError:
    """What the engine says of a registry, told apart by its words: no answer, or a "no"."""
    kind = UnreachableError if _NO_ANSWER.search(answer) else PullError
    return kind(f"cannot pull {reference.familiar}", answers=((reference.registry, answer),))


def _progress(event: Mapping[str, Any]) -> Message | PullProgress:
    status, layer = str(event.get("status", "")), str(event.get("id", ""))
    if not layer:
        return Message(status)
    if status.startswith("Pulling from"):
        return Message(f"{layer}: {status}")
    detail = event.get("progressDetail") or {}
    return PullProgress(
        layer, status, int(detail.get("current") or 0), int(detail.get("total") or 0)
    )
