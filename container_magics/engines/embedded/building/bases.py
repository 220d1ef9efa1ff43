"""Where an image comes from: the store, its registry, or a stand-in of the lab.

The registry is always asked before a stand-in is taken, and whoever uses one is told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import copy

from ....distribution import RegistryClient
from ....errors import ExhaustedError, PullError, UnreachableError
from ....lab.aliases import StandIn, in_short, stand_in
from ....oci.platforms import Platform
from ....reference import Reference, parse
from ...events import (
    Cancellation,
    Emit,
    Message,
    PullProgress,
    VertexLog,
    VertexStatus,
    VertexWarning,
)
from ..images.names import find_image_id, look_up
from ..storage.store import Store
from .builder import Base
from .state import BuildState

__all__ = ["ImageSource"]

_SILENT_SECONDS = 300.0


class ImageSource:
    """Finds images for FROM, COPY --from and run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._client: RegistryClient | None = None
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._failures: dict[str, tuple[float, PullError]] = {}

    def close(self) -> None:
        """End connections."""
        if self._client is not None:
            self._client.close()

    def client(self) -> RegistryClient:
        """The client of all registries."""
        with self._lock:
            if self._client is None:
                self._client = RegistryClient()
            return self._client

    def pull(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        cancel: Cancellation,
        platform: Platform | None = None,
    ) -> str:
        """Pull an image from its registry; its ID.

        One for another platform than this machine's gets no name here.

        Raises:
            PullError: which registries were asked, and what they answered.
        """
        from ..images.pulling import pull

        return pull(
            self._store,
            self.client(),
            reference,
            report,
            cancel,
            platform=None if _is_native(platform) else platform,
        )

    def base(
        self,
        name: str,
        platform: Platform,
        vertex: str,
        emit: Emit,
        cancel: Cancellation,
        fresh: bool,
    ) -> Base:
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
            image = None if fresh else self._present(name, platform)
            present = image is not None
            if image is None:
                try:
                    image, present = self.obtain(parse(name), report, stood_in, cancel, platform)
                except PullError as error:
                    raise self._with_hint(error, name, platform) from None
        return Base(self._state(image), present=present)

    def obtain(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        stood_in: Callable[[StandIn, str], None],
        cancel: Cancellation,
        platform: Platform | None = None,
    ) -> tuple[str, bool]:
        """An image that is not in the store: pulled, or if no registry gives it now, a stand-in.

        That is where none answers, or those that do have had enough of this address.

        Args:
            reference: what was asked for.
            report: progress of the pull.
            stood_in: called when a stand-in is taken, with what the registry answered, in short.
            cancel: stops the pull.
            platform: to choose; this machine's by default. Only for that are there stand-ins.

        Returns:
            The image's ID, and whether nothing had to be fetched.

        Raises:
            PullError: neither.
        """
        reference = reference.with_default_tag()
        try:
            return self._pull_once(reference, report, cancel, platform), False
        except (UnreachableError, ExhaustedError) as error:
            chosen = stand_in(reference)
            if chosen is None or not _is_native(platform):
                raise
            image = look_up(self._store, chosen.name)
            if image is None:
                raise type(error)(
                    f"cannot pull {reference.familiar}",
                    answers=error.answers,
                    hint=f"{error.hint}\n{chosen.advice}".strip(),
                ) from error
            stood_in(chosen, in_short(error.answers))
            return image, True

    def _pull_once(
        self,
        reference: Reference,
        report: Callable[[PullProgress | Message], None],
        cancel: Cancellation,
        platform: Platform | None,
    ) -> str:
        """Pull, but don't ask again for some minutes a registry that gave nothing just now."""
        when, failure = self._failures.get(reference.full, (0.0, None))
        if failure is not None and time.monotonic() - when < _SILENT_SECONDS:
            raise copy(failure)
        try:
            return self.pull(reference, report, cancel, platform)
        except (UnreachableError, ExhaustedError) as error:
            self._failures[reference.full] = (time.monotonic(), copy(error))
            raise

    def _present(self, name: str, platform: Platform) -> str | None:
        """The image in the store that a name means there; one by its ID is taken as it is."""
        image = look_up(self._store, name)
        if image is None or image.removeprefix("sha256:").startswith(name.removeprefix("sha256:")):
            return image
        made_for = self._made_for(image)
        return None if made_for is not None and made_for.rank_on(platform) is None else image

    def _made_for(self, image: str) -> Platform | None:
        """The platform of an image in the store, if its configuration says one."""
        made_for = Platform.from_json({"os": "linux", **self._store.images.row(image).config})
        return made_for if made_for.architecture else None

    def _with_hint(self, error: PullError, name: str, platform: Platform) -> PullError:
        """The error, with what could be built on instead."""
        image = look_up(self._store, name)
        made_for = self._made_for(image) if image is not None else None
        if made_for is not None and made_for.rank_on(platform) is None:
            error.hint = f"There is {name} for {made_for} here: --platform {made_for} builds on it."
        return error

    def _state(self, image: str) -> BuildState:
        row = self._store.images.row(find_image_id(self._store, image))
        diff_ids = row.config.get("rootfs", {}).get("diff_ids") or ()
        return BuildState.from_image(row.config, self._store.take(diff_ids))


def _is_native(platform: Platform | None) -> bool:
    return platform is None or platform == Platform.host()
