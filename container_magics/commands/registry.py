"""`registry`: what a registry holds."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

from ..analysis.holdings import Blob, Holding, Holdings
from ..distribution import RegistryClient, RemoteManifest
from ..engines.crew import Crew
from ..engines.events import Cancellation
from ..errors import (
    ContainerMagicsError,
    ExhaustedError,
    InvalidReferenceError,
    RegistryError,
    UsageError,
)
from ..oci.models import CONFIG_TYPES, Descriptor, Manifest
from ..reference import Reference, parse
from ..views.holdings import HoldingsView

__all__ = ["registry"]

_AT_ONCE = 8
_MOST_REPOSITORIES = 5_000
_MOST_TAGS = 2000
_MOST_ENTRIES = 100
_MOST_MANIFESTS = 20_000
_MOST_BYTES = 128 * 1024 * 1024
_MOST_BLOBS = 250_000
_TOO_MANY_BLOBS = f"more than {_MOST_BLOBS:,} layers"
_SHOWN = 100
_LONGEST = 400
_Problems = defaultdict[str, list[str]]


def registry(name: str) -> HoldingsView:
    """Look at what a registry holds: repositories, tags, sizes, and the layers that images share.

    What is left out of a very large one is said. It lists at most 100,000 repositories, and asks
    5,000 of them for their tags; 2,000 tags in all are read, and 100 images of an index. No more
    manifests are read after 20,000, or 128 MiB, or 250,000 layers and configurations in them (but
    for those that are under way then: eight are read at once).

    An interrupt ends it within two seconds, whatever the registry does.

    Args:
        name: a registry's host, such as `localhost:5000`, where that lists its repositories; or
            one repository, such as `localhost:5000/me/app`.

    Raises:
        UsageError: it is neither.
        RegistryError: the registry refuses, cannot be reached, or does not list its repositories.
    """
    host, repository = _parts(name)
    problems: _Problems = defaultdict(list)
    crew = Crew(f"look at {host}", Cancellation())
    with ExitStack() as stack:
        stack.callback(crew.dismiss)
        # Closed before: that ends waits for another try.
        client = stack.enter_context(RegistryClient())
        found = [repository] if repository else _repositories(client, host, problems)
        named = list(islice(_tags(client, host, found, problems), _MOST_TAGS + 1))
        if len(named) > _MOST_TAGS:
            problems[host].append(f"it has more than {_MOST_TAGS:,} tags: these are the first")
        tags = list(_Reading(client, crew).holdings(host, named[:_MOST_TAGS], problems))
    said = {place: "; ".join(whys) for place, whys in problems.items() if whys}
    return HoldingsView(Holdings(host, tags, said))


@dataclass(frozen=True, slots=True)
class _Document:
    """What is kept of a manifest or an index.

    Attributes:
        size: bytes of it.
        entries: of an index: digests of its first images, and their platforms.
        left_out: how many images more it names.
    """

    digest: str
    kind: str
    size: int
    layers: tuple[Blob, ...] = ()
    configs: tuple[Blob, ...] = ()
    entries: tuple[tuple[str, str], ...] = ()
    left_out: int = 0

    @classmethod
    def of(cls, found: RemoteManifest) -> _Document:
        """Take it; attestations, whose platform is unknown, are no images."""
        content, size = found.content, len(found.data)
        if isinstance(content, Manifest):
            kind = "image" if content.config.media_type in CONFIG_TYPES else "artifact"
            blobs = _blobs(content.layers), _blobs((content.config,))
            return cls(found.digest, kind, size, *blobs)
        named = [(each.digest, str(each.platform or "")) for each in content.manifests]
        images = [each for each in named if not each[1].startswith("unknown")]
        first = tuple(images[:_MOST_ENTRIES])
        left_out = len(images) - len(first)
        return cls(found.digest, "index", size, entries=first, left_out=left_out)


class _Reading:
    """Reads manifests, several at once, until the registry gives no more or it is too much."""

    def __init__(self, client: RegistryClient, crew: Crew) -> None:
        self._client = client
        self._crew = crew
        self._lock = threading.Lock()
        self._ended = ""
        self._manifests = self._bytes = self._blobs = 0

    def holdings(self, host: str, tags: list[Reference], problems: _Problems) -> Iterator[Holding]:
        """What tags mean; why that could not be read of some is put into the problems."""
        tops = self._read(tags)
        good = {tag: top for tag, top in tops.items() if isinstance(top, _Document)}
        known = {replace(tag, tag="", digest=top.digest): top for tag, top in good.items()}
        names = (name for tag, top in good.items() for name in _inner(tag, top))
        read = known | self._read(name for name in names if name not in known)
        if self._ended:
            problems[host].append(f"not all of it was read: {self._ended}")
        blobs = 0
        for tag, top in tops.items():
            if isinstance(top, str):
                problems[_shown(tag)].append(top)
            elif top is not None:
                inner = {name.digest: read[name] for name in _inner(tag, top)}
                problems[_shown(tag)] += _lacking(top, inner.values())
                if None not in inner.values():
                    holding = _holding(tag, top, inner)
                    blobs += len(holding.layers) + len(holding.configs)
                    if blobs > _MOST_BLOBS:
                        problems[host].append(f"it has {_TOO_MANY_BLOBS}: the rest is left out")
                        return
                    yield holding

    def _read(self, names: Iterable[Reference]) -> dict[Reference, _Document | str | None]:
        """What names mean, or why not; None where that was not asked for, or one is told not to."""
        found: dict[Reference, _Document | str | None] = dict.fromkeys(names)
        left = iter(list(found))

        def carry() -> None:
            while True:
                with self._lock:
                    name = next(left, None)
                if name is None:
                    return
                found[name] = self._document(name)

        self._crew.run([carry] * min(_AT_ONCE, len(found)))
        return found

    def _document(self, name: Reference) -> _Document | str | None:
        self._crew.check()
        if not self._admit():
            return None
        try:
            document = _Document.of(self._client.manifest(name))
        except ExhaustedError as error:
            self._ended = error.message
            return None
        except ContainerMagicsError as error:
            return error.message  # The error itself holds the document, by its traceback.
        with self._lock:
            self._bytes += document.size
            self._blobs += len(document.layers) + len(document.configs)
        return document

    def _admit(self) -> bool:
        """Count one manifest more; whether it may still be read."""
        with self._lock:
            if not self._ended:
                if self._manifests >= _MOST_MANIFESTS:
                    self._ended = f"it has more than {_MOST_MANIFESTS:,} manifests"
                elif self._bytes >= _MOST_BYTES:
                    self._ended = f"its manifests have more than {_MOST_BYTES:,} bytes"
                elif self._blobs >= _MOST_BLOBS:
                    self._ended = f"its manifests name {_TOO_MANY_BLOBS}"
            self._manifests += 1
            return not self._ended


def _parts(name: str) -> tuple[str, str]:
    """The registry, and the repository if one is named."""
    given = name.removeprefix("https://").removeprefix("http://").strip("/")
    if "/" not in given:
        parse(f"{given}/any")  # Or it says what is wrong with the host.
        if not given or not ({".", ":"} & set(given) or given == "localhost"):
            raise UsageError(
                f'"{name}" is no registry',
                hint="Name its host, such as localhost:5000, or a repository, such as "
                "localhost:5000/me/app.",
            )
        return given, ""
    reference = parse(given)
    if reference.tag or reference.digest:
        raise UsageError(
            f'"{name}" names an image', hint=f"Leave its tag out: {reference.familiar_name}"
        )
    return reference.registry, reference.repository


def _repositories(client: RegistryClient, host: str, problems: _Problems) -> list[str]:
    try:
        listed = client.repositories(host)
    except RegistryError as error:
        if not error.hint:
            error.hint = f"Many registries list none; name one: {host}/REPOSITORY"
        raise
    if listed.cut:
        problems[host].append(listed.cut)
    return sorted(set(listed))


def _tags(
    client: RegistryClient, host: str, repositories: list[str], problems: _Problems
) -> Iterator[Reference]:
    """The tags of the repositories; what is no name is put into the problems."""
    for repository in repositories[:_MOST_REPOSITORIES]:
        try:
            name = _repository(host, repository)
            listed = client.tags(name)
        except ContainerMagicsError as error:
            if len(repositories) == 1:
                raise
            problems[repository[:_LONGEST]].append(error.message[:_LONGEST])
            continue
        if listed.cut:
            problems[repository].append(listed.cut)
        tags = {tag: _tagged(name, tag) for tag in sorted(set(listed))}
        bad = [tag for tag, reference in tags.items() if reference is None]
        if bad:
            left = "1 tag has no valid name, and is left out"
            if len(bad) > 1:
                left = f"{len(bad):,} tags have no valid name, and are left out"
            problems[repository].append(f'{left}: "{bad[0][:_SHOWN]}"')
        yield from (reference for reference in tags.values() if reference is not None)
    if len(repositories) > _MOST_REPOSITORIES:
        more = f"it has more than {_MOST_REPOSITORIES:,} repositories"
        problems[host].append(f"{more}: the rest was not asked for tags")


def _repository(host: str, repository: str) -> Reference:
    name = parse(f"{host}/{repository}")
    if name.tag or name.digest:
        raise InvalidReferenceError(f'invalid repository name "{repository[:_SHOWN]}"')
    return name


def _tagged(name: Reference, tag: str) -> Reference | None:
    """A tag of a repository; None where it is no name of one."""
    wanted = replace(name, tag=tag)
    try:
        return wanted if parse(wanted.full) == wanted else None
    except InvalidReferenceError:
        return None


def _shown(tag: Reference) -> str:
    return f"{tag.repository}:{tag.tag}"


def _inner(tag: Reference, top: _Document) -> list[Reference]:
    return [replace(tag, tag="", digest=digest) for digest, _ in top.entries]


def _lacking(top: _Document, inner: Iterable[_Document | str | None]) -> Iterator[str]:
    """What is said of a tag of which not all was read."""
    missing = [each for each in inner if isinstance(each, str)]
    if missing:
        yield f"a part of it is missing: {missing[0]}"
    if top.left_out:
        yield f"its index names {top.left_out:,} images after the first {_MOST_ENTRIES}: left out"


def _holding(
    tag: Reference, top: _Document, inner: Mapping[str, _Document | str | None]
) -> Holding:
    """What a tag means; what is not in `inner` as a document is left out."""
    platforms: dict[str, None] = {}
    layers = dict.fromkeys(top.layers)
    configs = dict.fromkeys(top.configs)
    for digest, platform in top.entries:
        there = inner[digest]
        if isinstance(there, _Document):
            if platform:
                platforms[platform] = None
            layers |= dict.fromkeys(there.layers)
            configs |= dict.fromkeys(there.configs)
    found = (tuple(platforms), tuple(layers), tuple(configs))
    return Holding(tag.repository, tag.tag, top.digest, *found, top.kind)


def _blobs(descriptors: tuple[Descriptor, ...]) -> tuple[Blob, ...]:
    return tuple(dict.fromkeys(Blob(each.digest, each.size) for each in descriptors))
