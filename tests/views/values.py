"""Images and steps that the tests of the views show."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from container_magics.engines.events import Vertex
from container_magics.engines.images import HistoryEntry, Image, ImageSummary, Layer

HOSTILE = "<img src=x onerror=alert(1)>"
NOW = datetime.now(timezone.utc)


def image_id(letter: str) -> str:
    return "sha256:" + letter * 64


def summary(letter="a", names=("app:latest",), *, days=5, size=9_170_000, **more) -> ImageSummary:
    more = {"digests": (), "labels": {}, **more}
    return ImageSummary(
        id=image_id(letter),
        names=tuple(names),
        created=NOW - timedelta(days=days, hours=1),
        size=size,
        **more,
    )


def image(history=(), **more) -> Image:
    layers = (Layer(image_id("0"), 77_000_000), Layer(image_id("1"), 1_230_000))
    return Image(summary(**more), "amd64", "linux", {}, layers, tuple(history))


def entry(created_by, *, days=3, size=0, comment="", created=True) -> HistoryEntry:
    when = NOW - timedelta(days=days, hours=1) if created else None
    return HistoryEntry(when, created_by, comment, size == 0, size)


def running(digest, name="[1/1] RUN make", started=100.0, **more) -> Vertex:
    return Vertex(digest, name, started=started, **more)


def done(digest, name="[1/1] RUN make", started=100.0, completed=101.5, **more) -> Vertex:
    return Vertex(digest, name, started=started, completed=completed, **more)
