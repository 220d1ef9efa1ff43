"""What a container's files are: its image's, with what it has changed."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

from ....errors import UsageError
from ....oci.entries import Entry
from ....oci.models import canonical_json
from ....oci.tree import OPAQUE, WHITEOUT, Tree
from ....reference import parse
from ...containers import Change, CommitRequest
from ..archives.rootfs import merged
from ..building.evaluate import apply_changes
from ..building.state import now
from ..snapshots.base import Workspace
from ..storage.content import open_below
from ..storage.record import ChunkReader, archive
from ..storage.store import LayerRow, Store
from ..storage.unpack import unpack

__all__ = ["ContainerFiles"]

_OF_THE_CONTAINER = ("Hostname", "Image", "Tty", "OpenStdin", "StdinOnce")


class ContainerFiles:
    """The files of one container at this moment.

    Args:
        store: has its layers.
        config: its image's configuration.
        layers: of the image, lowest first.
        workspace: what it has changed.
    """

    def __init__(
        self,
        store: Store,
        config: Mapping[str, Any],
        layers: Sequence[LayerRow],
        workspace: Workspace,
    ) -> None:
        self._store = store
        self._config = config
        self._layers = layers
        self._workspace = workspace

    def changes(self) -> list[Change]:
        """See `ContainerVerbs.changes`."""
        base = self._store.tree(self._layers)
        found = []
        for entry in self._workspace.changes():
            directory, _, name = entry.path.rpartition("/")
            if name == OPAQUE:
                continue
            if name.startswith(WHITEOUT):
                path = posixpath.join("/", directory, name.removeprefix(WHITEOUT))
                found.append(Change("D", path))
            else:
                kind = "C" if base.lookup(entry.path) is not None else "A"
                found.append(Change(kind, f"/{entry.path}"))
        return sorted(found, key=lambda change: change.path.split("/"))

    def tree(self) -> Tree:
        """The merged tree."""
        files = self._workspace.files
        return self._store.tree(self._layers).apply(
            files, ((entry, "") for entry in self._workspace.changes())
        )

    def export(self, target: BinaryIO) -> None:
        """See `Engine.export`."""
        for chunk in archive(merged(self._store, self.tree(), self._workspace.files)):
            target.write(chunk)

    def commit(self, detail: Mapping[str, Any], request: CommitRequest) -> str:
        """See `ContainerVerbs.commit`; `detail` is the container's."""
        reference = parse(request.reference).with_default_tag() if request.reference else None
        if reference is not None and reference.digest:
            raise UsageError(f"refusing to create a tag with a digest reference: {reference}")
        with self._store.scratch() as scratch:
            layer = scratch / "layer"
            layer.mkdir()
            members = archive((entry, self._opener(entry)) for entry in self._workspace.changes())
            diff_id, size = unpack(ChunkReader(members).read, layer, self._store.holding)
            row = self._store.adopt_layer(layer, diff_id, size)
        document = self._document(detail, request, row.diff_id)
        names = [reference.full] if reference is not None else []
        return self._store.images.add(
            canonical_json(document), sum(layer.size for layer in (*self._layers, row)), names
        )

    def _opener(self, entry: Entry) -> Callable[[], BinaryIO] | None:
        return (lambda: open_below(self._workspace.files, entry.path)) if entry.size else None

    def _document(
        self, detail: Mapping[str, Any], request: CommitRequest, diff_id: str
    ) -> dict[str, Any]:
        """The image's configuration: the container's, with the changes that are asked for."""
        moment = now()
        old = self._config
        kept = {
            key: value
            for key, value in detail["Config"].items()
            if key not in _OF_THE_CONTAINER and value
        }
        return {
            **{key: old[key] for key in ("architecture", "os", "variant") if key in old},
            "created": moment,
            **({"author": request.author} if request.author else {}),
            "config": apply_changes(kept, request.changes),
            "rootfs": {"type": "layers", "diff_ids": [*old["rootfs"]["diff_ids"], diff_id]},
            "history": [
                *(old.get("history") or ()),
                {
                    "created": moment,
                    "created_by": " ".join([detail["Path"], *detail["Args"]]),
                    **({"author": request.author} if request.author else {}),
                    **({"comment": request.message} if request.message else {}),
                },
            ],
        }
