"""What a case is: a Dockerfile, its context, its oracle, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .contexts import Item

__all__ = [
    "BUILDKIT",
    "CLASSIC",
    "COMMIT",
    "GIT",
    "ORACLES",
    "REFERENCE",
    "SERVER",
    "Case",
    "Expected",
    "section",
    "stated",
]

BUILDKIT, CLASSIC, REFERENCE = ORACLES = ("buildkit", "classic", "reference")
"""Who says what is right: dockerd's BuildKit, dockerd's classic builder, or the Dockerfile
reference, from whose text the expected image was written."""

SERVER = "http://server"
"""In a Dockerfile: the address of the tests' web server; see `server.py`."""
GIT = "http://git-server"
"""The same of the server of git repositories."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"
"""What stands for the ID of the commit that is tagged `v1` there."""


@dataclass(frozen=True)
class Expected:
    """An image, by how it differs from its base.

    Attributes:
        files: what is there in the end, by path; None where it is gone, with all below. A missing
            directory above is made: 0755, root's.
        config: fields of the configuration, in place of the base's.
        history: `created_by` of each instruction, as BuildKit words it.
        base: name of the base image, or "" for `scratch`.
    """

    files: Mapping[str, Item | None] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    base: str = "busybox:test"


@dataclass(frozen=True)
class Case:
    """One Dockerfile, to be built by us and held against its oracle.

    Attributes:
        name: of the test.
        dockerfile: the text, in which SERVER and GIT stand for the tests' servers.
        context: files by path; a text is a file of mode 0644.
        build_args, target, labels: as in `BuildRequest`.
        options: more of `BuildRequest`, by field.
        secrets: what `--secret` gives, by ID.
        contexts: what `--build-context` gives, by name: files, or an address.
        ignore: what the Dockerfile's own ignore file says, "" where there is none.
        before: Dockerfiles that are built and tagged first: tag, text.
        oracle: one of `ORACLES`.
        expect: what the reference's text makes of it, where that is the oracle.
        error: name of the exception that both must raise, or "".
        status: exit status of the build that fails, where the reference is the oracle.
        words: what the message of both must contain.
        line: of the instruction that fails; 0 where none is named.
        differs: differences that `docs/differences.md` argues: beginnings of their lines.
        why: that argument, in short.
        section: heading of the reference that it walks.
    """

    name: str
    dockerfile: str
    context: Mapping[str, Item] = field(default_factory=dict)
    build_args: Mapping[str, str | None] = field(default_factory=dict)
    target: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    contexts: Mapping[str, Mapping[str, Item] | str] = field(default_factory=dict)
    ignore: str = ""
    before: Mapping[str, str] = field(default_factory=dict)
    oracle: str = BUILDKIT
    expect: Expected | None = None
    error: str = ""
    status: int = 1
    words: str = ""
    line: int = 0
    differs: tuple[str, ...] = ()
    why: str = ""
    section: str = ""

    def at(self, places: Mapping[str, str]) -> Case:
        """The same with the real addresses of the tests' servers in it."""

        def put(text: str) -> str:
            for name, address in places.items():
                text = text.replace(name, address)
            return text

        expect = self.expect and replace(self.expect, history=tuple(map(put, self.expect.history)))
        contexts = {
            name: put(files) if isinstance(files, str) else files
            for name, files in self.contexts.items()
        }
        return replace(self, dockerfile=put(self.dockerfile), contexts=contexts, expect=expect)


def section(heading: str, *cases: Case) -> tuple[Case, ...]:
    """Cases that walk one section of the reference."""
    return tuple(replace(case, section=heading) for case in cases)


def stated(
    name: str,
    dockerfile: str,
    context: Mapping[str, Item],
    files: Mapping[str, Item | None],
    *history: str,
    config: Mapping[str, Any] | None = None,
    base: str = "busybox:test",
    **more: Any,
) -> Case:
    """A case whose image is stated from the reference's text; see `Expected`, `Case`."""
    expect = Expected(files, config or {}, history, base)
    return Case(name, dockerfile, context, oracle=REFERENCE, expect=expect, **more)
