"""What this machine is told of registries, in the files of Podman's family and of Docker.

    registries.conf            CONTAINERS_REGISTRIES_CONF, else ~/.config/containers/, else
                               /etc/containers/; then registries.conf.d/*.conf in the latter two
    /etc/docker/daemon.json    insecure-registries, registry-mirrors; rootless, ~/.config/docker/

The first are after containers-registries.conf(5), version 2; of the second these keys are read.
An image's name is the longest `prefix` that it starts with, which may be `*.example.com`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError

__all__ = ["SYSTEM", "Configuration", "Mirror", "Rule", "read_configuration", "user_folder"]

SYSTEM = Path("/etc")
"""Where all users' configuration is."""

_ONLY = frozenset({"all", "digest-only", "tag-only"})


@dataclass(frozen=True, slots=True)
class Mirror:
    """A place that has copies.

    Attributes:
        location: a host, with a path that stands for the rule's prefix.
        insecure: plain HTTP and unknown certificates will do.
        used_for: `all`, `digest-only` or `tag-only`: names of which kind.
    """

    location: str
    insecure: bool = False
    used_for: str = "all"


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[registry]]`.

    Attributes:
        prefix: of the names that it is for.
        location: where they really are.
        insecure: plain HTTP and unknown certificates will do there.
        blocked: none of them may be pulled.
        mirrors: asked before the location, in order.
        file: that says so.
    """

    prefix: str
    location: str
    insecure: bool
    blocked: bool
    mirrors: tuple[Mirror, ...]
    file: Path

    def matches(self, name: str) -> bool:
        """Whether a name, such as `docker.io/library/alpine:3.18`, is one of its."""
        if self.prefix.startswith("*."):
            return _is_of(name.split("/", maxsplit=1)[0], self.prefix)
        rest = name.removeprefix(self.prefix)
        return rest != name and (not rest or rest[0] in "/:@")

    def moved(self, name: str, location: str) -> str:
        """A name of its, at another location."""
        if self.prefix.startswith("*."):
            return name.replace(name.split("/", maxsplit=1)[0], location, 1) if location else name
        host, slash, path = self.prefix.partition("@")[0].partition("/")
        stem = host + slash + path.partition(":")[0]  # a prefix may be of one tag or digest alone
        return location.partition("@")[0] + name.removeprefix(stem)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What all the files say.

    Attributes:
        rules: of registries.conf, each prefix once.
        insecure_registries: Docker's: hosts, and networks such as `10.0.0.0/8`.
        hub_mirrors: Docker's `registry-mirrors`: URLs, for Docker Hub.
    """

    rules: tuple[Rule, ...] = ()
    insecure_registries: tuple[str, ...] = ()
    hub_mirrors: tuple[str, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """The rule for an image's name."""
        found = [rule for rule in self.rules if rule.matches(name)]
        return max(found, key=lambda rule: len(rule.prefix), default=None)

    def names_insecure(self, host: str) -> bool:
        """Whether a rule or a mirror of a host is insecure; one namespace that is makes it so."""
        locations = [rule.location or rule.prefix for rule in self.rules if rule.insecure]
        for rule in self.rules:
            locations += [mirror.location for mirror in rule.mirrors if mirror.insecure]
        plain = [url for url in self.hub_mirrors if url.startswith("http://")]
        locations += [url.removeprefix("http://") for url in plain]
        return any(_is_of(host, location.split("/")[0]) for location in locations)


def _is_of(host: str, pattern: str) -> bool:
    """Whether a host is the one that is written, or one of `*.example.com`."""
    if pattern.startswith("*."):
        return host.partition(":")[0].endswith(pattern[1:])
    return host == pattern


def user_folder() -> Path:
    """Where a user's own configuration is: XDG_CONFIG_HOME, else `~/.config`."""
    folder = os.environ.get("XDG_CONFIG_HOME")
    return Path(folder) if folder else Path.home() / ".config"


def read_configuration(system: Path = SYSTEM) -> Configuration:
    """Read all the files there are.

    Args:
        system: in place of /etc.

    Raises:
        ConfigurationError: one of them is damaged.
    """
    rules: dict[str, Rule] = {}
    for path in _registries_files(system):
        rules.update((rule.prefix, rule) for rule in _rules(path))
    insecure: list[str] = []
    mirrors: list[str] = []
    for folder in (system / "docker", user_folder() / "docker"):
        path = folder / "daemon.json"
        daemon = _parsed(path)
        insecure += _texts(daemon, "insecure-registries", path)
        mirrors += _texts(daemon, "registry-mirrors", path)
    return Configuration(tuple(rules.values()), tuple(insecure), tuple(mirrors))


def _registries_files(system: Path) -> Iterator[Path]:
    folders = [system / "containers", user_folder() / "containers"]
    if named := os.environ.get("CONTAINERS_REGISTRIES_CONF"):
        yield Path(named)
        return
    main = [folder / "registries.conf" for folder in reversed(folders)]
    yield from [path for path in main if path.is_file()][:1]
    for folder in folders:
        yield from sorted((folder / "registries.conf.d").glob("*.conf"))


def _parsed(path: Path) -> dict[str, Any]:
    """A file's content, empty where there is none; what others may not read is not for them."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    try:
        if path.suffix == ".json":
            found = json.loads(data.decode() or "{}")
        else:
            toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
            found = toml.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is damaged: {error}", hint="mend it") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is damaged: it holds no object", hint="mend it")
    return found


def _rules(path: Path) -> Iterator[Rule]:
    tables = _parsed(path).get("registry") or []
    for table in tables if isinstance(tables, list) else []:
        yield _rule(table, path)


def _rule(table: object, path: Path) -> Rule:
    fields = table if isinstance(table, dict) else {}
    location = _text(fields, "location", path)
    prefix = _text(fields, "prefix", path) or location
    if not prefix:
        raise ConfigurationError(
            f"{path}: a [[registry]] has neither prefix nor location", hint="give it one of them"
        )
    usual = "digest-only" if fields.get("mirror-by-digest-only") is True else "all"
    tables = fields.get("mirror") or []
    mirrors = [_mirror(each, usual, path) for each in (tables if isinstance(tables, list) else [])]
    if not location and not prefix.startswith("*."):
        location = prefix
    return Rule(
        prefix.rstrip("/"),
        location.rstrip("/"),
        fields.get("insecure") is True,
        fields.get("blocked") is True,
        tuple(mirrors),
        path,
    )


def _mirror(table: object, usual: str, path: Path) -> Mirror:
    fields = table if isinstance(table, dict) else {}
    location = _text(fields, "location", path).rstrip("/")
    used_for = _text(fields, "pull-from-mirror", path) or usual
    if not location or used_for not in _ONLY:
        raise ConfigurationError(
            f"{path}: a [[registry.mirror]] needs a location, and pull-from-mirror is one of "
            f"{', '.join(sorted(_ONLY))}"
        )
    return Mirror(location, fields.get("insecure") is True, used_for)


def _text(fields: Mapping[str, Any], key: str, path: Path) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise ConfigurationError(f"{path}: {key} is no text: {value!r:.100}")
    return value.strip()


def _texts(fields: Mapping[str, Any], key: str, path: Path) -> list[str]:
    values = fields.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigurationError(f"{path}: {key} is no list of texts: {values!r:.100}")
    return [value.strip() for value in values]
