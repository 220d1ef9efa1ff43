"""The `# check=` directive: which rules count, and whether a broken one fails the build."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import DockerfileError
from .rules import EXPERIMENTAL

__all__ = ["CheckOptions"]

_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What `skip=…;error=…;experimental=…` asks for.

    Attributes:
        skipped: names of rules; `all` is every one.
        experimental: names of experimental rules to use; `all` is every one.
        error: whether a broken rule fails the build.
    """

    skipped: frozenset[str] = frozenset()
    experimental: frozenset[str] = frozenset()
    error: bool = False

    @classmethod
    def parse(cls, text: str) -> CheckOptions:
        """Read a directive's value, or that of the build argument BUILDKIT_DOCKERFILE_CHECK.

        Raises:
            DockerfileError: in BuildKit's words, without a line.
        """
        names: dict[str, frozenset[str]] = {}
        error = False
        for part in text.split(";") if text.strip() else ():
            key, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or key not in ("skip", "experimental", "error"):
                raise DockerfileError(
                    f'invalid check option "{key}"',
                    hint="Write # check=skip=RuleName,RuleName;error=true.",
                )
            if key != "error":
                names[key] = frozenset(name.strip() for name in value.split(","))
            elif value.lower() in (*_TRUE, *_FALSE):
                error = value.lower() in _TRUE
            else:
                raise DockerfileError(f'failed to parse check option "{part.strip()}"')
        return cls(names.get("skip", frozenset()), names.get("experimental", frozenset()), error)

    def counts(self, rule: str) -> bool:
        """Whether a rule is to be used."""
        if {"all", rule} & self.skipped:
            return False
        return rule not in EXPERIMENTAL or bool({"all", rule} & self.experimental)
