"""`ps --filter`, as moby's `daemon/list.go` understands it.

Several values of one key pick what fits any of them, except labels, which must all be there;
several keys pick what fits all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...engines.base import Engine
from ...engines.containers import Container
from ...errors import NotFoundError, UnsupportedError, UsageError
from ..grammar import nearest
from .labels import has_label

__all__ = ["filtered", "reaches_stopped"]

_STATES = ("created", "restarting", "running", "removing", "paused", "exited", "dead")
_HEALTH = ("starting", "healthy", "unhealthy", "none")
_KNOWN = (
    *("ancestor", "before", "exited", "expose", "health", "id", "label", "name", "network"),
    *("publish", "since", "status", "volume"),
)
_Test = Callable[[Container], bool]


def reaches_stopped(texts: Sequence[str]) -> bool:
    """Whether filters ask for containers that do not run, too."""
    return any(text.partition("=")[0] in ("status", "before", "since") for text in texts)


def filtered(
    containers: Sequence[Container], texts: Sequence[str], engine: Engine
) -> list[Container]:
    """Those that fit all filters.

    Args:
        containers: newest first.
        texts: values of `--filter`, `KEY=VALUE`.
        engine: where images and networks are looked up.

    Raises:
        UsageError: an unknown key, a value that makes no sense.
        NotFoundError: no such container, for `before` and `since`.
    """
    tests: dict[str, list[_Test]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f'invalid argument "{text}" for "-f, --filter" flag: '
                "bad format of filter (expected name=value)"
            )
        key = key.strip().lower()
        # A port may be published or exposed.
        together = "port" if key in ("publish", "expose") else key
        group = f"label {value}" if key == "label" else together
        tests.setdefault(group, []).append(_test(key, value.strip(), engine))
    return [
        each
        for each in containers
        if all(any(test(each) for test in group) for group in tests.values())
    ]


def _test(key: str, value: str, engine: Engine) -> _Test:
    match key:
        case "name":
            return lambda each: _matches(value, each.name) or _matches(value, f"/{each.name}")
        case "id":
            return lambda each: _matches(value, each.id)
        case "label":
            return lambda each: has_label(each.labels, value)
        case "status":
            if value not in _STATES:
                raise UsageError(
                    f"invalid filter 'status={value}'", hint=f"These are: {', '.join(_STATES)}."
                )
            return lambda each: each.state == value
        case "health":
            if value not in _HEALTH:
                raise UsageError(
                    f"Unrecognised filter value for health: {value}",
                    hint=f"These are: {', '.join(_HEALTH)}.",
                )
            return lambda each: (each.health or "none") == value
        case "exited":
            return _exited(value)
        case "publish" | "expose":
            return _port(key, value)
        case "before":
            pivot = engine.container(value)
            return lambda each: each.created < pivot.created
        case "since":
            pivot = engine.container(value)
            return lambda each: each.created > pivot.created
        case "ancestor":
            return _ancestor(value, engine)
        case "volume":
            return lambda each: value in each.mounts or value in _targets(each, engine)
        case "network":
            names = {value, *(each.name for each in engine.networks() if each.id.startswith(value))}
            return lambda each: not names.isdisjoint(each.networks)
        case "is-task":
            raise UnsupportedError(
                "docker ps --filter is-task is not available in this version of container-magics",
                hint="There is no swarm, so no container is a task: leave it out.",
            )
        case _:
            near = nearest(key, _KNOWN)
            raise UsageError(
                f"invalid filter '{key}'",
                hint=f"Did you mean {near}=?" if near else f"These are: {', '.join(_KNOWN)}.",
            )


def _matches(pattern: str, text: str) -> bool:
    try:
        return pattern == text or re.search(pattern, text) is not None
    except re.error:
        return False


def _exited(value: str) -> _Test:
    try:
        code = int(value)
    except ValueError:
        raise UsageError(
            f"invalid filter 'exited={value}': strconv.Atoi: parsing \"{value}\": invalid syntax"
        ) from None
    return lambda each: each.state in ("exited", "dead") and each.exit_code == code


def _port(key: str, value: str) -> _Test:
    """A `PORT[-LAST][/PROTOCOL]`."""
    if ":" in value:
        raise UsageError(f"filter for '{key}' should not contain ':': {value}")
    ports, _, protocol = value.partition("/")
    first, dash, last = ports.partition("-")
    try:
        wanted = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        raise UsageError(
            f"error while looking up for {key} {value}: "
            f'strconv.ParseUint: parsing "{ports}": invalid syntax'
        ) from None
    protocol = protocol or "tcp"
    return lambda each: any(
        (port.host if key == "publish" else port.container) in wanted and port.protocol == protocol
        for port in each.ports
    )


def _ancestor(value: str, engine: Engine) -> _Test:
    try:
        wanted = engine.image(value).id
    except NotFoundError:
        return lambda _: False
    return lambda each: each.image_id == wanted


def _targets(container: Container, engine: Engine) -> list[str]:
    mounts = engine.inspect(container.id).get("Mounts") or ()
    return [mount["Destination"] for mount in mounts]
