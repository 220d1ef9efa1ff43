"""What a container has become: `docker diff` and `docker commit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....reference import parse
from ...containers import Change, CommitRequest

if TYPE_CHECKING:
    from ..connection import Connection

__all__ = ["changes", "commit"]

_KINDS = "CAD"


def changes(engine: Connection, name: str) -> list[Change]:
    """What is different from a container's image, by path."""
    with engine.calling() as api:
        rows = api.diff(name) or ()
    found = (Change(_KINDS[int(row["Kind"])], str(row["Path"])) for row in rows)
    return sorted(found, key=lambda change: change.path)


def commit(engine: Connection, name: str, request: CommitRequest) -> str:
    """Make an image of a container; its ID."""
    reference = parse(request.reference).with_default_tag() if request.reference else None
    with engine.calling() as api:
        answer = api.commit(
            name,
            repository=reference.familiar_name if reference else None,
            tag=reference.tag if reference else None,
            message=request.message or None,
            author=request.author or None,
            pause=request.pause,
            changes=list(request.changes) or None,
        )
    identifier = str(answer["Id"])
    return identifier if ":" in identifier else f"sha256:{identifier}"
