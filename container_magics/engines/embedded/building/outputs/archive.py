"""`tar`, `oci` and `docker`: the result in one file, or to standard output.

An OCI image layout may also be a directory (`tar=false`); images that are in it already stay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...archives.image_files import ImageFiles, tar_of
from ...storage.record import archive
from .attributes import Compression
from .layers import packed_layer
from .layout import write_layout
from .result import Result
from .whole import whole_file

__all__ = ["ImageArchive", "Tar", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an archive goes: a file, or for `-` a stream."""

    path: Path
    stream: BinaryIO | None

    def __str__(self) -> str:
        return os.fspath(self.path) if self.stream is None else "standard output"

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """What to write it to, front to back."""
        if self.stream is not None:
            yield self.stream
            self.stream.flush()
            return
        with whole_file(self.path) as file:
            yield file


class Tar:
    """Exports the merged file system as a tar."""

    title = "exporting to client tarball"

    def __init__(self, target: Target) -> None:
        self.place = str(target)
        self._target = target

    def write(self, result: Result) -> None:
        """See `Exporter`."""
        with self._target.opened() as file:
            for chunk in result.while_wanted(archive(result.entries())):
                file.write(chunk)


@dataclass
class ImageArchive:
    """Exports an image as an OCI image layout, or as what `docker load` reads.

    Attributes:
        kind: `oci` or `docker`, which has Docker's `manifest.json`.
        target: where to; a directory where `tar` is off.
        names: full names that it bears there.
        compression: of the layers.
        oci_types: media types are the OCI's, and not Docker's.
        tar: one file, and not a directory.
    """

    kind: str
    target: Target
    names: tuple[str, ...]
    compression: Compression
    oci_types: bool
    tar: bool

    @property
    def title(self) -> str:
        """See `Exporter`."""
        return f"exporting to {self.kind} image format"

    @property
    def place(self) -> str:
        """See `Exporter`."""
        return str(self.target)

    def write(self, result: Result) -> None:
        """See `Exporter`."""
        with result.store.scratch() as scratch:
            files = self._files(result, scratch)
            if not self.tar:
                write_layout(files, self.target.path, result.while_wanted)
                return
            with self.target.opened() as file:
                whole = files.docker() if self.kind == "docker" else files.layout()
                for chunk in result.while_wanted(tar_of(whole)):
                    file.write(chunk)

    def _files(self, result: Result, scratch: Path) -> ImageFiles:
        layers = [
            packed_layer(
                result.store, layer, self.compression, scratch / str(number), result.while_wanted
            )
            for number, layer in enumerate(result.layers)
        ]
        files = ImageFiles()
        files.add(result.config, layers, self.names, docker_types=not self.oci_types)
        return files
