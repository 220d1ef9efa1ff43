"""Making the course's base images available: pulled where a registry answers, else stood in for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from ..engines.base import Engine
from ..engines.build_request import BuildRequest
from ..engines.events import Cancellation, Emit, EngineEvent, Message
from ..engines.images import ImageSummary
from ..errors import ExhaustedError, FetchError, NotFoundError, UnreachableError, UsageError
from ..reference import parse
from .aliases import BASE, StandIn, stand_in, stand_ins
from .bootstrap import bootstrap

__all__ = ["Prepared", "find", "prepare"]

_EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One base image that a Dockerfile can now begin with.

    Attributes:
        upstream: its familiar name, `golang:1.20.5`.
        name: the name that it has in the engine: the upstream's, or the stand-in's own.
        how: whether it was there, was pulled, or a stand-in was built.
        image: what the engine lists.
    """

    upstream: str
    name: str
    how: Literal["present", "pulled", "built"]
    image: ImageSummary


def prepare(
    engine: Engine,
    names: Sequence[str] = (),
    report: Emit | None = None,
    cancel: Cancellation | None = None,
    *,
    cache: Path | None = None,
) -> list[Prepared]:
    """See to it that base images are there.

    What is present is left alone. Else the registry is asked, and only where it does not answer
    is the image's stand-in built and named. The embedded engine finds it by the alias table; for
    an engine without one it gets the upstream name too (its labels still say what it is).

    Args:
        engine: where they are to be.
        names: upstream names; none is every image that has a stand-in.
        report: gets what happens, from any thread of the engine.
        cancel: ends it.
        cache: keeps downloaded packages; the user's cache directory unless given.

    Raises:
        UsageError: a name has no stand-in.
        FetchError: the packages for one cannot be had here.
        BuildError: one could not be built.
    """
    chosen = [_named(name) for name in names] or list(stand_ins())
    return [
        _Preparation(engine, report or _ignore, cancel or Cancellation(), cache).of(image)
        for image in chosen
    ]


def find(engine: Engine, image: StandIn) -> tuple[str, ImageSummary] | None:
    """The name and image that serve an upstream name in this engine now, or None."""
    names = [parse(image.upstream).familiar]
    if engine.name == _EMBEDDED:
        names.append(image.name)
    found = ((name, _present(engine, name)) for name in names)
    return next(((name, summary) for name, summary in found if summary), None)


def _present(engine: Engine, name: str) -> ImageSummary | None:
    """The image that bears a name; an engine may find a stand-in by the upstream name, too."""
    try:
        summary = engine.image(name).summary
    except NotFoundError:
        return None
    return None if summary.stands_in(name) else summary


def _ignore(_: EngineEvent) -> None:
    pass


def _named(name: str) -> StandIn:
    image = stand_in(parse(name))
    if image is None:
        known = [parse(each.upstream).familiar for each in stand_ins()]
        near = get_close_matches(name, known, n=1)
        raise UsageError(
            f'"{name}" has no stand-in.',
            hint=f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}",
        )
    return image


@dataclass(frozen=True, slots=True)
class _Preparation:
    engine: Engine
    report: Emit
    cancel: Cancellation
    cache: Path | None

    def of(self, image: StandIn) -> Prepared:
        upstream = parse(image.upstream).familiar
        found = find(self.engine, image)
        if found:
            return Prepared(upstream, found[0], "present", found[1])
        self.report(Message(f"{upstream}: asking its registry"))
        try:
            pulled = self.engine.pull(upstream, self.report, self.cancel)
        except (UnreachableError, ExhaustedError) as error:
            self.report(Message(error.message))
        else:
            return Prepared(upstream, upstream, "pulled", pulled)
        summary = self._stand_in(image)
        if self.engine.name == _EMBEDDED:
            return Prepared(upstream, image.name, "built", summary)
        self.engine.tag(image.name, upstream)
        return Prepared(upstream, upstream, "built", self.engine.image(upstream).summary)

    def _stand_in(self, image: StandIn) -> ImageSummary:
        """The stand-in by its own name, built (and its base before it) where it isn't there."""
        present = _present(self.engine, image.name)
        if present:
            return present
        if image is not BASE:
            self._stand_in(BASE)
        self.report(Message(f"building {image.name}, a stand-in: {image.summary}"))
        with self._context(image) as context:
            request = BuildRequest(
                dockerfile=image.dockerfile,
                context=context,
                tags=(image.name,),
                labels=image.labels,
                network="host",
                origin=str(image.directory / "Dockerfile"),
            )
            return self.engine.build(request, self.report, self.cancel).made.summary

    @contextmanager
    def _context(self, image: StandIn) -> Iterator[Path]:
        """The build context; the base's is generated, and deleted afterwards."""
        if image is not BASE:
            yield image.directory
            return
        cache = self.cache or _user_cache()
        with ExitStack() as stack:
            try:
                cache.mkdir(parents=True, exist_ok=True)
                context = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=cache)))
                bootstrap(context, cache / "apt", self.report, self.cancel)
            except OSError as error:
                raise FetchError(
                    f"The packages for {image.name} cannot be kept in {cache}: {error}",
                    hint="It takes 250 MB there; XDG_CACHE_HOME names another place.",
                ) from error
            yield context


def _user_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("container-magics") / "lab"
