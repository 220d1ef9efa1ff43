"""Names to images: what `alpine`, `alpine:3.18.0`, an ID or its prefix mean in a store."""

from __future__ import annotations

from ....errors import NotFoundError, UsageError
from ....lab.aliases import stand_in
from ....reference import Reference, is_image_id, parse
from ..storage.container_records import ContainerRow
from ..storage.image_records import ImageRow
from ..storage.store import Store

__all__ = [
    "environment_names",
    "find_container",
    "find_image",
    "find_image_id",
    "known_as",
    "look_up",
    "names_image",
]

_DIGITS = 64


def look_up(store: Store, name: str) -> str | None:
    """The ID of the image that a name means, or None. A name beats an ID prefix, as in Docker.

    Raises:
        UsageError: an ID prefix that several images share.
        InvalidReferenceError: neither a name nor an ID.
    """
    if name.startswith("sha256:") or (len(name) == _DIGITS and is_image_id(name)):
        return _by_prefix(store, name)
    reference = parse(name)
    found = store.images.named(_stored(reference))
    if found is None and is_image_id(name):
        return _by_prefix(store, name)
    return found


def _stored(reference: Reference) -> str:
    if reference.digest:
        return f"{reference.name}@{reference.digest}"
    return reference.with_default_tag().full


def _by_prefix(store: Store, prefix: str) -> str | None:
    found = store.images.ids(prefix)
    if len(found) > 1:
        raise UsageError(f"the image ID {prefix} is ambiguous: {len(found)} images begin with it")
    return found[0] if found else None


def known_as(store: Store, name: str) -> str:
    """What a name is called here: the stand-in's own name for an upstream one that no image has.

    For verbs that look at what is here. One that would take the upstream image if it could be had
    asks its registry first, and none that removes an image means another than was named. What is
    no name, or means several images, stays as it is.
    """
    try:
        chosen = stand_in(parse(name)) if look_up(store, name) is None else None
    except UsageError:
        return name
    return name if chosen is None or look_up(store, chosen.name) is None else chosen.name


def names_image(store: Store, name: str, image: str) -> bool:
    """Whether a name, or an ID, means this image now; an upstream name means its stand-in too."""
    try:
        found = look_up(store, known_as(store, name))
    except UsageError:
        return False  # An ID that is gone, or a prefix that several have by now.
    return found == image


def find_image_id(store: Store, name: str) -> str:
    """The ID of the image that a name means.

    Raises:
        NotFoundError: in Docker's words.
    """
    found = look_up(store, name)
    if found is None:
        shown = name if is_image_id(name) else parse(name).with_default_tag().familiar
        raise NotFoundError(f"No such image: {shown}", hint=_nearest(store, shown))
    return found


def find_image(store: Store, name: str) -> ImageRow:
    """The same, with the whole row."""
    return store.images.row(find_image_id(store, name))


def environment_names(store: Store, name: str) -> list[str] | None:
    """The variables that an image sets, or None where it is not in the store."""
    try:
        found = look_up(store, name)
    except UsageError:
        return None  # No name, or no one image: the build says so, with the line.
    if found is None:
        return None
    config = store.images.row(found).config.get("config") or {}
    return [pair.partition("=")[0] for pair in config.get("Env") or ()]


def find_container(store: Store, name: str) -> ContainerRow:
    """A container by name, ID or ID prefix.

    Raises:
        NotFoundError: in Docker's words.
        UsageError: an ID prefix that several containers share.
    """
    rows = store.containers.all()
    exact = [row for row in rows if name in (row.name, row.id)]
    found = exact or [row for row in rows if row.id.startswith(name)]
    if not found:
        raise NotFoundError(f"No such container: {name}")
    if len(found) > 1:
        raise UsageError(
            f"the container ID {name} is ambiguous: {len(found)} containers begin with it"
        )
    return found[0]


def _nearest(store: Store, shown: str) -> str:
    import difflib

    if (own := known_as(store, shown)) != shown:
        return f"Its stand-in is here: {own}"
    names = [parse(full).familiar for full in store.images.names()]
    near = difflib.get_close_matches(shown, names, n=1)
    return f"Did you mean {near[0]}?" if near else ""
