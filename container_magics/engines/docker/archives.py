"""The archives that an engine streams: of an image, of a container, of one path in a container.

Nothing of them is kept. Leaving one early closes its connection, and the engine stops.
"""

from __future__ import annotations

import hashlib
import io
import stat
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, cast

from ...errors import CorruptArchiveError, StoreError
from ...oci.compression import decompressed, is_tar
from ...oci.entries import Entry
from ...oci.members import Member, read_members
from ...oci.tar import BLOCK
from ..images import Image

if TYPE_CHECKING:
    from .engine import DockerEngine

__all__ = ["copied", "exported", "is_file", "reader", "saved", "spooled", "title"]

_CHUNK = 1 << 18
_IN_MEMORY = 8 << 20

_Read = Callable[[int], bytes]


def reader(chunks: Iterator[bytes]) -> Callable[[int], bytes]:
    """A function that gives up to n bytes of the chunks, b"" at their end."""
    rest = memoryview(b"")

    def read(count: int) -> bytes:
        nonlocal rest
        while not rest:
            chunk = next(chunks, None)
            if chunk is None:
                return b""
            rest = memoryview(chunk)
        data = bytes(rest[:count])
        rest = rest[count:]
        return data

    return read


def title(image: Image) -> str:
    """What to call an image in a message: a name, or else its ID."""
    return image.names[0] if image.names else image.id


def is_file(entry: Entry) -> bool:
    """Whether a member is a regular file, and not the archive's end marker."""
    return entry.mode != -1 and entry.kind == stat.S_IFREG


@contextmanager
def saved(engine: DockerEngine, image: Image) -> Iterator[Iterator[tuple[str, _Read]]]:
    """The layers of `docker save`, uncompressed, each with its path in the archive.

    Raises:
        CorruptArchiveError: the archive is damaged or ends early; says in which layer, also for
            what the caller finds while it reads one.
        NotFoundError: the image is gone.
    """
    path = "the beginning"

    def layers(read: _Read) -> Iterator[tuple[str, _Read]]:
        nonlocal path
        for member in read_members(read):
            path = member.entry.path
            if is_file(member.entry) and (layer := _layer(member.read)):
                yield path, layer

    def stream() -> Generator[bytes, None, None]:
        with engine.calling() as api:
            # `save` has no status of its own for an image that is gone.
            api.inspect_image(image.id)
            yield from api.save_tar([image.id])

    with closing(stream()) as chunks:
        try:
            yield layers(reader(chunks))
        except CorruptArchiveError as error:
            raise CorruptArchiveError(
                f"{path} in the engine's archive of {title(image)}: {error.message}"
            ) from error


def _layer(read: _Read) -> _Read | None:
    """A reader of the layer that a blob is, or None for a document."""
    content = decompressed(read)
    head = b""
    while len(head) < BLOCK and (more := content(BLOCK - len(head))):
        head += more
    # An empty layer begins with the end marker.
    if not is_tar(head) and head != bytes(BLOCK):
        return None
    return reader(chain([head], iter(lambda: content(_CHUNK), b"")))


@contextmanager
def exported(engine: DockerEngine, container: str) -> Iterator[Iterator[Member]]:
    """The members of `docker export`."""

    def stream() -> Generator[bytes, None, None]:
        with engine.calling() as api:
            yield from api.export_tar(container)

    with closing(stream()) as chunks:
        yield read_members(reader(chunks))


@contextmanager
def copied(engine: DockerEngine, container: str, path: str) -> Iterator[Member]:
    """What `docker cp` gives for a path: the member itself; of a directory the first one."""

    def stream() -> Generator[bytes, None, None]:
        with engine.calling() as api:
            yield from api.copy_tar(container, f"/{path}")

    with closing(stream()) as chunks:
        yield next(read_members(reader(chunks)))


def spooled(member: Member) -> tuple[BinaryIO, bytes]:
    """A copy of a member's content, on disk where it is large, and its SHA-256.

    Raises:
        StoreError: the disk is full.
    """
    digest = hashlib.sha256()
    small = member.entry.size <= _IN_MEMORY
    try:
        target = cast(BinaryIO, io.BytesIO() if small else tempfile.TemporaryFile())  # noqa: SIM115
        try:
            while data := member.read(_CHUNK):
                digest.update(data)
                target.write(data)
            target.seek(0)
        except BaseException:
            target.close()
            raise
    except OSError as error:
        raise StoreError(f"no room for a copy of /{member.entry.path}: {error}") from error
    return target, digest.digest()
