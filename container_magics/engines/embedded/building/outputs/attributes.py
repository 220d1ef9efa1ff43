"""What is written after a type: the attributes of `--output`, `--cache-from` and `--cache-to`.

They are read as BuildKit reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .....errors import UnsupportedError, UsageError
from .....oci.compressor import GZIP_LEVELS, ZSTD_LEVELS

__all__ = ["TRUE", "Attributes", "Compression"]

TRUE = ("1", "t", "T", "TRUE", "true", "True")
"""What Go's ParseBool takes for true."""

_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_KINDS = {"gzip": "gzip", "zstd": "zstd", "uncompressed": ""}


@dataclass(frozen=True, slots=True)
class Compression:
    """How layers are compressed: `gzip`, `zstd` or "", and the level or None for a fast one."""

    kind: str
    level: int | None = None


class Attributes:
    """The attributes of one flag; each is to be asked for before `finish`.

    Args:
        flag: what they belong to, such as `--output type=oci`.
        given: names and values as written.
    """

    def __init__(self, flag: str, given: Mapping[str, str]) -> None:
        self._flag = flag
        self._left = dict(given)

    def text(self, name: str, default: str = "") -> str:
        """An attribute; an empty one stands for the default."""
        return self._left.pop(name, "") or default

    def switch(self, name: str, *, default: bool) -> bool:
        """A truth value, as Go's ParseBool reads it; an empty one stands for the default.

        Raises:
            UsageError: it is none.
        """
        text = self._left.pop(name, "")
        if text in TRUE or text in _FALSE:
            return text in TRUE
        if text:
            raise UsageError(f"non-bool value {text} specified for {name}")
        return default

    def compression(self) -> Compression:
        """What `compression` and `compression-level` say.

        Raises:
            UsageError: no such compression or level.
            UnsupportedError: eStargz.
        """
        name = self._left.pop("compression", "") or "gzip"
        if name == "estargz":
            raise UnsupportedError(
                f"{self._flag},compression=estargz is not available on the embedded engine",
                hint="gzip, zstd and uncompressed are.",
            )
        if name not in _KINDS:
            raise UsageError(f"unsupported compression type {name}", hint="It is gzip or zstd.")
        self.switch("force-compression", default=True)
        text = self._left.pop("compression-level", "")
        if not text:
            return Compression(_KINDS[name])
        levels = ZSTD_LEVELS if name == "zstd" else GZIP_LEVELS
        if not (text.isascii() and text.isdecimal()):
            raise UsageError(f"non-integer value {text} specified for compression-level")
        if int(text) not in levels:
            raise UsageError(
                f"{name}: invalid compression level: {text}",
                hint=f"It is {levels[0]} to {levels[-1]}.",
            )
        return Compression(_KINDS[name], int(text))

    def finish(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            UnsupportedError: an attribute that means nothing here.
        """
        for name in self._left:
            raise UnsupportedError(f"{self._flag}: {name} is not available on the embedded engine")
