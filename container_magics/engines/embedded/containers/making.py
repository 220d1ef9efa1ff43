"""Making a container: from what is asked for to a record in the store."""

from __future__ import annotations

import posixpath
import random
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ....errors import ConflictError, RunError, UsageError
from ....reference import parse
from ...events import Cancellation, Emit, Message
from ...run_request import Mount, RunRequest, Volume
from ..building.bases import ImageSource
from ..building.state import BuildState
from ..images.names import find_container, look_up
from ..storage.container_records import ContainerRow
from ..storage.store import Store
from .description import describe
from .support import refuse_unsupported
from .volumes import Volumes

__all__ = ["Maker", "check_name", "name_taken"]

_ADJECTIVES = (
    "amber", "brisk", "calm", "dapper", "eager", "frosty", "gentle", "hardy", "jolly", "keen",
    "lively", "mellow", "nimble", "patient", "quiet", "rustic", "sunny", "tidy", "upbeat",
    "vivid", "witty", "zesty",
)  # fmt: skip
_NOUNS = (
    "anchor", "barge", "buoy", "capstan", "crane", "deck", "dock", "ferry", "galley", "harbor",
    "helm", "hull", "keel", "lighter", "mast", "pallet", "pier", "quay", "rudder", "sail", "tug",
    "winch",
)  # fmt: skip
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class Maker:
    """Makes the containers of a store.

    Args:
        store: has their images and records.
        source: finds images that are not in the store.
        volumes: the store's.
        rung: what they will run on.
    """

    def __init__(self, store: Store, source: ImageSource, volumes: Volumes, rung: str) -> None:
        self._store = store
        self._source = source
        self._volumes = volumes
        self._rung = rung

    def create(
        self, request: RunRequest, emit: Emit, cancel: Cancellation, *, transient: bool = False
    ) -> ContainerRow:
        """See `ContainerVerbs.create`; one that is `transient` goes when this engine does."""
        if request.name:
            check_name(request.name)
        refuse_unsupported(request, self._rung)
        image = self._image(request.image, emit, cancel)
        config = self._store.images.row(image).config
        layers = tuple(map(self._store.require_layer, config["rootfs"]["diff_ids"]))
        state = BuildState.from_image(config, layers)
        container = secrets.token_hex(32)
        asked = [*request.volumes, *self._declared(request, state.config.get("Volumes") or ())]
        volumes = self._volumes.mounts(asked, self._store.tree(layers), transient=transient)
        try:
            detail = describe(request, image, state, container, volumes)
            _make_sources(request.mounts)
            with self._store.writing("the container"):
                return self._register(request, container, image, detail, transient)
        except BaseException:
            self._volumes.drop_nameless(volumes)
            raise

    def _declared(self, request: RunRequest, paths: Iterable[str]) -> Iterator[Volume]:
        """The volumes that VOLUME asks for; on `chroot` they are directories of the container."""
        if self._rung == "chroot":
            return
        targets = {each.target for each in request.mounts}
        targets |= {each.target for each in request.volumes}
        targets |= {each.target for each in request.tmpfs}
        for path in paths:
            target = posixpath.normpath("/" + path.lstrip("/"))
            if target not in targets and target != "/":
                yield Volume("", target)

    def _image(self, name: str, emit: Emit, cancel: Cancellation) -> str:
        found = look_up(self._store, name)
        if found is not None:
            return found
        reference = parse(name).with_default_tag()
        emit(Message(f"Unable to find image '{reference.familiar}' locally"))
        image, _ = self._source.obtain(
            reference,
            emit,
            lambda chosen, answer: emit(
                Message(
                    f"WARNING: {reference.familiar} is a stand-in, not the image itself: "
                    f"{chosen.summary}. The registry: {answer}"
                )
            ),
            cancel,
        )
        return image

    def _register(
        self,
        request: RunRequest,
        container: str,
        image: str,
        detail: Mapping[str, Any],
        transient: bool,
    ) -> ContainerRow:
        directory = self._store.containers.directory(container, transient=transient)
        taken = {row.name for row in self._store.containers.all()}
        while True:
            name = request.name or _random_name(taken)
            row = ContainerRow(container, name, image, detail, directory, transient)
            directory.mkdir(mode=0o700)
            if self._store.containers.add(row):
                return row
            directory.rmdir()
            if request.name:
                raise name_taken(self._store, request.name)
            taken.add(name)


def check_name(name: str) -> None:
    """Refuse what is no name for a container.

    Raises:
        UsageError: in Docker's words.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )


def name_taken(store: Store, name: str) -> ConflictError:
    """What to say of a name that is another container's."""
    other = find_container(store, name)
    return ConflictError(
        f'Conflict. The container name "/{name}" is already in use by container "{other.id}". '
        "You have to remove (or rename) that container to be able to reuse that name."
    )


def _make_sources(mounts: Sequence[Mount]) -> None:
    """Make the host's directories that `-v` names and that aren't there, as Docker does.

    Raises:
        RunError: one cannot be made, or is not to be made (`--mount`).
    """
    for mount in mounts:
        if not mount.source.exists():
            if not mount.create:
                raise RunError(
                    'invalid mount config for type "bind": '
                    f"bind source path does not exist: {mount.source}",
                    returncode=125,
                )
            try:
                mount.source.mkdir(parents=True)
            except OSError as error:
                raise RunError(
                    f"error while creating mount source path '{mount.source}': {error.strerror}",
                    returncode=125,
                ) from error


def _random_name(taken: set[str]) -> str:
    name = f"{random.choice(_ADJECTIVES)}_{random.choice(_NOUNS)}"  # noqa: S311 - no secret
    return f"{name}_{secrets.token_hex(2)}" if name in taken else name
