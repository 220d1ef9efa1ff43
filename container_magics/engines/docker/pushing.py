"""`docker push` through the engine, its events as ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...distribution.failures import login_line
from ...errors import (
    ContainerMagicsError,
    NotFoundError,
    PushError,
    UsageError,
)
from ...reference import Reference, parse
from ..events import Cancellation, Emit
from .authentication import authentication
from .transferring import NO_ACCESS, transfer, way_through

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["push"]

_NOT_HERE = re.compile(
    r"tag does not exist|does not exist locally|no tags to push|No such image|image not known"
)


def push(
    engine: Connection, name: str, emit: Emit, cancel: Cancellation, *, all_tags: bool
) -> None:
    """Push an image, or all tags of a repository.

    Raises:
        UsageError: the name has a digest, or a tag beside `all_tags`.
        NotFoundError: the engine has no such image.
        PushError: the registry's answer as the engine gives it, or the push was cancelled.
    """
    typed = parse(name)
    if typed.digest:
        raise UsageError("cannot push a digest reference")
    if typed.tag and all_tags:
        raise UsageError("tag can't be used with --all-tags/-a")
    reference = typed if all_tags else typed.with_default_tag()
    sent = authentication(reference.registry)
    transfer(
        engine,
        lambda api: api.push(
            reference.familiar_name,
            tag=reference.tag or None,
            stream=True,
            decode=True,
            auth_config=sent.config,
        ),
        lambda answer: _refused(reference, answer, sent.failure),
        PushError(f"push of {reference.familiar} cancelled"),
        emit,
        cancel,
    )


def _refused(reference: Reference, answer: str, failure: str) -> ContainerMagicsError:
    """What the engine says, told apart by its words: nothing to push, or a registry's "no"."""
    if _NOT_HERE.search(answer):
        return NotFoundError(answer)
    if NO_ACCESS.search(answer):
        hint = (
            f"no credential for {reference.registry} could be had: {failure}"
            if failure
            else f"log in as who may push to {reference.familiar_name}: "
            f"{login_line(reference.registry)}"
        )
        return PushError(answer, answers=((reference.registry, answer),), hint=hint)
    hint = way_through(reference.registry, answer)
    answers = ((reference.registry, answer),)
    return PushError(f"cannot push {reference.familiar}", answers=answers, hint=hint)
