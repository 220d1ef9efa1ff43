"""The values of `--output`, `--cache-from` and `--cache-to`, taken apart as buildx does."""

from __future__ import annotations

from pathlib import Path

from ...engines.build_request import BuildOutput, CacheExchange
from ...errors import UnsupportedError, UsageError
from ..values import fields

__all__ = ["caches", "output"]

_OUTPUTS = ("local", "tar", "oci", "docker", "image", "registry", "cacheonly")


def output(text: str) -> BuildOutput:
    """An `--output`: a directory, `-` for a tar on standard output, or `type=…,dest=…,…`.

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
    if kind == "registry" or attributes.get("push", "false").lower() in ("true", "1", "t"):
        raise UnsupportedError(
            f"docker build --output {text}: pushing is not available in a build",
            hint="`docker push NAME` afterwards does it.",
        )
    return BuildOutput(kind, _destination(kind, destination, attributes), attributes)


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
