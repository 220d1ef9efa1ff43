"""What a build made, as exporters get it; and what an exporter is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .....oci.entries import Entry
from ...archives.rootfs import Opener, merged
from ...storage.epoch import Epoch
from ...storage.store import LayerRow, Store

__all__ = ["Exporter", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a build, whose layers are held while it is exported.

    Attributes:
        layers: lowest first.
        config: the image configuration, whose digest is the image's ID.
        epoch: the build's SOURCE_DATE_EPOCH.
        check: raises when the build was cancelled.
    """

    store: Store
    layers: tuple[LayerRow, ...]
    config: bytes
    epoch: Epoch | None
    check: Callable[[], None]

    def entries(self) -> Iterator[tuple[Entry, Opener]]:
        """The merged file system in tar order; all of it has the epoch's time if there is one."""
        for entry, opener in merged(self.store, self.store.tree(self.layers)):
            if self.epoch is not None:
                yield entry._replace(mtime=self.epoch.seconds), opener
            else:
                yield entry, opener

    def while_wanted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Chunks, until the build is cancelled."""
        for chunk in chunks:
            self.check()
            yield chunk


class Exporter(Protocol):
    """One output."""

    @property
    def title(self) -> str:
        """What BuildKit calls its step."""
        ...

    @property
    def place(self) -> str:
        """Where it writes to, for messages."""
        ...

    def write(self, result: Result) -> None:
        """Write it, whole or not at all.

        Raises:
            BuildError: the build was cancelled, or the destination does not take it.
            StoreError: a layer was changed.
            OSError: it cannot be written.
        """
        ...
