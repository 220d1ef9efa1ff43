"""Health checks as the `--health-…` flags write them."""

from __future__ import annotations

from ...engines.run_request import HealthCheck
from ...errors import UsageError
from ..grammar import Arguments
from ..values import invalid, whole
from .moments import duration

__all__ = ["health_check"]

_SHORTEST = 0.001
_FLAGS = ("health-cmd", "health-interval", "health-timeout", "health-start-period")


def health_check(arguments: Arguments) -> HealthCheck:
    """What the flags change in the image's HEALTHCHECK.

    Raises:
        UsageError: a value that makes no sense, or a check and none at all.
    """
    retries = whole(arguments.one("health-retries") or "0", "--health-retries")
    if arguments.on("no-healthcheck"):
        if retries or any(arguments.one(flag) for flag in _FLAGS):
            raise UsageError("--no-healthcheck conflicts with --health-* options")
        return HealthCheck(("NONE",))
    if retries < 0:
        raise UsageError("--health-retries cannot be negative")
    command = arguments.one("health-cmd")
    return HealthCheck(
        ("CMD-SHELL", command) if command else (),
        _seconds(arguments, "health-interval", "Interval"),
        _seconds(arguments, "health-timeout", "Timeout"),
        _seconds(arguments, "health-start-period", "StartPeriod"),
        retries or None,
    )


def _seconds(arguments: Arguments, flag: str, field: str) -> float | None:
    """A length of time; 0 is what the image says."""
    text = arguments.one(flag)
    if text in ("", "0"):
        return None
    seconds = duration(text)
    if seconds is None:
        missing = text.lstrip("+-").replace(".", "", 1).isdecimal()
        reason = "missing unit in duration" if missing else "invalid duration"
        raise invalid(f"--{flag}", text, f'time: {reason} "{text}"', "Write it like 30s or 1m30s.")
    if seconds < 0:
        raise UsageError(f"--{flag} cannot be negative")
    if 0 < seconds < _SHORTEST:
        raise UsageError(f"{field} in Healthcheck cannot be less than 1ms")
    return seconds or None
