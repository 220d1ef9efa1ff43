"""The build context: only what COPY and ADD name is ever read, and never outside the directory.

Paths are resolved inside the context as BuildKit does: a leading slash means its root, and a
symlink that leads out of it leads nowhere. What `.dockerignore` excludes is not there.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ....dockerfile import IgnoreRules, has_wildcard, matches_go_pattern
from ....errors import SourceNotFoundError
from ....oci.entries import Entry
from ....oci.links import TreeLoopError, resolve_links

__all__ = ["BuildContext"]


class BuildContext:
    """A directory, seen through its `.dockerignore`.

    Args:
        root: the directory, or None for an empty context.
        ignore_file: rules in place of its `.dockerignore`.
        owners: UID and GID by path, for one that was an archive; any other's files are root's.

    Raises:
        SourceNotFoundError: the directory does not exist.
    """

    def __init__(
        self,
        root: Path | None,
        ignore_file: Path | None = None,
        owners: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self.owners = owners
        self.root = root.resolve() if root is not None else None
        if self.root is not None and not self.root.is_dir():
            raise SourceNotFoundError(
                f'unable to prepare context: path "{root}" not found',
                hint="The last argument names the build context; `.` is the notebook's directory.",
            )
        self.ignore = IgnoreRules()
        if self.root is not None:
            path = ignore_file or self.root / ".dockerignore"
            if ignore_file is not None or path.is_file():
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
        found = sorted(self._glob(wanted)) if has_wildcard(wanted) else [wanted]
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
        if not path or not self.ignore.excludes(path):
            return False
        full = self.full(path)
        is_directory = os.path.isdir(full) and not os.path.islink(full)
        return not (is_directory and self.ignore.may_include_below(path))

    def resolve(self, path: str) -> str | None:
        """The real path of a source, symlinks followed as if the context were the root of all.

        None where they go round in a circle.
        """
        try:
            return resolve_links(path, self._link_at)
        except TreeLoopError:
            return None

    def _link_at(self, path: str) -> str | None:
        full = self.full(path)
        return os.readlink(full) if os.path.islink(full) else None

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
            return f"{wanted} is a symlink that leads round in a circle."
        if os.path.lexists(self.full(real)):
            return f"{wanted} is a symlink to {real}, which .dockerignore excludes."
        if not Path(os.path.realpath(self.full(wanted))).is_relative_to(str(self.root)):
            return f"{wanted} is a symlink that leads out of the build context {self.root}."
        return f"{wanted} is a symlink to {real}, which is not there."

    def _nearest(self, wanted: str) -> str:
        import difflib

        parent, _, name = wanted.rpartition("/")
        real = self.resolve(parent)
        try:
            names = os.listdir(self.full(real)) if real is not None else []
        except OSError:
            return "."
        near = difflib.get_close_matches(name, names, n=1)
        return f"; did you mean {os.path.join(parent, near[0])}?" if near else "."

    def _glob(self, pattern: str) -> Iterator[str]:
        """What a pattern matches; symlinks are followed before the first wildcard only."""
        parts = pattern.split("/")
        plain = next(level for level, part in enumerate(parts) if has_wildcard(part))

        def below(directory: str, real: str, level: int) -> Iterator[str]:
            try:
                names = os.listdir(self.full(real))
            except (NotADirectoryError, FileNotFoundError):
                return
            for name in names:
                path = f"{directory}/{name}" if directory else name
                here = f"{real}/{name}" if real else name
                if not matches_go_pattern(parts[level], name) or self._hidden(path):
                    continue
                if level + 1 == len(parts):
                    yield path
                elif not os.path.islink(self.full(here)):
                    yield from below(path, here, level + 1)

        top = "/".join(parts[:plain])
        real = self.resolve(top)
        if real is not None:
            yield from below(top, real, plain)

    def walk(self, real: str) -> Iterator[tuple[str, Entry]]:
        """Everything not ignored below a resolved directory: (path relative to it, entry).

        An ignored directory is there if something in it is.
        """
        waiting: list[tuple[str, Entry]] = []
        stack = [self._children(real, "")]
        while stack:
            path, relative = next(stack[-1], ("", ""))
            if not path:
                stack.pop()
                continue
            while waiting and not relative.startswith(f"{waiting[-1][0]}/"):
                waiting.pop()
            entry = self.entry(path)
            if self.ignore and self.ignore.excludes(path):
                if entry.kind == stat.S_IFDIR and self.ignore.may_include_below(path):
                    waiting.append((relative, entry))
                    stack.append(self._children(path, relative))
                continue
            if entry.kind == stat.S_IFSOCK:
                continue
            yield from waiting
            waiting.clear()
            yield relative, entry
            if entry.kind == stat.S_IFDIR:
                stack.append(self._children(path, relative))

    def _children(self, directory: str, relative: str) -> Iterator[tuple[str, str]]:
        for name in sorted(os.listdir(self.full(directory))):
            yield (
                f"{directory}/{name}" if directory else name,
                f"{relative}/{name}" if relative else name,
            )

    def entry(self, real: str) -> Entry:
        """What is at a resolved path, without xattrs: root's, as Docker sends a context."""
        from ..storage.record import entry_of

        full = self.full(real)
        uid, gid = (self.owners or {}).get(real, (0, 0))
        return entry_of(real, os.lstat(full), full)._replace(uid=uid, gid=gid, xattrs={})


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
