"""rmi and image prune, with Docker's rules on what may go."""

from __future__ import annotations

from ....errors import ConflictError
from ....reference import is_image_id, parse
from ...results import PruneReport, Removal
from ..storage.image_records import ImageRow
from ..storage.store import Store
from .names import find_image_id

__all__ = ["prune_images", "remove_image"]


def remove_image(store: Store, name: str, *, force: bool = False, prune: bool = True) -> Removal:
    """Untag an image; with its last name gone, delete it and the layers that only it has.

    Without `prune`, the layers that the build cache knows stay.

    Raises:
        NotFoundError: no such image.
        ConflictError: a container uses it (a running one also with `force`, by ID), or an ID
            stands for an image with several names, without `force`.
    """
    image = store.images.row(find_image_id(store, name), damaged=True)
    by_id = _is_id_of(name, image)
    repositories = {parse(full).name for full in image.names}
    if by_id and len(repositories) > 1 and not force:
        raise ConflictError(
            f"conflict: unable to delete {_short(image.id)} (must be forced) - "
            "image is referenced in multiple repositories"
        )
    names = list(image.names) if by_id else [_full(name, image)]
    last = set(image.names) <= set(names)
    if last:
        _refuse_if_used(
            store, image, name if not by_id else _short(image.id), by_id=by_id, force=force
        )
    if last and not (_running(store, image) and not by_id):
        digests = [f"{parse(full).familiar}" for full in image.digests]
        gone = store.drop_image(image.id, keep_cached=not prune)
        untagged = [*(parse(full).familiar for full in names if full), *digests]
        return Removal(tuple(untagged), (image.id, *(row.diff_id for row in gone)))
    untagged = []
    for full in names:
        untagged += [parse(each).familiar for each in (full, *store.images.drop_name(full))]
    return Removal(tuple(untagged))


def _is_id_of(name: str, image: ImageRow) -> bool:
    if not is_image_id(name) or not image.id.removeprefix("sha256:").startswith(
        name.removeprefix("sha256:")
    ):
        return False
    return name.startswith("sha256:") or parse(name).with_default_tag().full not in image.names


def _full(name: str, image: ImageRow) -> str:
    reference = parse(name).with_default_tag()
    return next((full for full in image.names if full == reference.full), "")


def _running(store: Store, image: ImageRow) -> bool:
    return any(row.image == image.id and row.running for row in store.containers.all())


def _refuse_if_used(store: Store, image: ImageRow, shown: str, *, by_id: bool, force: bool) -> None:
    for row in store.containers.all():
        if row.image != image.id:
            continue
        what = f'repository reference "{shown}"' if not by_id else shown
        if row.running and by_id:
            raise ConflictError(
                f"conflict: unable to delete {shown} (cannot be forced) - "
                f"image is being used by running container {row.id[:12]}"
            )
        if not force:
            must = "must force" if not by_id else "must be forced"
            verb = "remove" if not by_id else "delete"
            using = "running" if row.running and not by_id else "stopped"
            tail = (
                f"container {row.id[:12]} is using its referenced image {_short(image.id)}"
                if not by_id
                else f"image is being used by {using} container {row.id[:12]}"
            )
            raise ConflictError(f"conflict: unable to {verb} {what} ({must}) - {tail}")


def _short(image_id: str) -> str:
    return image_id.removeprefix("sha256:")[:12]


def prune_images(store: Store, *, every: bool = False) -> PruneReport:
    """Delete images that no name and no container needs; with `every`, named ones too."""
    used = {row.image for row in store.containers.all()}
    untagged: list[str] = []
    deleted: list[str] = []
    freed = 0
    for image_id in store.images.ids():
        image = store.images.row(image_id, damaged=True)
        if image_id in used or (image.names and not every):
            continue
        untagged += [parse(full).familiar for full in (*image.names, *image.digests)]
        gone = store.drop_image(image_id)
        deleted += [image_id, *(row.diff_id for row in gone)]
        freed += sum(row.size for row in gone)
    return PruneReport(Removal(tuple(untagged), tuple(deleted)), freed)
