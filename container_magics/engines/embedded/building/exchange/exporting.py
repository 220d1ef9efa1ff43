"""`--cache-to`: leaving what a build's steps gave for other stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .....distribution import RegistryClient
from .....errors import (
    BuildError,
    ContainerMagicsError,
    InvalidReferenceError,
    UnsupportedError,
    UsageError,
)
from .....oci.digests import digest_of
from .....oci.models import OCI_LAYER_GZIP, OCI_MANIFEST, Descriptor, Manifest, canonical_json
from .....reference import Reference, parse
from ....build_request import CacheExchange
from ....crew import Crew
from ....events import (
    Cancellation,
    Emit,
    Message,
    PullProgress,
    Vertex,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from ...archives.image_files import ImageFiles, LayerBlob
from ...images.departing import Departure
from ...storage.cache import CacheHit
from ..outputs.attributes import Attributes, Compression
from ..outputs.layers import packed_layer
from ..outputs.layout import write_layout
from ..outputs.result import Result
from ..state import INLINE_CACHE, BuildState
from .document import MEDIA_TYPE, steps_document
from .layout import DIFF_ID, CacheLayout, NoSuchCacheError, read_layout

__all__ = ["CacheExports", "Sending", "cache_exports"]


@dataclass(frozen=True, slots=True)
class Sending:
    """What an export to a registry works with: a client, and what ends the build."""

    client: Callable[[], RegistryClient]
    cancel: Cancellation


@dataclass(frozen=True, slots=True)
class _Local:
    """`type=local`: the steps of the result alone, or with `whole` those of all stages."""

    root: Path
    tag: str
    whole: bool
    compression: Compression
    lenient: bool

    @property
    def title(self) -> str:
        return "exporting cache to client directory"

    @property
    def place(self) -> str:
        return str(self.root)

    def write(
        self,
        result: Result,
        steps: Mapping[str, CacheHit],
        _sending: Sending,
        _report: Callable[[PullProgress | Message], None],
    ) -> None:
        chosen = _chosen(steps, result, whole=self.whole)
        known = self._known()
        with result.store.scratch() as scratch:
            layers = [
                self._layer(result, diff_id, known, scratch / str(number))
                for number, diff_id in enumerate(sorted({hit.diff_id for hit in chosen.values()}))
            ]
            files = ImageFiles()
            document = canonical_json(steps_document(chosen))
            files.add_artifact(document, MEDIA_TYPE, layers, self.tag)
            write_layout(files, self.root, result.while_wanted)

    def _known(self) -> CacheLayout | None:
        """What is there already, whose layers need not be compressed again."""
        try:
            return read_layout(self.root, self.tag, "")
        except (NoSuchCacheError, ContainerMagicsError):
            return None

    def _layer(
        self, result: Result, diff_id: str, known: CacheLayout | None, scratch: Path
    ) -> LayerBlob:
        if known is not None and (blob := known.blob(diff_id)) is not None:
            return LayerBlob(known.layers[diff_id], blob)
        store = result.store
        layer = packed_layer(
            store, store.require_layer(diff_id), self.compression, scratch, result.while_wanted
        )
        return replace(layer, descriptor=replace(layer.descriptor, annotations={DIFF_ID: diff_id}))


@dataclass(frozen=True, slots=True)
class _Registry:
    """`type=registry`: the same as an artifact under a name."""

    reference: Reference
    whole: bool
    lenient: bool

    @property
    def title(self) -> str:
        return "exporting cache to registry"

    @property
    def place(self) -> str:
        return self.reference.familiar

    def write(
        self,
        result: Result,
        steps: Mapping[str, CacheHit],
        sending: Sending,
        report: Callable[[PullProgress | Message], None],
    ) -> None:
        chosen = _chosen(steps, result, whole=self.whole)
        diff_ids = sorted({hit.diff_id for hit in chosen.values()})
        document = canonical_json(steps_document(chosen))
        crew = Crew(f"export of the cache to {self.place}", sending.cancel)
        pusher = sending.client().pusher(self.reference, crew.check)
        try:
            there = Departure(result.store, pusher, self.reference, report, crew).push(diff_ids)
            manifest = Manifest(
                Descriptor(MEDIA_TYPE, digest_of(document), len(document)),
                tuple(
                    Descriptor(
                        OCI_LAYER_GZIP,
                        there[diff_id].digest,
                        there[diff_id].size,
                        annotations={DIFF_ID: diff_id},
                    )
                    for diff_id in diff_ids
                ),
            )
            data = canonical_json(manifest.to_json())
            tag = self.reference.tag
            crew.run([lambda: pusher.push_document(document)])
            crew.run([lambda: pusher.put_manifest(data, OCI_MANIFEST, tag)])
        finally:
            crew.dismiss()


def _chosen(steps: Mapping[str, CacheHit], result: Result, *, whole: bool) -> dict[str, CacheHit]:
    """All steps, or those of the result's own layers."""
    own = {layer.diff_id for layer in result.layers}
    return {key: hit for key, hit in steps.items() if whole or hit.diff_id in own}


