"""`docker images`: which images there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ..engines.base import Engine
from ..engines.images import ImageSummary
from ..errors import UsageError
from ..reference import parse
from ..views import Table, ago, human_size, images_table
from .call import Call, Command
from .grammar import Arguments, Flag, Grammar, nearest, refuse
from .listing import formatted
from .results import Lines

__all__ = ["IMAGES", "short_id"]

_NONE = "<none>"
_HEADINGS = {
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
}


def short_id(image: str) -> str:
    """The first twelve hex digits of an image ID."""
    return image.removeprefix("sha256:")[:12]


def _images(arguments: Arguments, call: Call) -> Table | Lines:
    engine = call.engine
    pattern = arguments.operands[0] if arguments.operands else ""
    chosen = engine.images()
    for text in arguments.all("filter"):
        keep = _filter(text, engine)
        chosen = [image for image in chosen if keep(image)]
    if pattern:
        chosen = [_narrowed(image, pattern) for image in chosen]
        chosen = [image for image in chosen if image.names or image.digests]
        if pattern == "prune" and not chosen:
            raise UsageError(
                "docker images prune lists the images named prune, and there are none",
                hint="To delete dangling images: docker image prune.",
            )
    full = arguments.on("no-trunc")
    rows = [row for image in chosen for row in _rows(image, full=full)]
    if arguments.on("quiet"):
        return Lines(row["ID"] for row in rows)
    lines = formatted(rows, arguments.one("format"), _HEADINGS)
    if lines is not None:
        return lines
    return images_table(chosen, digests=arguments.on("digests"), no_trunc=full)


def _rows(image: ImageSummary, *, full: bool) -> list[dict[str, str]]:
    """One row per name, by the field names of docker's templates."""
    common = {
        "ID": image.id if full else short_id(image.id),
        "CreatedAt": image.created.isoformat(" ", "seconds") if image.created else "N/A",
        "CreatedSince": ago(image.created) if image.created else "N/A",
        "Size": human_size(image.size),
    }
    digests = {name.partition("@")[0]: name.partition("@")[2] for name in image.digests}
    rows = []
    for name in image.names:
        reference = parse(name)
        repository = reference.familiar_name
        digest = digests.get(repository, _NONE)
        rows.append({"Repository": repository, "Tag": reference.tag, "Digest": digest} | common)
    if not rows:
        repository, digest = next(iter(digests.items()), (_NONE, _NONE))
        rows.append({"Repository": repository, "Tag": _NONE, "Digest": digest} | common)
    return rows


def _narrowed(image: ImageSummary, pattern: str) -> ImageSummary:
    """The image with only those names that a REPOSITORY[:TAG] pattern picks."""
    return replace(
        image,
        names=tuple(name for name in image.names if _matches(name, pattern)),
        digests=tuple(name for name in image.digests if _matches(name, pattern)),
    )


def _matches(name: str, pattern: str) -> bool:
    """Whether a familiar name fits, as docker's `reference=` filter does it."""
    reference = parse(name)
    familiar = {reference.familiar_name, reference.familiar, name}
    plain = pattern.removeprefix("docker.io/").removeprefix("library/")
    return any(_match_path(candidate, plain) for candidate in familiar)


def _match_path(name: str, pattern: str) -> bool:
    """Match component by component: a `*` does not cross a slash, as in Go's path.Match."""
    names, patterns = name.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))


def _filter(text: str, engine: Engine) -> Callable[[ImageSummary], bool]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(
            "invalid argument for --filter: bad format of filter (expected name=value)"
        )
    if key == "reference":
        return lambda image: any(_matches(n, value) for n in (*image.names, *image.digests))
    if key == "dangling":
        if value not in ("true", "false", "1", "0"):
            raise UsageError(f"invalid filter 'dangling={value}'", hint="true and false are.")
        return lambda image: (not image.names) == (value in ("true", "1"))
    if key == "label":
        name, has_value, wanted = value.partition("=")
        return lambda image: (
            name in image.labels and (not has_value or image.labels[name] == wanted)
        )
    if key in ("before", "since"):
        return _by_age(key, engine.image(value).summary, engine.images())
    known = ("before", "dangling", "label", "reference", "since")
    near = nearest(key, known)
    raise UsageError(
        f"invalid filter '{key}'",
        hint=f"Did you mean {near}=?" if near else f"These are: {', '.join(known)}.",
    )


def _by_age(
    key: str, pivot: ImageSummary, ordered: Sequence[ImageSummary]
) -> Callable[[ImageSummary], bool]:
    ids = [image.id for image in ordered]
    at = ids.index(pivot.id) if pivot.id in ids else len(ids)
    kept = set(ids[at + 1 :] if key == "before" else ids[:at])
    return lambda image: image.id in kept


IMAGES = Command(
    Grammar(
        "images",
        "[OPTIONS] [REPOSITORY[:TAG]]",
        "List images",
        most=1,
        flags=(
            Flag("all", "show all images", "a"),
            Flag("digests", "show digests"),
            Flag("filter", "reference=, dangling=, label=, before=, since=", "f", "KEY=VALUE"),
            Flag("format", "table, json, or a Go template", "", "FORMAT"),
            Flag("no-trunc", "do not shorten IDs"),
            Flag("quiet", "only show image IDs", "q"),
        ),
        refused=refuse("tree", "The table lists them; images with common layers share them."),
    ),
    _images,
)
