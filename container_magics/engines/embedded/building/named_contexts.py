"""Build contexts with a name (`--build-context`): what FROM and `--from=` find before any image.

    a folder ──────────────────┐                      COPY --from reads it where it lies
    a repository, a URL ──fetch┴─► BuildContext ──► one layer, for FROM and RUN --mount
    docker-image://, oci-layout:// ───────────────► an image

Semantics are BuildKit's (`frontend/dockerui/namedcontext.go`). A folder's own `.dockerignore`
applies; what was fetched has none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ....errors import BuildError, InvalidReferenceError
from ....oci.platforms import Platform
from ....oci.tree import Tree
from ....reference import parse
from ...events import Cancellation
from ...sources.git import checkout
from ...sources.git_url import is_git_url
from ...sources.git_url import parse as parse_git
from ...sources.http import download, is_http_url
from ..archives.layouts import load_layout
from ..storage.cache import CacheHit
from ..storage.digests import FileDigests
from ..storage.record import ChunkReader, archive
from ..storage.store import Store
from ..storage.unpack import unpack
from .context import BuildContext
from .copying.found import content_key, find_in_context
from .copying.layout import layout
from .copying.ownership import Owner
from .state import BuildState, now

__all__ = ["DOCKER_IMAGE", "NamedContexts"]

DOCKER_IMAGE = "docker-image://"
_OCI_LAYOUT = "oci-layout://"
_NO_CONTEXTS = ("scratch", "context")


class NamedContexts:
    """The named contexts of one build, fetched when they are first needed.

    Args:
        places: `BuildRequest.contexts`.
        store: holds what they become.
        digests: of files seen before.
        cancel: ends a fetch.
    """

    def __init__(
        self,
        places: Mapping[str, str],
        store: Store,
        digests: FileDigests,
        cancel: Cancellation,
    ) -> None:
        self._places = places
        self._store = store
        self._digests = digests
        self._cancel = cancel
        self._folders: dict[str, BuildContext] = {}
        self._lock = threading.RLock()
        self._stack = ExitStack()

    def __enter__(self) -> NamedContexts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def place(self, name: str) -> str:
        """Where the context is that a name after FROM or `--from=` means, or "": an image's."""
        if not self._places or name in _NO_CONTEXTS:
            return ""
        try:
            name = parse(name).familiar.removesuffix(":latest")
        except InvalidReferenceError:
            return ""
        return self._places.get(name, "")

    def folder(self, name: str) -> BuildContext | None:
        """The files of a context that is no image; None for any other name.

        Raises:
            BuildError: it cannot be fetched.
            SourceNotFoundError: the folder is not there.
        """
        place = self.place(name)
        if not place or place.startswith((DOCKER_IMAGE, _OCI_LAYOUT)):
            return None
        with self._lock:
            if place not in self._folders:
                self._folders[place] = self._open(place)
            return self._folders[place]

    def state(self, name: str, platform: Platform) -> BuildState | None:
        """What a context gives FROM to start with; None for an image that has to be found.

        Raises:
            BuildError: it cannot be fetched, or is no layout, or one without such an image.
            CorruptArchiveError: a layout that is damaged.
        """
        place = self.place(name)
        if place == f"{DOCKER_IMAGE}scratch":
            return BuildState.scratch(platform)
        if place.startswith(_OCI_LAYOUT):
            with self._lock:
                layout_place = place.removeprefix(_OCI_LAYOUT)
                return BuildState.from_image(*load_layout(self._store, layout_place, platform))
        folder = self.folder(name)
        return None if folder is None else self._layer(folder, platform)

    def _layer(self, folder: BuildContext, platform: Platform) -> BuildState:
        """A folder's files as one layer on nothing: from the cache, or made."""
        found = find_in_context(folder, self._digests.during(self._check), ["."])
        content, _ = content_key(found)
        key = f"context:{content}"
        hit = self._store.cache.look_up(key)
        if hit is None:
            pieces = layout(Tree(), found, "/", "/", Owner())
            with self._store.scratch() as directory:
                read = ChunkReader(self._while_wanted(archive(pieces))).read
                diff_id, size = unpack(read, directory, self._store.holding)
                hit = CacheHit(self._store.adopt_layer(directory, diff_id, size).diff_id, now())
            self._store.cache.remember(key, hit)
        (layer,) = self._store.take([hit.diff_id])
        return BuildState.scratch(platform).with_layer(layer, hit.created, "COPY . /")

    def _open(self, place: str) -> BuildContext:
        if not (is_git_url(place, shorthand=True) or is_http_url(place)):
            return BuildContext(Path(place))
        directory = self._stack.enter_context(self._store.scratch()) / "context"
        directory.mkdir()
        if is_git_url(place, shorthand=True):
            url = parse_git(place)
            checkout(url, directory, self._cancel, keep_git_dir=bool(url.keep_git_dir))
        else:
            download(place, directory / "context", self._cancel)
        return BuildContext(directory, Path(os.devnull))

    def _check(self) -> None:
        if self._cancel.cancelled:
            raise BuildError("the build was cancelled")

    def _while_wanted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._check()
            yield chunk
