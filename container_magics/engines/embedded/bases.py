"""Where an image comes from: the store, its registry, or a stand-in of the lab.

The registry is always asked before a stand-in is taken, and whoever uses one is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...errors import UnreachableError
from ...lab.aliases import StandIn, stand_in
from ...reference import Reference, parse
from ...registry import RegistryClient
from ..base import (
    Cancellation,
    Emit,
    Message,
    PullProgress,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from .builder import Base
from .names import find_image_id, look_up
from .state import BuildState
from .store import Store

__all__ = ["ImageSource"]

_UNREACHABLE_SECONDS = 300.0


class ImageSource:
    """Finds images for FROM, COPY --from and run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client: RegistryClient | None = None
        self._locks: dict[str, threading.Lock] = {}
        self._unreachable: dict[str, tuple[float, UnreachableError]] = {}

    def close(self) -> None:
        """End connections."""
        if self._client is not None:
            self._client.close()

    def pull(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        cancel: Cancellation,
    ) -> str:
        """Pull an image from its registry; its ID.

        Raises:
            PullError: which registries were asked, and what they answered.
        """
        from .pulling import pull

        if self._client is None:
            self._client = RegistryClient()
        return pull(self._store, self._client, reference, report, cancel)

    def base(self, name: str, vertex: str, emit: Emit, cancel: Cancellation, fresh: bool) -> Base:
        """An image to build on; see `builder.Bases`.

        Raises:
            PullError: no registry gives it, and the lab has no stand-in prepared.
        """

        def report(event: PullProgress | Message) -> None:
            if isinstance(event, Message):
                emit(VertexLog(vertex, 2, f"{event.text}\n".encode()))
            else:
                emit(
                    VertexStatus(
                        vertex, f"{event.layer} {event.status}", event.current, event.total
                    )
                )

        def stood_in(chosen: StandIn, answer: str) -> None:
            emit(
                VertexWarning(
                    vertex,
                    f"{name}: using a stand-in, not the image itself: {chosen.summary}",
                    answer,
                )
            )

        with self._locks.setdefault(name, threading.Lock()):
            image = None if fresh else look_up(self._store, name)
            present = image is not None
            if image is None:
                image, present = self.obtain(parse(name), report, stood_in, cancel)
        return Base(self._state(image), present=present)

    def obtain(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        stood_in: Callable[[StandIn, str], None],
        cancel: Cancellation,
    ) -> tuple[str, bool]:
        """An image that is not in the store: pulled, or if no registry answers, a stand-in.

        Args:
            reference: what was asked for.
            report: progress of the pull.
            stood_in: called when a stand-in is taken, with what the registry answered.
            cancel: stops the pull.

        Returns:
            The image's ID, and whether nothing had to be fetched.

        Raises:
            PullError: neither.
        """
        reference = reference.with_default_tag()
        try:
            return self._pull_once(reference, report, cancel), False
        except UnreachableError as error:
            chosen = stand_in(reference)
            if chosen is None:
                raise
            image = look_up(self._store, chosen.name)
            if image is None:
                raise UnreachableError(
                    f"cannot pull {reference.familiar}",
                    answers=error.answers,
                    hint=f"{error.hint}\nA stand-in can be built without a registry: "
                    f"container-magics lab prepare {reference.familiar}".strip(),
                ) from error
            stood_in(chosen, "; ".join(f"{host}: {answer}" for host, answer in error.answers))
            return image, True

    def _pull_once(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        cancel: Cancellation,
    ) -> str:
        """Pull, but don't ask again for some minutes a registry that did not answer just now."""
        when, failure = self._unreachable.get(reference.full, (0.0, None))
        if failure is not None and time.monotonic() - when < _UNREACHABLE_SECONDS:
            raise failure
        try:
            return self.pull(reference, report, cancel)
        except UnreachableError as error:
            self._unreachable[reference.full] = (time.monotonic(), error)
            raise

    def _state(self, image: str) -> BuildState:
        row = self._store.image(find_image_id(self._store, image))
        diff_ids = row.config.get("rootfs", {}).get("diff_ids") or ()
        return BuildState.from_image(row.config, self._store.take(diff_ids))
