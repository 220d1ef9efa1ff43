"""What the forms of a comparison share: segments of bars, words on a surface, rows of values."""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...analysis.comparison import ComparedImage, Comparison, pull_time
from ...analysis.surface import Packages, Program, SpecialFile, Surface
from ..sizes import share_of
from ..text import visible
from ..units import human_size

__all__ = [
    "BANDWIDTH",
    "MODEL",
    "NODES",
    "VERSIONS",
    "Fact",
    "Segment",
    "base_lines",
    "facts_of",
    "image_row",
    "packages_text",
    "parts_text",
    "programs_text",
    "pull_seconds",
    "pull_text",
    "segments",
    "share_text",
    "together_text",
]

BANDWIDTH = 100
"""Mbit/s that times to pull are given for."""
VERSIONS, NODES = 10, 20
"""N and M that the cost is given for."""
MODEL = (
    "A new version changes the layers that an image has above its base; a node keeps the layers "
    "that versions share once: so N versions on M nodes take "
    "M \N{MULTIPLICATION SIGN} (base + N \N{MULTIPLICATION SIGN} above it) bytes of disk."
)

_LEAST_SHARE = 0.006
_MOST_PATHS = 30
_PATH = 120
_NAME = 60


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar: a layer, or neighbours that are too thin to be seen apart.

    Attributes:
        size: bytes.
        shared: whether other images have these layers as well.
        text: which layers, how large, made by what.
    """

    size: int
    shared: bool
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to say of an image's attack surface, with the paths behind it."""

    name: str
    value: str
    paths: tuple[str, ...] = ()


def segments(image: ComparedImage) -> list[Segment]:
    """The bar of an image, lowest layer first; layers without bytes are in none."""
    groups: list[list[int]] = []
    layers = image.layers
    thin = [layer.size < _LEAST_SHARE * image.size for layer in layers]
    for at, layer in enumerate(layers):
        if not layer.size:
            continue
        before = groups[-1][-1] if groups else None
        if (
            before is not None
            and thin[at]
            and thin[before]
            and layers[before].shared == layer.shared
        ):
            groups[-1].append(at)
        else:
            groups.append([at])
    made = []
    for group in groups:
        chosen = [layers[at] for at in group]
        size = sum(layer.size for layer in chosen)
        which = (
            f"layer {chosen[0].number}: {human_size(size)}"
            if len(chosen) == 1
            else f"{len(chosen)} small layers: {human_size(size)}"
        )
        others = list(dict.fromkeys(other for layer in chosen for other in layer.shared_with))
        if others:
            which += f", shared with {', '.join(visible(other, 60) for other in others[:5])}"
        if len(chosen) == 1:
            which += f": {visible(chosen[0].instruction, 80)}"
        made.append(Segment(size, chosen[0].shared, which))
    return made


def facts_of(surface: Surface) -> list[Fact]:
    """An image's attack surface in words."""
    return [
        Fact("Shell", programs_text(surface.shells), _paths(surface.shells)),
        Fact(
            "Package manager",
            programs_text(surface.package_managers),
            _paths(surface.package_managers),
        ),
        Fact("Packages", packages_text(surface.packages)),
        Fact("Set-UID files", _count(surface.set_uid), _special(surface.set_uid)),
        Fact("Set-GID files", _count(surface.set_gid), _special(surface.set_gid)),
        Fact("Runs as", visible(surface.user, 60)),
    ]


def programs_text(programs: Sequence[Program]) -> str:
    """Such as `bash, sh`, or `busybox; ash, sh as applets of busybox`; `none` without any."""
    names: dict[str, list[str]] = {}
    for program in programs:
        known = names.setdefault(program.applet_of, [])
        if program.name not in known:
            known.append(program.name)
    texts = [", ".join(names.pop("", []))]
    texts += [f"{', '.join(found)} as applets of {whose}" for whose, found in names.items()]
    return "; ".join(text for text in texts if text) or "none"


