"""`docker cp`: files between a container and this machine, by the rules of docker's `pkg/archive`.

A path that ends in `/.` means what is in the directory, one that ends in `/` must be a directory.
What is copied takes the name of a destination that is not there, and goes below one that is a
directory.
"""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass
from pathlib import Path

from ...engines.base import Engine
from ...errors import ContainerMagicsError, NotFoundError, UsageError
from ...views import human_size
from ..call import Call, Command
from ..grammar import Arguments, Flag, Grammar
from .packing import pack, unpack
from .piping import piped

__all__ = ["CP"]


@dataclass(frozen=True, slots=True)
class _Source:
    """What is copied: its real path, what it is called, and whether only its content is meant."""

    path: str
    name: str
    is_directory: bool
    content: bool


@dataclass(frozen=True, slots=True)
class _Target:
    """Where it goes: the real path, and what is there."""

    path: str
    exists: bool = False
    is_directory: bool = False
    asserted: bool = False


def _cp(arguments: Arguments, call: Call) -> None:
    for operand, what in zip(arguments.operands, ("source", "destination"), strict=True):
        if not operand:
            raise UsageError(f"{what} can not be empty")
    (source_container, source), (container, target) = map(_split, arguments.operands)
    if source_container and container:
        raise UsageError("copying between containers is not supported")
    if source_container:
        size = _from_container(source_container, source, target, arguments, call)
    elif container:
        size = _to_container(source, container, target, arguments, call)
    else:
        raise UsageError("must specify at least one container source")
    if size is not None and not arguments.on("quiet"):
        done = f"Successfully copied {human_size(size)} to {arguments.operands[1]}\n"
        call.surface.write(done, 2)


def _split(text: str) -> tuple[str, str]:
    """`CONTAINER:PATH`, or a path of this machine with no container."""
    container, colon, path = text.partition(":")
    if text.startswith(("/", ".")) or not colon:
        return "", text
    if not path:
        raise UsageError(f"{text}: the path in the container is missing")
    return container, path


def _is_content(path: str) -> bool:
    return posixpath.basename(path) == "."


def _is_asserted(path: str) -> bool:
    """Whether a path says that it is a directory."""
    return path.endswith("/") or _is_content(path)


def _placed(source: _Source, target: _Target) -> tuple[str, str]:
    """The directory to unpack in, and what the source is called there; "" is only its content.

    Raises:
        ContainerMagicsError: a directory would replace a file, or a file become a directory.
    """
    if target.exists and target.is_directory:
        return target.path, "" if source.content else source.name
    if target.exists and source.is_directory:
        raise ContainerMagicsError("cannot copy directory")
    if target.asserted and not source.is_directory:
        raise ContainerMagicsError("no such directory")
    directory, name = posixpath.split(target.path)
    return directory, name


# --- from a container ---------------------------------------------------------------------------


def _from_container(
    container: str, path: str, destination: str, arguments: Arguments, call: Call
) -> int | None:
    follow = arguments.on("follow-link")
    source = _source_in(call.engine, container, path, follow=follow)
    if destination == "-":
        output = call.surface.binary_output()
        if output is None:
            raise UsageError(
                "cowardly refusing to copy to a terminal. Name a destination or redirect"
            )
        call.engine.copy_from(container, source.path if follow else path, output)
        output.flush()
        return None
    directory, name = _placed(source, _local_target(destination))
    with piped(lambda tar: call.engine.copy_from(container, source.path, tar)) as tar:
        return unpack(tar, Path(directory), name)


def _source_in(engine: Engine, container: str, path: str, *, follow: bool) -> _Source:
    clean = posixpath.normpath(f"/{path.lstrip('/')}")
    status = engine.path_status(container, clean)
    real = clean
    if stat.S_ISLNK(status.mode) and (follow or _is_asserted(path)):
        real = status.link
        status = engine.path_status(container, real)
    is_directory = stat.S_ISDIR(status.mode)
    if _is_asserted(path) and not is_directory:
        raise ContainerMagicsError(f"{container}:{path}: not a directory")
    name = posixpath.basename(clean)
    return _Source(real, name, is_directory, content=_is_content(path) or not name)


