"""Where a build's context and its Dockerfile come from.

    PATH ─────────────────► the folder; its Dockerfile, or the file of -f
    - with a text ────────► no context; the text is the Dockerfile
    - with an archive ────► unpacked; the Dockerfile is in it, also the file of -f
    URL of a repository ──► checked out; likewise
    URL of an archive ────► fetched and unpacked; likewise
    URL of a text ────────► no context; the text is the Dockerfile

What is fetched or unpacked lies in a folder that is gone after the build, and as with BuildKit no
`.dockerignore` applies to it.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ...engines.build_request import BuildRequest
from ...engines.follow import finish
from ...engines.sources.archive import is_archive, unpack_archive
from ...engines.sources.git import checkout
from ...engines.sources.git_url import is_git_url, parse, redacted
from ...engines.sources.http import download, is_http_url
from ...errors import BuildError, UsageError

__all__ = ["BuildSource", "build_source", "own_ignore_file"]

_HEAD = 1024
_MOST_DOCKERFILE = 2 << 20
_NOWHERE = Path(os.devnull)

Owners = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class BuildSource:
    """A Dockerfile and its context; see `BuildRequest` for the fields."""

    dockerfile: str
    context: Path | None
    origin: str
    ignore_file: Path | None = None
    context_owners: Owners | None = None

    @property
    def is_fetched(self) -> bool:
        """Whether the context is gone after the build."""
        return self.ignore_file == _NOWHERE

    def built_by(self, request: BuildRequest) -> BuildRequest:
        """A request for this to be built."""
        return replace(
            request,
            dockerfile=self.dockerfile,
            context=self.context,
            origin=self.origin,
            ignore_file=self.ignore_file,
            context_owners=self.context_owners,
        )


@contextmanager
def build_source(
    place: str,
    file: str,
    stdin: BinaryIO | None,
    *,
    cell: str | None = None,
    keep_git_dir: bool = False,
) -> Iterator[BuildSource]:
    """What to build, for as long as the build takes.

    Args:
        place: the context as typed: a folder, a URL or `-`.
        file: the value of `-f`, or "".
        stdin: standard input.
        cell: the Dockerfile itself, where it is a cell's.
        keep_git_dir: keep `.git` of a repository.

    Raises:
        UsageError: something of it is not there, or makes no sense.
        BuildError: it cannot be fetched.
        CorruptArchiveError: an archive that is damaged or unsafe.
    """
    with tempfile.TemporaryDirectory(prefix="container-magics-context-") as scratch:
        directory = Path(scratch, "context")
        directory.mkdir()
        if place == "-":
            if file == "-":
                raise UsageError(
                    "invalid argument: can't use stdin for both build context and dockerfile"
                )
            yield _from_input(stdin, file, directory)
            return
        if _is_remote(place):
            text, owners = _fetch(place, directory, keep_git_dir=keep_git_dir)
            if cell is None and file == "-":
                cell = _text(_read(stdin), "-")
            if cell is not None:
                origin = "-" if file == "-" else "cell"
                yield BuildSource(cell, directory, origin, _NOWHERE, owners)
            elif text is not None:
                yield BuildSource(text, None, "Dockerfile")
            elif file.startswith("/"):
                yield BuildSource(_open(Path(file), file), directory, file, _NOWHERE, owners)
            else:
                yield _inside(directory, file, owners)
            return
        context = _local_folder(place)
        if cell is not None:
            yield BuildSource(cell, context, "cell")
        elif file == "-":
            yield BuildSource(_text(_read(stdin), "-"), context, "-")
        else:
            yield _local(context, place, file)


def _local_folder(place: str) -> Path:
    """A local context's folder, absolute.

    Raises:
        UsageError: it is not there, or no folder.
    """
    path = Path(place).absolute()
    if not path.exists():
        raise UsageError(f'unable to prepare context: path "{place}" not found')
    if not path.is_dir():
        raise UsageError(f"unable to prepare context: context must be a directory: {path}")
    return path


# --- local --------------------------------------------------------------------------------------


def _local(context: Path, place: str, file: str) -> BuildSource:
    if is_http_url(file):
        with tempfile.TemporaryDirectory(prefix="container-magics-") as scratch:
            path = Path(scratch, "Dockerfile")
            finish(lambda _, cancel: download(file, path, cancel))
            return BuildSource(_open(path, file), context, file)
    path = Path(file) if file else _default(context)
    shown = file or os.path.normpath(Path(place, path.name))
    return BuildSource(_open(path, shown), context, shown, own_ignore_file(path))


def own_ignore_file(dockerfile: Path) -> Path | None:
    """`NAME.dockerignore` beside a Dockerfile NAME: it beats the context's, if it is there."""
    path = dockerfile.with_name(f"{dockerfile.name}.dockerignore").absolute()
    return path if path.is_file() else None


