"""Which of the files below a source are copied: `--parents` and `--exclude`.

Both look at paths relative to a directory, with patterns as `.dockerignore` has them. A directory
is there if itself is chosen, or something in it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from .....dockerfile import IgnoreRules, has_wildcard
from .....errors import SourceNotFoundError
from .found import Found

__all__ = ["Find", "find_with_parents", "without"]

Find = Callable[[Sequence[str]], list[Found]]
"""Gives what sources name in one place: the context, a stage, an image."""

_Below = Callable[[], Iterator[tuple[str, Found]]]


def find_with_parents(find: Find, source: str) -> list[Found]:
    """What a source of `COPY --parents` names, with the directories on the way to it.

    In `above/./path` only those after the dot are kept. In the path, `**` stands for any number of
    directories.

    Args:
        find: in the place that is copied from.
        source: as written, expanded.

    Raises:
        SourceNotFoundError: it has no wildcard, and is not there; or only by way of a symlink,
            which comes out when the directory is read.
        DockerfileError: a malformed pattern.
    """
    above, pivot, path = source.partition("/./")
    if not pivot:
        above, path = "", source
    path = posixpath.normpath(f"/{path}").lstrip("/")
    missing = None
    if not has_wildcard(source):
        find([f"{above}/{path}"])
        missing = SourceNotFoundError(
            f'failed to compute cache key: "/{path}" not found',
            hint="--parents follows no symlink: name the path that it leads to.",
        )
    tops = [replace(top, name="") for top in find([above or "/"]) if top.below is not None]
    if not path:
        return tops
    wanted = IgnoreRules.of([path if path[0] != "!" else f"\\{path}"]).excludes
    return [_only(top, wanted, missing) for top in tops]


def without(found: Found, rules: IgnoreRules) -> Found | None:
    """A source without what `--exclude` names; None if nothing is left of it.

    A file is looked at by its name, a directory by the paths in it.
    """
    if found.below is not None:
        return _only(found, lambda path: not rules.excludes(path))
    return None if rules.excludes(found.name) else found


def _only(
    found: Found, wanted: Callable[[str], bool], missing: SourceNotFoundError | None = None
) -> Found:
    below = found.below
    if below is None:
        return found
    return replace(found, below=partial(_chosen, below, wanted, missing))


def _chosen(
    below: _Below, wanted: Callable[[str], bool], missing: SourceNotFoundError | None
) -> Iterator[tuple[str, Found]]:
    """What is wanted, each after the unwanted directories on the way to it.

    Raises:
        SourceNotFoundError: `missing`, if it is given and nothing is wanted.
    """
    waiting: list[tuple[str, Found]] = []
    for path, item in below():
        while waiting and not path.startswith(f"{waiting[-1][0]}/"):
            waiting.pop()
        if wanted(path):
            missing = None
            for directory, above in waiting:
                yield directory, replace(above, passed=True)
            waiting.clear()
            yield path, item
        elif item.below is not None:
            waiting.append((path, item))
    if missing is not None:
        raise missing
