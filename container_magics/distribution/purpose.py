"""What a registry is asked for: it decides the scopes of a token, and the words of a failure."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PullError, PushError, RegistryError, UnreachableError
from ..reference import Reference
from .auth import CATALOG, delete_scope, pull_scope, push_scope

__all__ = ["Purpose", "catalogue", "deleting", "pulling", "pushing", "reading"]


@dataclass(frozen=True, slots=True)
class Purpose:
    """One errand at a registry.

    Attributes:
        registry: as it stands in names, such as `docker.io`.
        what: completes "cannot …", such as `pull alpine:3.18.0`.
        scopes: what the token must allow.
        reference: the name that it is about; None for the registry as a whole.
        failed: the exception for a registry that refuses.
        unreachable: the exception for one that does not answer.
    """

    registry: str
    what: str
    scopes: tuple[str, ...]
    reference: Reference | None = None
    failed: type[RegistryError] = RegistryError
    unreachable: type[RegistryError] = RegistryError


def pulling(reference: Reference) -> Purpose:
    """To fetch an image."""
    return Purpose(
        reference.registry,
        f"pull {reference.familiar}",
        (pull_scope(reference.repository),),
        reference,
        PullError,
        UnreachableError,
    )


def pushing(reference: Reference, source: str = "") -> Purpose:
    """To put an image there; `source` is a repository that layers are mounted from."""
    scopes = [push_scope(reference.repository)]
    if source:
        scopes.append(pull_scope(source))
    return Purpose(
        reference.registry,
        f"push {reference.familiar}",
        tuple(scopes),
        reference,
        PushError,
        PushError,
    )


def reading(reference: Reference, what: str) -> Purpose:
    """To learn of a repository what is no image, such as its tags."""
    scopes = (pull_scope(reference.repository),)
    return Purpose(reference.registry, what, scopes, reference)


def deleting(reference: Reference) -> Purpose:
    """To delete a manifest, a tag or a blob."""
    scopes = (delete_scope(reference.repository),)
    return Purpose(reference.registry, f"delete {reference.familiar}", scopes, reference)


def catalogue(registry: str) -> Purpose:
    """To list the repositories of a registry."""
    return Purpose(registry, f"list the repositories of {registry}", (CATALOG,))
