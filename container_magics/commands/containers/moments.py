"""Points in time as docker's flags write them (`GetTimestamp` of its `api/types/time`)."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from ...errors import UsageError

__all__ = ["duration", "moment"]

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"([+-]?)((?:{_PART.pattern})+)")
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?)?(Z|z|[+-]\d\d:\d\d)?"
)
_SECONDS = re.compile(r"-?\d+(\.\d+)?")


def duration(text: str) -> float | None:
    """Seconds of a length of time as Go writes it, such as `1m30s`; None where it is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(match[2]))
    return -total if match[1] == "-" else total


def moment(text: str, flag: str, now: float) -> float:
    """Seconds since the epoch: so long before now, a date of RFC 3339 or its beginning, or seconds.

    A date without a time zone is local.

    Args:
        text: such as `10m`, `2024-01-02T15:04:05Z`, `2024-01-02` or `1704207845.5`.
        flag: its name, for the message.
        now: what a length of time is counted back from.

    Raises:
        UsageError: it is none of these.
    """
    length = duration(text)
    if length is not None:
        return now - length
    if _SECONDS.fullmatch(text):
        return float(text)
    match = _DATE.fullmatch(text)
    if match is not None:
        day, hour, minute, second, fraction, zone = match.groups()
        written = f"{day}T{hour or '00'}:{minute or '00'}:{second or '00'}"
        try:
            date = datetime.fromisoformat(written + (zone or "").upper().replace("Z", "+00:00"))
        except ValueError:
            raise _unreadable(text, flag) from None
        aware = date if zone else date.astimezone()
        return aware.astimezone(timezone.utc).timestamp() + float(fraction or 0)
    raise _unreadable(text, flag)


def _unreadable(text: str, flag: str) -> UsageError:
    return UsageError(
        f'invalid value for "{flag}": failed to parse value as time or duration: "{text}"',
        hint="Write it like 10m, 2024-01-02T15:04:05Z or 1704207845.",
    )
