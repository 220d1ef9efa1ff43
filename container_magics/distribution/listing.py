"""What a registry holds: its repositories, their tags, and what refers to a manifest.

After "Content Discovery" of the OCI distribution specification 1.1; the list of repositories is the
distribution project's `/v2/_catalog`, which many registries do not have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from ..errors import CorruptArchiveError, RegistryError
from ..oci.models import MAX_MANIFEST_SIZE, OCI_INDEX, Descriptor, Index, parse_manifest
from ..reference import Reference
from .endpoint import Endpoint
from .purpose import Purpose, catalogue, reading

if TYPE_CHECKING:
    import requests

__all__ = ["Names", "referrers", "repositories", "tags"]

_MAX_PAGES = 1000
_MAX_BYTES = 32 * 1024 * 1024
_MAX_NAMES = 100_000
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Names:
    """Names that a registry lists, in its order.

    Attributes:
        found: at most 100,000. No page is asked for after 1,000 of them or 32 MiB; none is larger
            than 4 MiB.
        cut: says that there are more; "" where there are not.
    """

    found: tuple[str, ...]
    cut: str = ""

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)


def tags(endpoint: Endpoint, reference: Reference) -> Names:
    """The tags of a repository, not all of them where there are very many; see `Names`.

    Raises:
        RegistryError: the registry refuses, cannot be reached, or answers nonsense.
    """
    purpose = reading(reference, f"list the tags of {reference.familiar_name}")
    target = f"{reference.repository}/tags/list?n={_PAGE}"
    return _names(endpoint, purpose, target, "tags")


def repositories(endpoint: Endpoint, registry: str) -> Names:
    """The repositories of a registry, not all of them where there are very many; see `Names`.

    Args:
        endpoint: the registry's.
        registry: as it stands in names.

    Raises:
        RegistryError: as `tags`.
    """
    return _names(endpoint, catalogue(registry), f"_catalog?n={_PAGE}", "repositories")


def referrers(
    endpoint: Endpoint, reference: Reference, digest: str, artifact_type: str = ""
) -> list[Descriptor]:
    """Manifests whose subject is the one of a digest: signatures, SBOMs and their like.

    A registry without the referrers API is asked for the tag that stands in for it ("Referrers Tag
    Schema"); what is there and is no index says nothing.

    Args:
        endpoint: the registry's.
        reference: names the repository.
        digest: of the subject.
        artifact_type: only those of this type.

    Raises:
        RegistryError: as `tags`; or there are more than 1,000 pages or 32 MiB of them.
    """
    purpose = reading(reference, f"list what refers to {reference.familiar_name}@{digest}")
    query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
    target = f"{reference.repository}/referrers/{digest}{query}"
    found: list[Descriptor] = []
    pages = _Pages(endpoint, purpose, target, statuses=(200, 404))
    for response, body in pages:
        if response.status_code == 404:
            found += _fallback(endpoint, purpose, reference, digest)
        else:
            found += _index(endpoint, purpose, response, body).manifests
    if pages.cut:
        raise _nonsense(endpoint, purpose, f"it lists {pages.cut} of them")
    return [each for each in found if artifact_type in ("", each.artifact_type)]


def _fallback(
    endpoint: Endpoint, purpose: Purpose, reference: Reference, digest: str
) -> tuple[Descriptor, ...]:
    algorithm, _, digits = digest.partition(":")
    target = f"{reference.repository}/manifests/{algorithm[:32]}-{digits[:64]}"
    response, body = endpoint.read(
        purpose, target, {"Accept": OCI_INDEX}, limit=MAX_MANIFEST_SIZE, statuses=(200, 404)
    )
    if response.status_code == 404 or body is None:
        return ()
    try:
        found = parse_manifest(body, response.headers.get("Content-Type", ""))
    except CorruptArchiveError:
        return ()
    return found.manifests if isinstance(found, Index) else ()


def _index(
    endpoint: Endpoint, purpose: Purpose, response: requests.Response, body: bytes | None
) -> Index:
    if body is None:
        raise _too_large(endpoint, purpose)
    try:
        found = parse_manifest(body, response.headers.get("Content-Type", ""))
    except CorruptArchiveError as error:
        raise _nonsense(endpoint, purpose, error.message) from error
    if not isinstance(found, Index):
        raise _nonsense(endpoint, purpose, "it answered with a manifest, and not with an index")
    return found


def _names(endpoint: Endpoint, purpose: Purpose, target: str, key: str) -> Names:
    found: list[str] = []
    pages = _Pages(endpoint, purpose, target)
    for _, body in pages:
        if body is None:
            raise _too_large(endpoint, purpose)
        try:
            names = json.loads(body.decode())[key] or []
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise _nonsense(endpoint, purpose, f"its answer has no {key}") from error
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise _nonsense(endpoint, purpose, f"its {key} are no list of names")
        found += names
        if len(found) > _MAX_NAMES:
            cut = f"it lists more than {_MAX_NAMES:,} {key}: the rest is left out"
            return Names(tuple(found[:_MAX_NAMES]), cut)
    cut = f"it lists {pages.cut} of {key}: the rest is left out" if pages.cut else ""
    return Names(tuple(found), cut)


class _Pages:
    """Answers with their bodies, from page to page as their Link headers say.

    Attributes:
        cut: how many there are more than, where the registry has more than are asked for; or "".
    """

    def __init__(
        self, endpoint: Endpoint, purpose: Purpose, target: str, statuses: tuple[int, ...] = (200,)
    ) -> None:
        self.cut = ""
        self._endpoint = endpoint
        self._purpose = purpose
        self._target = target
        self._statuses = statuses

    def __iter__(self) -> Iterator[tuple[requests.Response, bytes | None]]:
        target, seen, size = self._target, set[str](), 0
        while target and target not in seen:
            if len(seen) == _MAX_PAGES or size > _MAX_BYTES:
                pages = len(seen) == _MAX_PAGES
                self.cut = f"more than {_MAX_PAGES:,} pages" if pages else "more than 32 MiB"
                return
            seen.add(target)
            response, body = self._endpoint.read(
                self._purpose, target, limit=MAX_MANIFEST_SIZE, statuses=self._statuses
            )
            size += len(body or b"")
            yield response, body
            following = response.links.get("next", {}).get("url", "")
            target = urljoin(response.url, following) if following else ""


def _too_large(endpoint: Endpoint, purpose: Purpose) -> RegistryError:
    return _nonsense(endpoint, purpose, f"it answered more than {MAX_MANIFEST_SIZE} bytes")


def _nonsense(endpoint: Endpoint, purpose: Purpose, what: str) -> RegistryError:
    return purpose.failed(
        f"cannot {purpose.what}: {endpoint.host}: {what}",
        hint="check that this host is a container registry",
    )
