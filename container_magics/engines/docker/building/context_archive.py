"""The build context as a tar, as builders without BuildKit want it: no more than is named."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from ....dockerfile import IgnoreRules
from ....errors import BuildError
from ...build_request import BuildRequest
from .named_paths import NamedPaths

__all__ = ["context_archive"]

IGNORE_FILE = ".dockerignore"
_EVERYTHING = NamedPaths([""])


def context_archive(request: BuildRequest, named: NamedPaths | None, dockerfile: str) -> BinaryIO:
    """Write the context into an anonymous file, and give it at its start.

    It holds what is named and not ignored, the Dockerfile, and the rules, by which the builder
    leaves out these two.

    Args:
        request: whose context, rules and Dockerfile they are.
        named: what the Dockerfile names; None for everything.
        dockerfile: the path to put the Dockerfile at.

    Raises:
        BuildError: something that is named cannot be read.
        DockerfileError: the rules cannot be read.
    """
    text = ""
    if request.ignored_by is not None:
        text = request.ignored_by.read_text(encoding="utf-8", errors="replace")
    extra = {dockerfile: request.dockerfile, IGNORE_FILE: f"{text}\n{dockerfile}\n"}
    if request.context is None or request.ignored_by != request.context / IGNORE_FILE:
        extra[IGNORE_FILE] += f"{IGNORE_FILE}\n"
    file = tempfile.TemporaryFile(prefix="container-magics-")  # noqa: SIM115 - the caller's
    # GNU's format, for names that are not UTF-8.
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        if request.context is not None:
            context = _Context(request.context, IgnoreRules.parse(text), named or _EVERYTHING)
            for path in context.paths():
                if path not in extra:
                    _add(archive, request.context, path)
        for name, content in extra.items():
            data = content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    file.seek(0)
    return cast(BinaryIO, file)


def _add(archive: tarfile.TarFile, context: Path, path: str) -> None:
    full = context / path
    try:
        member = archive.gettarinfo(full, arcname=path)
        # A socket has none.
        if member is None:
            return
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = int(member.mtime)
        if member.isreg():
            with full.open("rb") as content:
                archive.addfile(member, content)
        else:
            archive.addfile(member)
    except OSError as error:
        raise BuildError(
            f"cannot send {full}: {error.strerror or error}",
            hint="Leave it out of the context by .dockerignore.",
        ) from error


class _Context:
    def __init__(self, root: Path, rules: IgnoreRules, named: NamedPaths) -> None:
        self._root = root
        self._rules = rules
        self._named = named

    def paths(self) -> list[str]:
        """What is named and not ignored; everything where a symlink is, or leads to, a source."""
        found = list(self._below(""))
        if any(self._named.leads_to(path) and (self._root / path).is_symlink() for path in found):
            self._named = _EVERYTHING
            found = list(self._below(""))
        return found

    def _below(self, directory: str) -> Iterator[str]:
        try:
            names = sorted(entry.name for entry in (self._root / directory).iterdir())
        except OSError as error:
            raise BuildError(
                f"cannot read {self._root / directory}: {error.strerror}",
                hint="Leave it out of the context by .dockerignore.",
            ) from error
        for name in names:
            path = f"{directory}/{name}" if directory else name
            full = self._root / path
            is_directory = full.is_dir() and not full.is_symlink()
            is_on_the_way = (is_directory or full.is_symlink()) and self._named.leads_to(path)
            if not (is_on_the_way or self._named.includes(path)):
                continue
            if not self._rules.excludes(path):
                yield path
                if is_directory:
                    yield from self._below(path)
            elif is_directory and self._rules.may_include_below(path):
                inside = list(self._below(path))
                yield from [path, *inside] if inside else ()
