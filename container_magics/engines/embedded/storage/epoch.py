"""SOURCE_DATE_EPOCH: the one time that a build which can be repeated dates everything with.

The variable is reproducible-builds.org's. As in BuildKit (build-repro.md), it is the time of the
configuration and of every row of history; and as BuildKit's exporters do with `rewrite-timestamp`,
files of the layers that a build makes are no newer. Layers of base images stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from ....errors import UsageError
from ....oci.entries import Entry
from ...planning import SOURCE_DATE_EPOCH

__all__ = ["Epoch"]

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Epoch:
    """A build's time, in whole seconds since 1970."""

    seconds: int

    @classmethod
    def of(cls, build_args: Mapping[str, str]) -> Epoch | None:
        """The one that build arguments give; None without one, or where it is empty.

        Raises:
            UsageError: it is no number, or no year that a configuration can hold.
        """
        text = build_args.get(SOURCE_DATE_EPOCH, "")
        if not text:
            return None
        try:
            epoch = cls(int(text) if _NUMBER.fullmatch(text) else 1 << 62)
            epoch.text  # noqa: B018 - to see whether it is a date
        except (ValueError, OverflowError, OSError):
            raise UsageError(
                f"invalid {SOURCE_DATE_EPOCH}: {text}",
                hint="It is a number of seconds since 1970, such as `git log -1 --pretty=%ct` has.",
            ) from None
        return epoch

    @property
    def text(self) -> str:
        """It in RFC 3339, UTC, as configurations hold it."""
        moment = datetime.fromtimestamp(self.seconds, timezone.utc)
        return moment.isoformat().replace("+00:00", "Z")

    def clamp(self, entry: Entry) -> Entry:
        """An entry of a layer that the build makes: no newer than this."""
        return entry._replace(mtime=min(entry.mtime, self.seconds))
