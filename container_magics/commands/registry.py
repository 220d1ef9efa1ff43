"""`registry`: what a registry holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

from ..analysis.holdings import Blob, Holding, Holdings
from ..distribution import RegistryClient, RemoteManifest
from ..errors import ContainerMagicsError, ExhaustedError, RegistryError, UsageError
from ..oci.models import CONFIG_TYPES, Descriptor, Index, Manifest
from ..reference import Reference, parse
from ..views.holdings import HoldingsView

__all__ = ["registry"]

_AT_ONCE = 8
_MOST_TAGS = 2000


def registry(name: str) -> HoldingsView:
    """Look at what a registry holds: repositories, tags, sizes, and the layers that images share.

    Args:
        name: a registry's host, such as `localhost:5000`, where that lists its repositories; or
            one repository, such as `localhost:5000/me/app`.

    Raises:
        UsageError: it is neither.
        RegistryError: the registry refuses, cannot be reached, or does not list its repositories.
    """
    host, repository = _parts(name)
    with RegistryClient() as client, ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [repository] if repository else _repositories(client, host)
        problems: dict[str, str] = {}
        named = list(islice(_tags(client, host, found, problems), _MOST_TAGS + 1))
        if len(named) > _MOST_TAGS:
            problems[host] = f"it has more than {_MOST_TAGS} tags: these are the first"
        read = _Reading(client, pool)
        tags = list(read.holdings(named[:_MOST_TAGS], problems))
        if read.spent is not None:
            problems[host] = f"not all of it was read: {read.spent.message}"
    return HoldingsView(Holdings(host, tags, problems))


class _Reading:
    """Reads manifests, several at once, until the registry gives no more.

    Attributes:
        spent: says that it does not.
    """

    def __init__(self, client: RegistryClient, pool: ThreadPoolExecutor) -> None:
        self.spent: ExhaustedError | None = None
        self._client = client
        self._pool = pool

    def holdings(self, tags: list[Reference], problems: dict[str, str]) -> Iterator[Holding]:
        """What tags mean; why that could not be read of some is put into the problems."""
        tops = dict(zip(tags, self._pool.map(self._manifest, tags), strict=True))
        good = {tag: top for tag, top in tops.items() if isinstance(top, RemoteManifest)}
        known = {replace(tag, tag="", digest=top.digest): top for tag, top in good.items()}
        names = [name for tag, top in good.items() for name in _inner(tag, top)]
        wanted = [name for name in dict.fromkeys(names) if name not in known]
        read = known | dict(zip(wanted, self._pool.map(self._manifest, wanted), strict=True))
        for tag, top in tops.items():
            if isinstance(top, ContainerMagicsError):
                problems[_shown(tag)] = top.message
            elif top is not None:
                inner = {name.digest: read[name] for name in _inner(tag, top)}
                missing = [
                    each.message
                    for each in inner.values()
                    if isinstance(each, ContainerMagicsError)
                ]
                if missing:
                    problems[_shown(tag)] = f"a part of it is missing: {missing[0]}"
                if None not in inner.values():
                    yield _holding(tag, top, inner)

    def _manifest(self, name: Reference) -> RemoteManifest | ContainerMagicsError | None:
        """What a name means, or why not; None where it was not asked for, or one is told not to."""
        if self.spent is not None:
            return None
        try:
            return self._client.manifest(name)
        except ExhaustedError as error:
            self.spent = error
            return None
        except ContainerMagicsError as error:
            return error


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


def _repositories(client: RegistryClient, host: str) -> list[str]:
    try:
        return client.repositories(host)
    except RegistryError as error:
        if not error.hint:
            error.hint = f"Many registries list none; name one: {host}/REPOSITORY"
        raise


def _tags(
    client: RegistryClient, host: str, repositories: list[str], problems: dict[str, str]
) -> Iterator[Reference]:
    for repository in sorted(repositories):
        try:
            name = parse(f"{host}/{repository}")
            for tag in sorted(client.tags(name)):
                yield parse(f"{host}/{repository}:{tag}")
        except ContainerMagicsError as error:
            if len(repositories) == 1:
                raise
            problems[repository] = error.message


def _shown(tag: Reference) -> str:
    return f"{tag.repository}:{tag.tag}"


def _images(content: Manifest | Index) -> list[Descriptor]:
    """The entries of an index but for attestations, whose platform is unknown."""
    entries = content.manifests if isinstance(content, Index) else ()
    return [each for each in entries if not str(each.platform or "").startswith("unknown")]


def _inner(tag: Reference, top: RemoteManifest) -> list[Reference]:
    return [replace(tag, tag="", digest=entry.digest) for entry in _images(top.content)]


def _holding(
    tag: Reference,
    top: RemoteManifest,
    inner: Mapping[str, RemoteManifest | ContainerMagicsError | None],
) -> Holding:
    """What a tag means; what is not in `inner` as a manifest is left out."""
    content = top.content
    if isinstance(content, Manifest):
        kind = "image" if content.config.media_type in CONFIG_TYPES else "artifact"
        blobs = (_blobs(content.layers), _blobs((content.config,)))
        return Holding(tag.repository, tag.tag, top.digest, (), *blobs, kind)
    platforms: dict[str, None] = {}
    layers: dict[Blob, None] = {}
    configs: dict[Blob, None] = {}
    for entry in _images(content):
        there = inner[entry.digest]
        if not isinstance(there, RemoteManifest):
            continue
        if entry.platform:
            platforms[str(entry.platform)] = None
        if isinstance(there.content, Manifest):
            layers |= dict.fromkeys(_blobs(there.content.layers))
            configs |= dict.fromkeys(_blobs((there.content.config,)))
    found = (tuple(platforms), tuple(layers), tuple(configs))
    return Holding(tag.repository, tag.tag, top.digest, *found, "index")


def _blobs(descriptors: tuple[Descriptor, ...]) -> tuple[Blob, ...]:
    return tuple(dict.fromkeys(Blob(each.digest, each.size) for each in descriptors))
