"""`docker pull` through the engine, its events as ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import ExhaustedError, PullError, UnreachableError
from ...reference import Reference, parse
from ..events import Cancellation, Emit, Message
from .authentication import authentication, way_in
from .transferring import NO_ACCESS, transfer, way_through

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["pull"]

_NO_ANSWER = re.compile(
    r"dial tcp|no such host|connection (?:refused|reset)|timeout|deadline exceeded|unreachable"
)
_ENOUGH = re.compile(r"toomanyrequests|too many requests", re.IGNORECASE)


def pull(engine: Connection, name: str, emit: Emit, cancel: Cancellation) -> None:
    """Pull an image; the engine keeps the layers that came whole, also when cancelled.

    Raises:
        PullError: the registry's answer as the engine gives it, or the pull was cancelled.
    """
    typed = parse(name)
    reference = typed.with_default_tag()
    if reference is not typed and reference != typed:
        emit(Message(f"Using default tag: {reference.tag}"))
    sent = authentication(reference.registry)
    transfer(
        engine,
        lambda api: api.pull(
            reference.familiar_name,
            tag=reference.digest or reference.tag,
            stream=True,
            decode=True,
            auth_config=sent.config,
        ),
        lambda answer: _refused(reference, answer, sent.failure),
        PullError(f"pull of {reference.familiar} cancelled"),
        emit,
        cancel,
    )


def _refused(reference: Reference, answer: str, failure: str) -> PullError:
    """What the engine says of a registry, told apart by its words: no answer, or a "no"."""
    kind: type[PullError] = UnreachableError if _NO_ANSWER.search(answer) else PullError
    kind = ExhaustedError if _ENOUGH.search(answer) else kind
    hint = way_through(reference.registry, answer)
    if NO_ACCESS.search(answer):
        hint = way_in(reference.registry, failure)
    answers = ((reference.registry, answer),)
    return kind(f"cannot pull {reference.familiar}", answers=answers, hint=hint)