def _local_target(text: str) -> _Target:
    """A destination of this machine; its symlinks are followed."""
    real = Path(os.path.realpath(text))
    if not real.parent.is_dir():
        raise NotFoundError(f'invalid output path: directory "{real.parent}" does not exist')
    if not real.exists():
        return _Target(str(real), asserted=_is_asserted(text))
    if not (real.is_dir() or real.is_file()):
        raise ContainerMagicsError(
            f'invalid output path: "{text}" must be a directory or a regular file: got a device'
        )
    if _is_asserted(text) and not real.is_dir():
        raise ContainerMagicsError(f"{text}: not a directory")
    return _Target(str(real), exists=True, is_directory=real.is_dir())


# --- to a container -----------------------------------------------------------------------------


def _to_container(
    path: str, container: str, destination: str, arguments: Arguments, call: Call
) -> int | None:
    owners = arguments.on("archive")
    target = _target_in(call.engine, container, destination)
    if path == "-":
        if call.stdin is None:
            raise UsageError(
                "the archive should come from standard input, but there is none",
                hint="Name the file or folder: docker cp PATH CONTAINER:PATH.",
            )
        if not target.is_directory:
            raise ContainerMagicsError(
                f'destination "{container}:{destination}" must be a directory'
            )
        call.engine.copy_to(container, target.path, call.stdin, owners=owners)
        return None
    source = _local_source(path, follow=arguments.on("follow-link"))
    directory, name = _placed(source, target)
    sizes: list[int] = []
    with piped(lambda tar: pack(Path(source.path), name, tar, sizes.append)) as tar:
        call.engine.copy_to(container, directory, tar, owners=owners)
    return sum(sizes)


def _target_in(engine: Engine, container: str, path: str) -> _Target:
    """A destination in a container; a symlink there is followed, and what is not there is made."""
    engine.container(container)
    real = posixpath.normpath(f"/{path.lstrip('/')}")
    try:
        status = engine.path_status(container, real)
        if stat.S_ISLNK(status.mode):
            real = status.link
            status = engine.path_status(container, real)
    except NotFoundError:
        return _Target(real, asserted=_is_asserted(path))
    is_directory = stat.S_ISDIR(status.mode)
    if not is_directory and not stat.S_ISREG(status.mode):
        raise ContainerMagicsError(
            f'destination "{container}:{path}" must be a directory or a regular file: got a device'
        )
    if _is_asserted(path) and not is_directory:
        raise ContainerMagicsError(f"{container}:{path}: not a directory")
    return _Target(real, exists=True, is_directory=is_directory)


def _local_source(text: str, *, follow: bool) -> _Source:
    typed = Path(os.path.abspath(text))  # noqa: PTH100 - resolve() would follow links
    asserted = _is_asserted(text)
    real = Path(os.path.realpath(typed)) if follow or asserted else typed
    if not os.path.lexists(real):
        raise NotFoundError(f"lstat {typed}: no such file or directory")
    is_directory = real.is_dir() and not real.is_symlink()
    if asserted and not is_directory:
        raise ContainerMagicsError(f"lstat {typed}: not a directory")
    return _Source(str(real), typed.name, is_directory, content=_is_content(text) or not typed.name)


CP = Command(
    Grammar(
        "cp",
        "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-  or  SRC_PATH|- CONTAINER:DEST_PATH",
        "Copy files/folders between a container and the local filesystem",
        least=2,
        most=2,
        flags=(
            Flag("archive", "files that are copied to a container keep their owners", "a"),
            Flag("follow-link", "always follow a symlink in SRC_PATH", "L"),
            Flag("quiet", "do not say how much was copied", "q"),
        ),
    ),
    _cp,
    reads_input=lambda arguments: arguments.operands[:1] == ("-",),
)
