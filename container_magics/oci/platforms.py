"""Platforms, and the choice of one from an image index, as containerd and Docker make it.

Follows "image index" in the OCI image specification for the properties, and the `platforms`
package of containerd for aliases (`x86_64`, `aarch64`, `armhf`), default variants and the order in
which older variants stand in for newer ones.
"""

from __future__ import annotations

import platform as _machine
import re
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError

__all__ = ["Platform"]

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_OS_WITH_VERSION = re.compile(r"(?P<os>[A-Za-z0-9_-]+)(?:\((?P<version>[A-Za-z0-9_.-]*)\))?")
_KNOWN_OS = frozenset(
    {
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "illumos",
        "linux",
        "netbsd",
        "openbsd",
        "solaris",
        "windows",
    }
)
_ALIASES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv8l": ("arm", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "armv5l": ("arm", "v5"),
}
_KNOWN_ARCHITECTURES = frozenset(
    {
        "386",
        "amd64",
        "arm",
        "arm64",
        "loong64",
        "mips64",
        "mips64le",
        "ppc64",
        "ppc64le",
        "riscv64",
        "s390x",
        "wasm",
    }
)
_DEFAULT_VARIANTS = {"amd64": "v1", "arm": "v7", "arm64": "v8"}


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on, in the words of the Go toolchain.

    Attributes:
        os: such as `linux`.
        architecture: such as `amd64`, `arm64`, `arm`.
        variant: such as `v7` for arm, or "".
        os_version: only Windows images set it.
    """

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Read `os/architecture[/variant]`; one word may be either, the rest is this machine's.

        Raises:
            UsageError: the text names no platform.
        """
        parts = text.strip().split("/")
        if len(parts) > 3 or not all(parts):
            raise UsageError(
                f'invalid platform "{text}"',
                hint="write os/architecture[/variant], such as linux/amd64 or linux/arm64/v8",
            )
        if len(parts) == 1:
            return cls._parse_word(parts[0])
        os_part = _OS_WITH_VERSION.fullmatch(parts[0])
        if os_part is None or not all(_PART.fullmatch(part) for part in parts[1:]):
            raise UsageError(
                f'invalid platform "{text}"',
                hint="write os/architecture[/variant], such as linux/amd64 or linux/arm64/v8",
            )
        architecture, variant = _canonical(parts[1], parts[2] if len(parts) == 3 else "")
        return cls(_os(os_part["os"]), architecture, variant, os_part["version"] or "")

    @classmethod
    def _parse_word(cls, word: str) -> Platform:
        host = cls.host()
        if _os(word) in _KNOWN_OS:
            return cls(_os(word), host.architecture, host.variant)
        architecture, variant = _canonical(word, "")
        if architecture in _KNOWN_ARCHITECTURES:
            return cls(host.os, architecture, variant)
        raise UsageError(
            f'invalid platform "{word}": unknown operating system or architecture',
            hint="write os/architecture[/variant], such as linux/amd64 or linux/arm64/v8",
        )

    @classmethod
    def host(cls) -> Platform:
        """What containers run on here: this machine's architecture, and always Linux."""
        architecture, variant = _canonical(_machine.machine(), "")
        return cls("linux", architecture, variant)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Platform:
        """Take the `platform` object of a descriptor; missing or odd properties become ""."""
        names = ("os", "architecture", "variant", "os.version")
        return cls(*(text if isinstance(text := value.get(name), str) else "" for name in names))

    def to_json(self) -> dict[str, str]:
        """The `platform` object of a descriptor, without empty properties."""
        optional = {"variant": self.variant, "os.version": self.os_version}
        return {
            "architecture": self.architecture,
            "os": self.os,
            **{name: text for name, text in optional.items() if text},
        }

    def format(self) -> str:
        """`os/architecture[/variant]`."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def __str__(self) -> str:
        return self.format()

    @property
    def is_unknown(self) -> bool:
        """Whether it is `unknown/unknown`, as BuildKit marks attestations in an index."""
        return self.os == "unknown" and self.architecture == "unknown"

    def rank_on(self, host: Platform) -> int | None:
        """How far this platform is from the host's own: 0 is exact, None does not run there."""
        if _os(self.os) != _os(host.os):
            return None
        if host.os_version and self.os_version and self.os_version != host.os_version:
            return None
        key = _with_default(*_canonical(self.architecture, self.variant))
        ladder = _ladder(*_with_default(*_canonical(host.architecture, host.variant)))
        return ladder.index(key) if key in ladder else None


def _os(name: str) -> str:
    return {"macos": "darwin"}.get(name.lower(), name.lower())


def _canonical(architecture: str, variant: str) -> tuple[str, str]:
    architecture, implied = _ALIASES.get(architecture.lower(), (architecture.lower(), ""))
    variant = variant.lower() or implied
    if architecture in {"arm", "arm64"}:
        variant = f"v{variant}" if variant.isdigit() else variant
    return architecture, variant


def _with_default(architecture: str, variant: str) -> tuple[str, str]:
    return architecture, variant or _DEFAULT_VARIANTS.get(architecture, "")


def _ladder(architecture: str, variant: str) -> list[tuple[str, str]]:
    """What runs on an architecture, best first."""
    level = int(variant[1:]) if re.fullmatch(r"v[0-9]{1,2}", variant) else 0
    ladder = [(architecture, variant)]
    if architecture == "amd64":
        ladder += [("amd64", f"v{lower}") for lower in range(level - 1, 0, -1)]
        ladder.append(("386", ""))
    elif architecture == "arm":
        ladder += [("arm", f"v{lower}") for lower in range(level - 1, 4, -1)]
    elif architecture == "arm64":
        ladder += [("arm64", f"v{lower}") for lower in range(level - 1, 7, -1)]
        ladder += _ladder("arm", "v8")
    return ladder
