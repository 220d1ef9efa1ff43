"""Labels as flags set them, and filters ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...errors import UsageError

__all__ = ["has_label", "label_text", "labels"]


def labels(texts: Iterable[str]) -> dict[str, str]:
    """The values of `--label NAME[=VALUE]`.

    Raises:
        UsageError: one has no name.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if not name:
            raise UsageError(f"invalid label '{text}': empty name")
        found[name] = value
    return found


def has_label(owned: Mapping[str, str], wanted: str) -> bool:
    """Whether a filter `label=NAME[=VALUE]` picks what has these labels."""
    name, equals, value = wanted.partition("=")
    return name in owned and (not equals or owned[name] == value)


def label_text(owned: Mapping[str, str]) -> str:
    """Labels as docker lists them: `a=1,b=2`."""
    return ",".join(f"{name}={value}" for name, value in sorted(owned.items()))
