"""The values of `--output`, `--cache-from` and `--cache-to`, taken apart as buildx does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ...engines.build_request import BuildOutput, BuildRequest, CacheExchange
from ...errors import UnsupportedError, UsageError
from ...reference import parse
from ..grammar import TRUE
from ..values import fields

__all__ = ["caches", "output", "pushed", "pushing", "without_push"]

_OUTPUTS = ("local", "tar", "oci", "docker", "image", "registry", "cacheonly")


def output(text: str) -> BuildOutput:
    """An `--output`: a directory, `-` for a tar on standard output, or `type=…,dest=…,…`.

    `registry` is an image that is pushed.

    Raises:
        UsageError: it makes no sense, or the destination is of the wrong kind.
        UnsupportedError: a type that is not available.
    """
    given = fields(text)
    if given == [text] and not text.startswith("type="):
        kind, destination, attributes = "tar" if text == "-" else "local", text, {}
    else:
        attributes = dict(_attribute(field) for field in given)
        kind, destination = attributes.pop("type", ""), attributes.pop("dest", "")
    if not kind:
        raise UsageError(
            "type is required for output", hint="Write -o DIRECTORY, or -o type=tar,dest=FILE."
        )
    if kind not in _OUTPUTS:
        raise UsageError(f"unsupported output type {kind}", hint=f"Known: {', '.join(_OUTPUTS)}.")
    if kind == "registry":
        kind, attributes["push"] = "image", "true"
    found = BuildOutput(kind, _destination(kind, destination, attributes), attributes)
    others = attributes.keys() - {"name", "push"} if _is_pushed(found) else ()
    for key in sorted(others):
        raise UnsupportedError(
            f"docker build --output {text}: {key} is not available for what is pushed",
            hint="Leave it out: what is pushed is what `docker push` pushes.",
        )
    return found


def _is_pushed(output: BuildOutput) -> bool:
    return output.type == "image" and output.attributes.get("push", "") in TRUE


def pushing(outputs: Iterable[BuildOutput]) -> tuple[BuildOutput, ...]:
    """The outputs with `--push`: the images are pushed, or else there is one that is."""
    found = tuple(
        replace(output, attributes={**output.attributes, "push": "true"})
        if output.type == "image"
        else output
        for output in outputs
    )
    if not any(map(_is_pushed, found)):
        found += (BuildOutput("image", attributes={"push": "true"}),)
    return found


def pushed(request: BuildRequest) -> tuple[str, ...]:
    """The names to push once it is built: its tags, or else those that its outputs give.

    Raises:
        UsageError: there is something to push, and no name.
    """
    images = [output for output in request.outputs if _is_pushed(output)]
    written = ",".join(output.attributes.get("name", "") for output in images)
    names = request.tags or [name for name in written.split(",") if name]
    if images and not names:
        raise UsageError(
            "tag is needed when pushing to registry",
            hint="The name says where it goes: -t HOST/REPOSITORY:TAG",
        )
    familiar = (parse(name).with_default_tag().familiar for name in names) if images else ()
    return tuple(dict.fromkeys(familiar))


def without_push(request: BuildRequest) -> BuildRequest:
    """The build alone."""
    outputs = (
        replace(output, attributes={k: v for k, v in output.attributes.items() if k != "push"})
        for output in request.outputs
    )
    return replace(request, outputs=tuple(outputs))


def _attribute(field: str) -> tuple[str, str]:
    key, equals, value = field.partition("=")
    if not equals:
        raise UsageError(f"invalid value {field}", hint="Write NAME=VALUE, separated by commas.")
    return key.strip().lower(), value


def _destination(kind: str, text: str, attributes: dict[str, str]) -> Path | None:
    """Where it goes, checked as buildx does."""
    if kind in ("image", "cacheonly") or (kind == "docker" and not text):
        return None
    unpacked = kind != "tar" and attributes.get("tar", "true").lower() in ("false", "0", "f")
    if kind == "local" or unpacked:
        if not text:
            raise UsageError(f"dest is required for {kind} exporter")
        if text == "-":
            raise UsageError(f"dest cannot be stdout for {kind} exporter")
        if Path(text).exists() and not Path(text).is_dir():
            raise UsageError(f"destination directory {text} is a file")
    elif text in ("", "-"):
        return Path("-")
    elif Path(text).is_dir():
        raise UsageError(f"destination file {text} is a directory")
    return Path(text).absolute()


def caches(text: str) -> list[CacheExchange]:
    """A `--cache-from` or `--cache-to`: `type=…,…`, or names of images for the type `registry`.

    Raises:
        UsageError: a field that is no NAME=VALUE, or no type.
    """
    given = fields(text)
    if "=" not in text:
        return [CacheExchange("registry", {"ref": field}) for field in given if field]
    attributes = dict(_attribute(field) for field in given)
    kind = attributes.pop("type", "")
    if not kind:
        raise UsageError(f'type required for "{text}"', hint="Write type=local,… or type=inline.")
    return [CacheExchange(kind, attributes)]
