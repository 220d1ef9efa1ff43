"""One verb for several names: a failure of one does not keep the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import ContainerMagicsError, NotFoundError
from ..call import Call

__all__ = ["each"]


def each(
    names: Iterable[str],
    call: Call,
    act: Callable[[str], object],
    *,
    forgiving: bool = False,
) -> list[str]:
    """Act on each name, and print those that worked, as typed.

    Args:
        names: in this order.
        call: whose surface prints.
        act: gets a name.
        forgiving: what is not there is only told, as standard error.

    Returns:
        The names that worked.

    Raises:
        ContainerMagicsError: one failed, with its own error, or several, with all their messages.
    """
    done: list[str] = []
    failures: list[ContainerMagicsError] = []
    for name in names:
        try:
            act(name)
        except ContainerMagicsError as error:
            if forgiving and isinstance(error, NotFoundError):
                call.surface.write(f"{error}\n", 2)
            else:
                failures.append(error)
            continue
        done.append(name)
        call.surface.write(f"{name}\n")
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ContainerMagicsError("\n".join(map(str, failures)))
    return done
