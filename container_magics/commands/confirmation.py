"""The question before a prune."""

from __future__ import annotations

from ..errors import UsageError
from .call import Call
from .grammar import Arguments

__all__ = ["confirm"]


def confirm(arguments: Arguments, call: Call, verb: str, which: str) -> None:
    """Ask before a prune, unless it is forced with `-f`.

    Args:
        arguments: of the verb, which has the flag `force`.
        call: whose surface is asked.
        verb: such as `image prune`.
        which: what would be removed, such as `all dangling images`.

    Raises:
        UsageError: the answer was no, or nobody can be asked.
    """
    if arguments.on("force"):
        return
    answer = call.surface.confirm(
        f"WARNING! This will remove {which}.\nAre you sure you want to continue? [y/N] "
    )
    if answer is None:
        raise UsageError(
            f"docker {verb} would remove {which}, and nobody can be asked here",
            hint="Add -f if that is what you want.",
        )
    if not answer:
        raise UsageError(f"{verb} was cancelled")
