"""Paths resolved where somebody else knows the symlinks: a tree, a layer in the making, a disk."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MAX_LINKS", "TreeLoopError", "resolve_links"]

MAX_LINKS = 40


class TreeLoopError(Exception):
    """More than 40 symlinks on the way to a path (Linux' ELOOP)."""


def resolve_links(path: str, link_at: Callable[[str], str | None]) -> str:
    """The real path of all of a path, `..` at the root staying there; no slash at either end.

    Args:
        path: with or without a slash in front.
        link_at: the target of the symlink at a real path, None where there is none.

    Raises:
        TreeLoopError: too many symlinks.
    """
    todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            del done[-1:]
            continue
        target = link_at("/".join([*done, part]))
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            raise TreeLoopError(f"too many levels of symbolic links in /{path.lstrip('/')}")
        if target.startswith("/"):
            done.clear()
        todo += [p for p in reversed(target.split("/")) if p not in ("", ".")]
    return "/".join(done)