def _default(context: Path) -> Path:
    """The context's Dockerfile, which may also be written in lower case."""
    path, lower = context / "Dockerfile", context / "dockerfile"
    return lower if lower.is_file() and not path.exists() else path


def _open(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_DOCKERFILE + 1)
    except FileNotFoundError:
        raise UsageError(
            f"failed to read dockerfile: open {shown}: no such file or directory",
            hint="Name it with -f, or start a cell with %%dockerfile.",
        ) from None
    except OSError as error:
        raise UsageError(f"failed to read dockerfile: {shown}: {error.strerror}") from error
    return _text(data, shown)


def _text(data: bytes, shown: str) -> str:
    if len(data) > _MOST_DOCKERFILE:
        raise UsageError(
            f"failed to read dockerfile: {shown} is larger than {_MOST_DOCKERFILE >> 20} MiB"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"failed to read dockerfile: {shown}: {error}") from error


# --- standard input -----------------------------------------------------------------------------


def _read(stdin: BinaryIO | None) -> bytes:
    data = stdin.read(_MOST_DOCKERFILE + 1) if stdin is not None else b""
    if not data.strip():
        raise UsageError(
            "the Dockerfile should come from standard input, but there is none",
            hint="Start the cell with %%docker build: its body is the Dockerfile.",
        )
    return data


def _from_input(stdin: BinaryIO | None, file: str, directory: Path) -> BuildSource:
    head = stdin.read(_HEAD) if stdin is not None else b""
    if stdin is not None and is_archive(head):
        return _inside(directory, file, unpack_archive(_after(head, stdin.read), directory))
    if file:
        raise UsageError(
            "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles",
            hint="Standard input is no archive, so it is the Dockerfile: leave out -f.",
        )
    rest = stdin.read(_MOST_DOCKERFILE) if stdin is not None else b""
    return BuildSource(_text(_read(io.BytesIO(head + rest)), "-"), None, "-")


def _after(head: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """A reader of bytes that were read already, and then of the rest."""
    begun = io.BytesIO(head)
    return lambda count: begun.read(count) or read(count)


# --- from elsewhere -----------------------------------------------------------------------------


def _is_remote(place: str) -> bool:
    if Path(place).is_dir():
        return False
    return is_git_url(place, shorthand=True) or is_http_url(place)


def _fetch(place: str, directory: Path, *, keep_git_dir: bool) -> tuple[str | None, Owners | None]:
    """Fill the directory; the text, where it is no more than a Dockerfile; owners."""
    if is_git_url(place, shorthand=True):
        url = parse(place)
        kept = bool(url.keep_git_dir) or keep_git_dir
        finish(lambda _, cancel: checkout(url, directory, cancel, keep_git_dir=kept))
        return None, None
    path = directory.with_name("fetched")
    finish(lambda _, cancel: download(place, path, cancel))
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not is_archive(head):
            return _open(path, redacted(place)), None
        file.seek(0)
        owners = unpack_archive(file.read, directory)
    path.unlink()
    return None, owners


def _inside(directory: Path, file: str, owners: Owners | None) -> BuildSource:
    """The Dockerfile of an unpacked context; a symlink there leads nowhere outside of it."""
    root = directory.resolve()
    name = file.lstrip("/")
    path = root / name if name else _default(root)
    real = path.resolve()
    if not real.is_relative_to(root):
        raise BuildError(f"failed to read dockerfile: {name} leads out of the build context")
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else name
    return BuildSource(_open(real, shown), directory, shown, _NOWHERE, owners)
