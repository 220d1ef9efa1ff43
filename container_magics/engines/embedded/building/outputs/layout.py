"""An OCI image layout as a directory, which may have other images already."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .....errors import CorruptArchiveError
from .....oci.entries import Entry
from .....oci.models import MAX_MANIFEST_SIZE, Descriptor, Index, parse_manifest
from ...archives.image_files import ImageFiles
from .directory import move_into
from .whole import beside

__all__ = ["write_layout"]


def write_layout(
    files: ImageFiles,
    directory: Path,
    while_wanted: Callable[[Iterable[bytes]], Iterator[bytes]],
) -> None:
    """Write a layout, or add to the one that is there.

    Names go from other images of it to these; its content stays.

    Args:
        files: the images.
        directory: is made if it is missing.
        while_wanted: passes chunks on until the work is cancelled.

    Raises:
        CorruptArchiveError: the directory has an `index.json` that is none.
        OSError: it cannot be written.
    """
    directory = directory.resolve()
    directory.parent.mkdir(parents=True, exist_ok=True)
    taken = {tuple(sorted(each.annotations.items())) for each in files.descriptors}
    digests = {each.digest for each in files.descriptors}
    others = [
        each
        for each in _present(directory / "index.json")
        if each.digest not in digests and tuple(sorted(each.annotations.items())) not in taken
    ]
    with beside(directory) as scratch:
        (scratch / "new/blobs/sha256").mkdir(parents=True)
        for path, blob in files.layout(others).items():
            if path.startswith("blobs/") and _is_there(directory / path, blob.size):
                continue
            with (scratch / "new" / path).open("xb") as file:
                for chunk in while_wanted(blob.chunks()):
                    file.write(chunk)
        made = {name: Entry(name, stat.S_IFDIR | 0o755) for name in ("blobs", "blobs/sha256")}
        move_into(scratch / "new", directory, made, scratch)


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _present(path: Path) -> tuple[Descriptor, ...]:
    """What an index names already."""
    try:
        with path.open("rb") as file:
            found = parse_manifest(file.read(MAX_MANIFEST_SIZE + 1))
    except FileNotFoundError:
        return ()
    except CorruptArchiveError as error:
        raise CorruptArchiveError(f"{path}: {error.message}", hint="Name another place.") from error
    if not isinstance(found, Index):
        raise CorruptArchiveError(f"{path}: not an image index", hint="Name another place.")
    return found.manifests
