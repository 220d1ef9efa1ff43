"""The build context: only what COPY and ADD name is ever read, and never outside the directory.

Paths are resolved inside the context as BuildKit does: a leading slash means its root, and a
symlink that leads out of it leads nowhere. What `.dockerignore` excludes is not there.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

from ...dockerfile import IgnoreRules, has_wildcard, matches_go_pattern
from ...errors import SourceNotFoundError
from ...oci.tar import Entry

__all__ = ["BuildContext"]

_MAX_LINKS = 40


class BuildContext:
    """A directory, seen through its `.dockerignore`.

    Args:
        root: the directory, or None for an empty context.

    Raises:
        SourceNotFoundError: the directory does not exist.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root.resolve() if root is not None else None
        if self.root is not None and not self.root.is_dir():
            raise SourceNotFoundError(
                f'unable to prepare context: path "{root}" not found',
                hint="The last argument names the build context; `.` is the notebook's directory.",
            )
        self.ignore = IgnoreRules()
        if self.root is not None:
            path = self.root / ".dockerignore"
            if path.is_file():
                self.ignore = IgnoreRules.parse(path.read_text(encoding="utf-8", errors="replace"))

    def full(self, path: str) -> str:
        """Where a context path is on the host."""
        return f"{self.root}/{path}" if path else str(self.root)

    def match(self, source: str) -> list[str]:
        """The context paths that a COPY source means: itself, or what its wildcards match.

        Wildcards may match nothing, as in BuildKit.

        Raises:
            SourceNotFoundError: nothing is there, it is ignored, or it leaves the context; or a
                symlink leads to such a place.
        """
        wanted = _clean(source)
        if self.root is None:
            raise SourceNotFoundError(
                f'failed to compute cache key: "/{wanted}" not found',
                hint="This build has no context; name a directory to COPY from.",
            )
        found = sorted(self._glob(wanted)) if has_wildcard(source) else [wanted]
        for path in found:
            if not self._exists(path):
                raise self._missing(source, path)
        return found

    def _exists(self, path: str) -> bool:
        real = self.resolve(path)
        return (
            real is not None
            and not self._hidden(path)
            and not self._hidden(real)
            and os.path.lexists(self.full(real))
        )

    def _hidden(self, path: str) -> bool:
        return bool(path) and self.ignore.excludes(path) and not self.ignore.may_include_below(path)

    def resolve(self, path: str) -> str | None:
        """The real path of a source inside the context; None where it leads out of it."""
        todo = [part for part in path.split("/")[::-1] if part]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            here = self.full("/".join([*done, part]))
            if os.path.islink(here):
                links += 1
                target = os.readlink(here)
                if links > _MAX_LINKS or target.startswith("/"):
                    return None
                todo += [p for p in target.split("/")[::-1] if p not in ("", ".")]
                continue
            done.append(part)
        return "/".join(done)

    def _missing(self, source: str, wanted: str) -> SourceNotFoundError:
        hint = ""
        plain = source.lstrip("/")
        if posixpath.normpath(plain).startswith(".."):
            hint = (
                "A source can't lie outside the build context: build with a directory further up "
                f"as the context (the last argument), which is now {self.root}."
            )
        elif os.path.islink(self.full(wanted)) and self._hidden(wanted) is False:
            hint = self._bad_link(wanted)
        elif os.path.lexists(self.full(wanted)):
            hint = f"{wanted} is there, but .dockerignore excludes it."
        else:
            hint = f"The build context is {self.root}" + self._nearest(wanted)
        return SourceNotFoundError(f'failed to compute cache key: "/{wanted}" not found', hint=hint)

    def _bad_link(self, wanted: str) -> str:
        real = self.resolve(wanted)
        if real is None:
            return f"{wanted} is a symlink that leads out of the build context {self.root}."
        if os.path.lexists(self.full(real)):
            return f"{wanted} is a symlink to {real}, which .dockerignore excludes."
        return f"{wanted} is a symlink to {real}, which is not there."

    def _nearest(self, wanted: str) -> str:
        import difflib

        parent, _, name = wanted.rpartition("/")
        try:
            names = os.listdir(self.full(parent))
        except OSError:
            return "."
        near = difflib.get_close_matches(name, names, n=1)
        return f"; did you mean {os.path.join(parent, near[0])}?" if near else "."

    def _glob(self, pattern: str) -> Iterator[str]:
        depth = pattern.count("/") + 1
        parts = pattern.split("/")

        def below(directory: str, level: int) -> Iterator[str]:
            try:
                names = os.listdir(self.full(directory))
            except (NotADirectoryError, FileNotFoundError):
                return
            for name in names:
                path = f"{directory}/{name}" if directory else name
                if not matches_go_pattern(parts[level], name) or self._hidden(path):
                    continue
                if level + 1 == depth:
                    yield path
                else:
                    yield from below(path, level + 1)

        return below("", 0)

    def is_directory(self, real: str) -> bool:
        """Whether a resolved path is a directory."""
        return os.path.isdir(self.full(real))

    def walk(self, real: str) -> Iterator[tuple[str, Entry]]:
        """Everything not ignored below a resolved directory: (path relative to it, entry)."""

        def below(directory: str, relative: str) -> Iterator[tuple[str, Entry]]:
            for name in sorted(os.listdir(self.full(directory))):
                path = f"{directory}/{name}" if directory else name
                inner = f"{relative}/{name}" if relative else name
                entry = self.entry(path)
                if self.ignore and self.ignore.excludes(path):
                    if entry.kind == stat.S_IFDIR and self.ignore.may_include_below(path):
                        found = list(below(path, inner))
                        if found:
                            yield inner, entry
                            yield from found
                    continue
                if entry.kind == stat.S_IFSOCK:
                    continue
                yield inner, entry
                if entry.kind == stat.S_IFDIR:
                    yield from below(path, inner)

        return below(real, "")

    def entry(self, real: str) -> Entry:
        """What is at a resolved path; root's and without xattrs, as Docker sends a context."""
        from .record import entry_of

        full = self.full(real)
        return entry_of(real, os.lstat(full), full)._replace(uid=0, gid=0, xattrs={})


def _clean(source: str) -> str:
    """A source as a context path: `..` can't climb above the root (as in BuildKit)."""
    parts: list[str] = []
    for part in source.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/".join(parts)