def packages_text(packages: Packages) -> str:
    """Such as `171 (dpkg)`."""
    if not packages.database:
        return "none recorded"
    count = "unknown" if packages.count is None else f"{packages.count:,}"
    return f"{count} ({packages.database})"


def pull_seconds(seconds: float) -> str:
    """Seconds as the front end writes them: minutes and hours where there are many."""
    if seconds < 120:
        return f"{seconds:.2f}s" if seconds < 0.095 else f"{seconds:.1f}s"
    return f"{seconds / 60:.0f}min" if seconds < 7200 else f"{seconds / 3600:.1f}h"


def together_text(comparison: Comparison) -> str:
    """What all of them take on one node."""
    together, apart = comparison.together, comparison.apart
    count = len(comparison.images)
    whose = {1: "On one node", 2: "Both together on one node"}
    text = f"{whose.get(count, f'All {count} together on one node')}: {human_size(together)}"
    if count == 1:
        return text
    if apart > together:
        return f"{text}, shared layers once ({human_size(apart)} if nothing were shared)"
    shared = any(layer.shared for image in comparison.images for layer in image.layers)
    return f"{text}; {'the layers that they share are empty' if shared else 'they share no layers'}"


def pull_text(image: ComparedImage) -> str:
    """Such as `308MB to pull, estimated`."""
    size, measured = image.transfer
    return f"{human_size(size)} to pull, {'measured' if measured else 'estimated'}"


def parts_text(image: ComparedImage) -> str:
    """How many layers an image has, and what of them others have as well."""
    shared = sum(layer.shared for layer in image.layers)
    text = f"{len(image.layers)} layer" + ("" if len(image.layers) == 1 else "s")
    return f"{text}, {shared} shared ({human_size(image.shared_size)})" if shared else text


def share_text(image: ComparedImage, comparison: Comparison) -> str:
    """What part of the largest image, where that is much larger."""
    share = share_of(image.size, max(each.size for each in comparison.images))
    return f"{share} of the largest" if share else ""


def base_lines(image: ComparedImage) -> list[str]:
    """What stays from version to version, and what changes."""
    base, own = image.base, human_size(image.own_size)
    if not base.name:
        return [f"no base: {own} in each version"]
    return [f"{human_size(base.size)} base: {visible(base.name, _NAME)}", f"{own} above it"]


def image_row(
    image: ComparedImage, comparison: Comparison, reference: Mapping[str, int]
) -> dict[str, Any]:
    """All values of an image: bytes, seconds, numbers, texts."""
    surface, transfer = image.surface, image.transfer
    return {
        "name": image.label,
        "id": image.id,
        "size": image.size,
        "share": share_of(image.size, max(each.size for each in comparison.images)),
        "reference": reference.get(image.label),
        "layers": len(image.layers),
        "shared_layers": sum(layer.shared for layer in image.layers),
        "shared_size": image.shared_size,
        "transfer": transfer.size,
        "measured": transfer.measured,
        "seconds": pull_time(transfer.size, BANDWIDTH),
        "shells": ", ".join(program.path for program in surface.shells),
        "package_managers": ", ".join(program.path for program in surface.package_managers),
        "packages": surface.packages.count if surface.packages.database else 0,
        "package_database": surface.packages.database,
        "set_uid": len(surface.set_uid),
        "set_gid": len(surface.set_gid),
        "user": surface.user,
        "base": image.base.name,
        "base_size": image.base.size,
        "own_size": image.own_size,
        "cost": image.cost(VERSIONS, NODES),
    }


def _count(files: Sequence[SpecialFile]) -> str:
    return f"{len(files):,}" if files else "none"


def _paths(programs: Sequence[Program]) -> tuple[str, ...]:
    return tuple(visible(program.path, _PATH) for program in programs[:_MOST_PATHS])


def _special(files: Sequence[SpecialFile]) -> tuple[str, ...]:
    lines = [
        f"{stat.filemode(file.mode)} {file.uid}:{file.gid} {visible(file.path, _PATH)}"
        for file in files[:_MOST_PATHS]
    ]
    left = len(files) - len(lines)
    return (*lines, *([f"and {left:,} more"] if left else []))
