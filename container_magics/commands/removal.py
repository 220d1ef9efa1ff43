"""Names given and taken: `docker tag`, `rmi`, `image prune`; and `builder prune`."""

from __future__ import annotations

from ..engines.results import PruneReport, Removal
from ..errors import ContainerMagicsError, NotFoundError, UsageError
from ..reference import parse
from ..views import human_size
from .call import Call, Command
from .confirmation import confirm
from .grammar import Arguments, Flag, Grammar, refuse
from .looking import say_if_stand_in

__all__ = ["BUILDER_PRUNE", "PRUNE", "RMI", "TAG"]


def _tag(arguments: Arguments, call: Call) -> None:
    source, target = arguments.operands
    if parse(target).digest:
        raise UsageError("refusing to create a tag with a digest reference")
    call.engine.tag(source, target)
    say_if_stand_in(source, call)


TAG = Command(
    Grammar(
        "tag",
        "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
        "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
        least=2,
        most=2,
    ),
    _tag,
)


def _rmi(arguments: Arguments, call: Call) -> Removal:
    force = arguments.on("force")
    untagged: list[str] = []
    deleted: list[str] = []
    failures: list[ContainerMagicsError] = []
    for name in arguments.operands:
        removal = _remove(name, call, force=force)
        if isinstance(removal, Removal):
            untagged += removal.untagged
            deleted += removal.deleted
            _report(removal, call, "Untagged", "Deleted")
        elif force and isinstance(removal, NotFoundError):
            call.surface.write(f"{removal}\n", 2)
        else:
            failures.append(removal)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ContainerMagicsError("\n".join(map(str, failures)))
    return Removal(tuple(untagged), tuple(deleted))


def _remove(name: str, call: Call, *, force: bool) -> Removal | ContainerMagicsError:
    """Remove one image; a failure is returned, so that the others are still removed."""
    try:
        return call.engine.remove_image(name, force=force)
    except ContainerMagicsError as error:
        return error


def _report(removal: Removal, call: Call, untagged: str, deleted: str) -> None:
    for name in removal.untagged:
        call.surface.write(f"{untagged}: {name}\n")
    for name in removal.deleted:
        call.surface.write(f"{deleted}: {name}\n")


RMI = Command(
    Grammar(
        "rmi",
        "[OPTIONS] IMAGE [IMAGE...]",
        "Remove one or more images",
        least=1,
        most=None,
        flags=(Flag("force", "force the removal", "f"),),
        refused=refuse("no-prune platform"),
    ),
    _rmi,
)


def _prune(arguments: Arguments, call: Call) -> PruneReport:
    every = arguments.on("all")
    images = "images without at least one container associated to them"
    confirm(arguments, call, "image prune", f"all {images if every else 'dangling images'}")
    report = call.engine.prune_images(every=every)
    if report.removal.untagged or report.removal.deleted:
        call.surface.write("Deleted Images:\n")
        _report(report.removal, call, "untagged", "deleted")
        call.surface.write("\n")
    call.surface.write(f"Total reclaimed space: {human_size(report.reclaimed, 4)}\n")
    return report


PRUNE = Command(
    Grammar(
        "image prune",
        "[OPTIONS]",
        "Remove unused images",
        flags=(
            Flag("all", "remove all unused images, not just dangling ones", "a"),
            Flag("force", "do not ask", "f"),
        ),
        refused=refuse("filter", "Without it, all dangling images are removed; see rmi."),
    ),
    _prune,
)


def _prune_builder(arguments: Arguments, call: Call) -> PruneReport:
    every = arguments.on("all")
    cache = "all build cache" if every else "all dangling build cache"
    confirm(arguments, call, "builder prune", cache)
    report = call.engine.prune_build_cache(every=every)
    if report.removal.deleted:
        lines = "\n".join(report.removal.deleted)
        call.surface.write(f"Deleted build cache objects:\n{lines}\n\n")
    call.surface.write(f"Total reclaimed space: {human_size(report.reclaimed, 4)}\n")
    return report


BUILDER_PRUNE = Command(
    Grammar(
        "builder prune",
        "[OPTIONS]",
        "Remove build cache",
        flags=(
            Flag("all", "remove all unused build cache, not just dangling ones", "a"),
            Flag("force", "do not ask", "f"),
        ),
        refused={
            **refuse("filter keep-storage", "Without it, all dangling build cache is removed."),
            **refuse("max-used-space min-free-space reserved-space builder verbose"),
        },
    ),
    _prune_builder,
)