@dataclass(frozen=True, slots=True)
class CacheExports:
    """What `--cache-to` asks for.

    Attributes:
        outside: directories and registries.
        inline: the image's own configuration is to hold the steps that made its layers.
    """

    outside: tuple[_Local | _Registry, ...]
    inline: bool

    def inlined(self, state: BuildState, steps: Mapping[str, CacheHit]) -> BuildState:
        """The state with what is to be in its configuration."""
        if not self.inline:
            return state
        own = {layer.diff_id for layer in state.layers}
        chosen = {key: hit for key, hit in steps.items() if hit.diff_id in own}
        return replace(state, rest={**state.rest, INLINE_CACHE: steps_document(chosen)})

    def write(
        self, result: Result, steps: Mapping[str, CacheHit], emit: Emit, sending: Sending
    ) -> None:
        """Write the directories and to the registries; each is a step.

        Raises:
            BuildError, PushError: one cannot be written, and `ignore-error` is not set.
        """
        for export in self.outside:
            name = f"{export.title} {export.place}"
            vertex = Vertex(digest_of(name.encode()), export.title, started=time.time())
            emit(vertex)
            try:
                _write(export, result, steps, sending, _reporter(vertex.digest, emit))
            except ContainerMagicsError as error:
                emit(replace(vertex, completed=time.time(), error=error.message))
                result.check()
                if not export.lenient:
                    raise
                emit(VertexWarning(vertex.digest, error.message))
            else:
                emit(replace(vertex, completed=time.time()))


def _write(
    export: _Local | _Registry,
    result: Result,
    steps: Mapping[str, CacheHit],
    sending: Sending,
    report: Callable[[PullProgress | Message], None],
) -> None:
    try:
        export.write(result, steps, sending, report)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BuildError(f"{export.title}: cannot write {export.place}: {reason}") from error


def _reporter(vertex: str, emit: Emit) -> Callable[[PullProgress | Message], None]:
    """Tells of layers below a step."""

    def report(event: PullProgress | Message) -> None:
        if isinstance(event, Message):
            emit(VertexLog(vertex, 2, f"{event.text}\n".encode()))
        else:
            status = f"{event.layer} {event.status}"
            emit(VertexStatus(vertex, status, event.current, event.total))

    return report


def cache_exports(asked: Sequence[CacheExchange], *, inline: bool) -> CacheExports:
    """What `--cache-to` asks for.

    Args:
        asked: as it was written.
        inline: the build argument BUILDKIT_INLINE_CACHE asks for an inline one.

    Raises:
        UsageError: an attribute is missing or makes no sense.
        UnsupportedError: another type than `local`, `registry` and `inline`.
    """
    outside: list[_Local | _Registry] = []
    for each in asked:
        attributes = Attributes(f"--cache-to type={each.type}", each.attributes)
        if each.type == "inline":
            inline = True
            attributes.text("mode")
        elif each.type == "local":
            outside.append(_local(attributes))
        elif each.type == "registry":
            outside.append(_registry(attributes))
        else:
            raise UnsupportedError(
                f"--cache-to type={each.type} is not available on the embedded engine",
                hint="type=registry,ref=NAME, type=local,dest=DIRECTORY and type=inline are.",
            )
        attributes.finish()
    return CacheExports(tuple(outside), inline)


def _local(attributes: Attributes) -> _Local:
    place = attributes.text("dest")
    if not place:
        raise UsageError("local cache exporter requires dest", hint="type=local,dest=DIRECTORY")
    return _Local(
        Path(place).absolute(),
        attributes.text("tag", "latest"),
        _whole("local", attributes),
        attributes.compression(),
        attributes.switch("ignore-error", default=False),
    )


def _registry(attributes: Attributes) -> _Registry:
    name = attributes.text("ref")
    if not name:
        raise UsageError("registry cache exporter requires ref", hint="type=registry,ref=NAME")
    try:
        reference = parse(name).with_default_tag()
    except InvalidReferenceError as error:
        raise UsageError(f"invalid cache-to reference {name}: {error.message}") from error
    if attributes.compression() != Compression("gzip"):
        raise UnsupportedError(
            "--cache-to type=registry: another compression than gzip is not available on the "
            "embedded engine"
        )
    whole = _whole("registry", attributes)
    return _Registry(reference, whole, attributes.switch("ignore-error", default=False))


def _whole(kind: str, attributes: Attributes) -> bool:
    """Whether the steps of all stages are wanted."""
    mode = attributes.text("mode", "min")
    if mode not in ("min", "max"):
        raise UsageError(f"invalid cache export mode: {mode}", hint="It is min or max.")
    for name in ("oci-mediatypes", "image-manifest"):
        if not attributes.switch(name, default=True):
            raise UnsupportedError(
                f"--cache-to type={kind}: {name}=false is not available on the embedded engine"
            )
    return mode == "max"
