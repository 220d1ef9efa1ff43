"""Which exporters a request asks for, and whether the engine keeps the image."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .....errors import BuildError, ContainerMagicsError, UnsupportedError, UsageError
from .....oci.digests import digest_of
from .....reference import parse
from ....build_request import BuildOutput, BuildRequest
from ....events import Emit, Vertex
from ...storage.epoch import Epoch
from ...storage.image_records import ImageRow
from .archive import ImageArchive, Tar, Target
from .attributes import Attributes
from .directory import Directory
from .result import Exporter, Result

__all__ = ["Exports", "exports"]


@dataclass(frozen=True, slots=True)
class Exports:
    """What becomes of a build's result.

    Attributes:
        exporters: write it out, in this order.
        keep: the engine keeps it as an image.
        names: full names that the kept one bears.
    """

    exporters: tuple[Exporter, ...]
    keep: bool
    names: tuple[str, ...]

    def write(self, result: Result, emit: Emit) -> None:
        """Write it out; each exporter is a step.

        Raises:
            BuildError: it cannot be written, or the build was cancelled.
            StoreError: a layer was changed.
        """
        for number, exporter in enumerate(self.exporters):
            digest = digest_of(f"export {number} {exporter.title}".encode())
            vertex = Vertex(digest, exporter.title, started=time.time())
            emit(vertex)
            try:
                _write(exporter, result)
            except ContainerMagicsError as error:
                emit(replace(vertex, completed=time.time(), error=error.message))
                raise
            emit(replace(vertex, completed=time.time()))

    def kept(self, result: Result) -> ImageRow:
        """The image; one that is not to be kept has no name, and the store does not have it."""
        image, size = digest_of(result.config), sum(layer.size for layer in result.layers)
        if not self.keep:
            return ImageRow(image, json.loads(result.config), (), (), size)
        return result.store.images.row(result.store.images.add(result.config, size, self.names))


def _write(exporter: Exporter, result: Result) -> None:
    try:
        exporter.write(result)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BuildError(f"{exporter.title}: cannot write {exporter.place}: {reason}") from error


def exports(request: BuildRequest, epoch: Epoch | None) -> Exports:
    """What the outputs of a request ask for; without any, an image is kept.

    Raises:
        UsageError: an attribute makes no sense, or a destination is missing.
        UnsupportedError: a type or an attribute that is not available.
        InvalidReferenceError: a name that is none.
    """
    tags = _full(request.tags)
    if not request.outputs:
        return Exports((), keep=True, names=tags)
    exporters: list[Exporter] = []
    kept_names: list[str] = []
    keep = False
    for output in request.outputs:
        attributes = Attributes(f"--output type={output.type}", output.attributes)
        written = attributes.text("name")
        names = tags or _full(tuple(written.split(",")) if written else ())
        exporter = _exporter(output, attributes, names, epoch)
        attributes.finish()
        if exporter is not None:
            exporters.append(exporter)
        elif output.type != "cacheonly":
            keep = True
            kept_names += names
    return Exports(tuple(exporters), keep, tuple(dict.fromkeys(kept_names)))


def _full(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(parse(name).with_default_tag().full for name in names)


def _exporter(
    output: BuildOutput, attributes: Attributes, names: tuple[str, ...], epoch: Epoch | None
) -> Exporter | None:
    """What writes an output; None where nothing is written."""
    kind = output.type
    if kind == "registry" or (kind == "image" and attributes.switch("push", default=False)):
        raise UnsupportedError(
            f"--output type={kind}: pushing is not available in a build of the embedded engine",
            hint="`docker push NAME` afterwards does it.",
        )
    if kind == "cacheonly":
        return None
    if kind == "local":
        return Directory(_destination(output))
    if kind == "tar":
        return Tar(Target(_destination(output), output.stream))
    if kind not in ("image", "oci", "docker"):
        raise UsageError(f"unsupported output type {kind}")
    compression = attributes.compression()
    oci_types = attributes.switch("oci-mediatypes", default=kind != "docker")
    tar = attributes.switch("tar", default=True)
    if not attributes.switch("rewrite-timestamp", default=True) and epoch is not None:
        raise UnsupportedError(
            f"--output type={kind},rewrite-timestamp=false is not available on the embedded "
            "engine: with SOURCE_DATE_EPOCH, files are no newer from the start"
        )
    if kind == "image" or (kind == "docker" and output.destination is None and not output.stream):
        return None
    target = Target(_destination(output), output.stream)
    if not tar and output.stream is not None:
        raise UsageError(f"dest cannot be stdout for {kind} exporter")
    oci_types = oci_types or compression.kind == "zstd"
    return ImageArchive(kind, target, names, compression, oci_types, tar)


def _destination(output: BuildOutput) -> Path:
    """Where it goes; `-` for a stream.

    Raises:
        UsageError: nowhere, or to a terminal.
    """
    if output.stream is None and output.destination == Path("-"):
        raise UsageError(
            f"dest file is required for {output.type} exporter. refusing to write to console",
            hint="Name one: dest=FILE.",
        )
    if output.stream is not None:
        return Path("-")
    if output.destination is None:
        raise UsageError(f"dest is required for {output.type} output")
    return output.destination
