"""The alias table: which stand-in serves an upstream base image that no registry can give.

In the spirit of `[aliases]` in containers-registries.conf(5): a Dockerfile keeps the upstream
name, and the table says what it means here. A stand-in's own name lies in the domain
`stand-in.invalid`; `.invalid` is reserved (RFC 2606), so no registry can ever have that name.

An image built FROM a stand-in inherits its labels, as any image does, so the label alone does
not make an image a stand-in: `stood_in_for` looks at the names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..reference import Reference, parse

__all__ = [
    "BASE",
    "STAND_IN_FOR_LABEL",
    "STAND_IN_LABEL",
    "StandIn",
    "in_short",
    "stand_in",
    "stand_ins",
    "stood_in_for",
]

STAND_IN_FOR_LABEL = "io.container-magics.stand-in-for"
STAND_IN_LABEL = "io.container-magics.stand-in"

_STATUS = re.compile(r"[1-5][0-9]{2}\b[^:]*")
_IMAGES = Path(__file__).parent / "images"


@dataclass(frozen=True, slots=True)
class StandIn:
    """A local image that serves where no registry can give the upstream one.

    Attributes:
        upstream: the full name that it stands in for, `docker.io/library/golang:1.20.5`.
        name: its own name, `stand-in.invalid/golang:1.20.5`.
        summary: one line on what it is made of.
        directory: its Dockerfile and build context.
    """

    upstream: str
    name: str
    summary: str
    directory: Path

    @property
    def labels(self) -> dict[str, str]:
        """The labels that every build of it carries."""
        return {STAND_IN_FOR_LABEL: self.upstream, STAND_IN_LABEL: self.summary}

    @property
    def advice(self) -> str:
        """What to do where it is not there."""
        return (
            "A stand-in can be built without a registry: "
            f"container-magics lab prepare {parse(self.upstream).familiar}"
        )

    @property
    def dockerfile(self) -> str:
        """The text of its Dockerfile."""
        return (self.directory / "Dockerfile").read_text(encoding="utf-8")


BASE = StandIn(
    upstream="docker.io/library/ubuntu:bionic",
    name="stand-in.invalid/ubuntu:bionic",
    summary="Debian's essential packages and apt, of the release this machine runs (no Ubuntu)",
    directory=_IMAGES / "ubuntu",
)
"""The stand-in that is bootstrapped; the others are built on it."""

_TABLE = {
    image.upstream: image
    for image in (
        BASE,
        StandIn(
            upstream="docker.io/library/golang:1.20.5",
            name="stand-in.invalid/golang:1.20.5",
            summary="Debian's golang-go and what it recommends, on Debian (not Go 1.20.5 itself)",
            directory=_IMAGES / "golang",
        ),
        StandIn(
            upstream="docker.io/library/alpine:3.18.0",
            name="stand-in.invalid/alpine:3.18.0",
            summary="Debian's busybox-static and nothing else (no musl, no apk)",
            directory=_IMAGES / "alpine",
        ),
        StandIn(
            upstream="gcr.io/distroless/base:latest",
            name="stand-in.invalid/distroless/base:latest",
            summary="Debian's base-files, netbase, tzdata, libc6, libssl3 and CA certificates, "
            "unpacked: what distroless/base is made of",
            directory=_IMAGES / "distroless-base",
        ),
        *(
            StandIn(
                upstream=f"docker.io/library/registry:{tag}",
                name=f"stand-in.invalid/registry:{tag}",
                summary="Debian's docker-registry, and htpasswd of Debian's apache2-utils",
                directory=_IMAGES / "registry",
            )
            for tag in ("2", "2.7.0")
        ),
    )
}


def stand_ins() -> tuple[StandIn, ...]:
    """Every stand-in there is, the base first."""
    return tuple(_TABLE.values())


def stand_in(reference: Reference) -> StandIn | None:
    """The stand-in for an upstream image, or None.

    A name without a tag means `latest`, as everywhere; one with a digest has no stand-in, since
    it asks for those very bytes.
    """
    return None if reference.digest else _TABLE.get(reference.full)


def in_short(answers: Iterable[tuple[str, str]]) -> str:
    """Why an upstream image cannot be had, in a line.

    Such as `registry-1.docker.io: 429 Too Many Requests; no answer from mirror.gcr.io`. A pull of
    the image says it all.

    Args:
        answers: of a `RegistryError`: what each registry answered, or why it did not.
    """
    said = [(host, _STATUS.match(answer)) for host, answer in answers]
    silent = ", ".join(host for host, status in said if status is None)
    parts = [f"{host}: {status[0]}" for host, status in said if status is not None]
    return "; ".join([*parts, *([f"no answer from {silent}"] if silent else [])])


def stood_in_for(names: Iterable[str], labels: Mapping[str, str]) -> str:
    """The familiar upstream name if the image with these names and labels is a stand-in, or "".

    It is one if it is labelled so and bears the stand-in's own name or the upstream name; an
    image that was merely built from one bears neither.
    """
    image = _TABLE.get(labels.get(STAND_IN_FOR_LABEL, ""))
    if image and any(parse(name).full in (image.upstream, image.name) for name in names):
        return parse(image.upstream).familiar
    return ""
