"""Image names: `registry/account/name:tag@digest`, in familiar and full forms.

Follows the grammar of the distribution project's `reference` package, as Docker does: a first
component is a registry only if it has a dot, a colon or is `localhost`; without one the
registry is docker.io, and a one-word name there belongs to `library/`.

    >>> parse("alpine").full
    'docker.io/library/alpine:latest'
    >>> parse("localhost/me/app").registry
    'localhost'
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .errors import InvalidReferenceError

__all__ = ["DEFAULT_REGISTRY", "DEFAULT_TAG", "Reference", "familiar", "is_image_id", "parse"]

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{4,64}")
_MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class Reference:
    """One image name, taken apart.

    Attributes:
        registry: host, with a port if there is one; `docker.io` where none was written.
        repository: path in it, such as `library/alpine`.
        tag: the tag written, or "".
        digest: `algorithm:hex` if one was written, or "".
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def familiar_name(self) -> str:
        """The name without tag and digest as Docker shows it: `alpine`, `ghcr.io/a/b`."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix("library/")

    @property
    def familiar(self) -> str:
        """The name as Docker shows it, such as `alpine:3.18.0`."""
        return self.familiar_name + self._suffix()

    @property
    def name(self) -> str:
        """Registry and repository: `docker.io/library/alpine`."""
        return f"{self.registry}/{self.repository}"

    @property
    def full(self) -> str:
        """Every part spelled out: `docker.io/library/alpine:3.18.0`."""
        return self.name + self.with_default_tag()._suffix()

    def with_default_tag(self) -> Reference:
        """This name with `:latest` where it has neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=DEFAULT_TAG)

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.familiar


def parse(text: str) -> Reference:
    """Take an image name apart.

    Raises:
        InvalidReferenceError: the text is no image name; the message is Docker's.
    """
    rest, _, digest = text.partition("@")
    if (digest and not _DIGEST.fullmatch(digest)) or text.endswith("@"):
        raise InvalidReferenceError(f'invalid reference format: digest "{digest}" in "{text}"')
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    tag = ""
    if colon >= 0:
        rest, tag = rest[:colon], rest[colon + 1 :]
        if not _TAG.fullmatch(tag):
            raise InvalidReferenceError(f'invalid reference format: tag "{tag}" in "{text}"')
    registry, repository = _split_registry(rest)
    if repository != repository.lower():
        raise InvalidReferenceError(
            f'invalid reference format: repository name "{repository}" must be lowercase'
        )
    if not _REPOSITORY.fullmatch(repository) or not _REGISTRY.fullmatch(registry):
        raise InvalidReferenceError(f'invalid reference format: "{text}"')
    if re.fullmatch(r"[0-9a-f]{64}", rest):
        raise InvalidReferenceError(
            f'invalid repository name "{rest}": cannot be a 64-character hexadecimal string'
        )
    if len(repository) > _MAX_NAME:
        raise InvalidReferenceError(
            f"invalid reference format: repository name longer than {_MAX_NAME} characters"
        )
    return Reference(registry, repository, tag, digest)


def _split_registry(name: str) -> tuple[str, str]:
    head, slash, tail = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost" or head != head.lower()):
        registry, repository = head, tail
    else:
        registry, repository = DEFAULT_REGISTRY, name
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository


def familiar(text: str) -> str:
    """A name as Docker shows it; text that is no name (a label may hold any) as it is."""
    try:
        return parse(text).familiar
    except InvalidReferenceError:
        return text


def is_image_id(text: str) -> bool:
    """Whether the text can be an image ID or a prefix of one (at least 4 hex digits)."""
    return bool(_IMAGE_ID.fullmatch(text))
