"""Where an image may be had: its registry, and the mirrors of that.

    mirrors of registries.conf       in order; then Docker's `registry-mirrors` for Docker Hub
    the registry itself              or where registries.conf says that it is
    Docker Hub's public mirrors      where nothing is configured for Docker Hub, and it cannot be
                                     reached or has had enough of this address

The first that has the image gives it. A name keeps meaning its own registry: a mirror is only where
the bytes come from, and what a digest names is checked against it wherever it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..errors import PullError, RegistryError
from ..reference import DEFAULT_REGISTRY, Reference
from .configuration import SYSTEM, Configuration, Rule, read_configuration

__all__ = ["Source", "joined", "sources_of"]

_OFFICIAL = "library/"

Failure = TypeVar("Failure", bound=RegistryError)


@dataclass(frozen=True, slots=True)
class Source:
    """One place to ask for an image.

    Attributes:
        registry: as in a name: a host, or `docker.io`.
        repository: path there.
        mirror: whether it is another place than the name says.
        last_resort: asked only if the registry cannot be reached, or has had enough.
    """

    registry: str
    repository: str
    mirror: bool = False
    last_resort: bool = False

    def apply(self, reference: Reference) -> Reference:
        """The image's name there."""
        return replace(reference, registry=self.registry, repository=self.repository)


def sources_of(reference: Reference, system: Path = SYSTEM) -> list[Source]:
    """The places to ask for an image, in the order to ask them.

    Args:
        reference: the image.
        system: in place of /etc.

    Raises:
        PullError: it is blocked here.
        ConfigurationError: a configuration file is damaged.
    """
    configuration = read_configuration(system)
    rule = configuration.rule(str(_whole(reference)))
    if rule is not None and rule.blocked:
        raise PullError(
            f"cannot pull {reference.familiar}: {rule.prefix} is blocked by {rule.file}",
            hint="whoever set this machine up does not want images from there",
        )
    mirrors = [*_mirrors(rule, reference), *_hub_mirrors(configuration, reference)]
    origin = Source(reference.registry, reference.repository)
    if rule is not None:
        moved = rule.moved(reference.name, rule.location)
        origin = _source(moved, mirror=moved != reference.name)
    found = [*mirrors, origin]
    if reference.registry == DEFAULT_REGISTRY and rule is None and not mirrors:
        found += _public_mirrors(reference)
    return list(dict.fromkeys(found))


def joined(failures: Sequence[RegistryError], main: Failure) -> Failure:
    """The failure that counts, with the answers of all."""
    if len(failures) == 1:
        return main
    answers = [answer for failure in failures for answer in failure.answers]
    return type(main)(main.message.partition("\n")[0], answers=answers, hint=main.hint)


def _whole(reference: Reference) -> str:
    """The name with registry, tag and digest, as a prefix may name it."""
    tag = f":{reference.tag}" if reference.tag else ""
    return reference.name + tag + (f"@{reference.digest}" if reference.digest else "")


def _mirrors(rule: Rule | None, reference: Reference) -> Iterator[Source]:
    unwanted = "tag-only" if reference.digest else "digest-only"
    for mirror in rule.mirrors if rule is not None else ():
        if rule is not None and mirror.used_for != unwanted:
            yield _source(rule.moved(reference.name, mirror.location), mirror=True)


def _hub_mirrors(configuration: Configuration, reference: Reference) -> Iterator[Source]:
    if reference.registry != DEFAULT_REGISTRY:
        return
    for url in configuration.hub_mirrors:
        location = url.partition("://")[2] or url
        yield _source(f"{location.rstrip('/')}/{reference.repository}", mirror=True)


def _source(location: str, *, mirror: bool) -> Source:
    """A place of a location such as `host:5000/path/of/repository:tag`."""
    registry, _, rest = location.partition("/")
    repository = rest.partition("@")[0]
    path, slash, last = repository.rpartition("/")
    return Source(registry, f"{path}{slash}{last.partition(':')[0]}", mirror=mirror)


def _public_mirrors(reference: Reference) -> Iterator[Source]:
    """Docker Hub's mirrors that are there for anyone.

    Google's has what is asked for often; Amazon's is Docker's own copy of the official images.
    """
    yield Source("mirror.gcr.io", reference.repository, mirror=True, last_resort=True)
    if reference.repository.startswith(_OFFICIAL):
        path = f"docker/{reference.repository}"
        yield Source("public.ecr.aws", path, mirror=True, last_resort=True)
