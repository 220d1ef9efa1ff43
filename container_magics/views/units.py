"""Sizes and times as Docker (Go's `docker/go-units`) and BuildKit's display print them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

__all__ = ["ago", "binary_size", "human_duration", "human_size", "seconds"]

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def human_size(size: float, digits: int = 3) -> str:
    """Bytes as Docker prints them: base 1000, such as `9.17MB`.

    It is go-units' `HumanSizeWithPrecision(size, digits)`, down to its `1e+03kB` for 999,900 bytes.
    Docker takes three significant digits in listings, and four for what is reclaimed.
    """
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.{digits}g}{_UNITS[unit]}"


def binary_size(size: float) -> str:
    """Bytes as Docker prints memory (go-units' `BytesSize`): base 1024, such as `1.5MiB`."""
    unit = 0
    while size >= 1024 and unit < len(_BINARY_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.4g}{_BINARY_UNITS[unit]}"


def human_duration(duration: timedelta) -> str:
    """A length of time as go-units' `HumanDuration`: `About a minute`, `5 days`."""
    exact = duration.total_seconds()
    whole = int(exact)
    minutes = int(exact / 60)
    hours = int(exact / 3600 + 0.5)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    if hours == 1:
        return "About an hour"
    if hours < 48:
        return f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{int(exact / 3600) // 24 // 365} years"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, as Docker's CREATED column: `5 days ago`; `N/A` for None.

    Args:
        moment: one without a time zone is taken as UTC.
        now: the present unless given.
    """
    if moment is None:
        return "N/A"
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return f"{human_duration((now or datetime.now(timezone.utc)) - moment)} ago"


def seconds(duration: float) -> str:
    """Seconds with one decimal, as BuildKit's display: `1.6s`."""
    return f"{duration:.1f}s"
