"""What commands return, beside tables: values that print as docker prints."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import RunError
from ..views.table import Table
from ..views.text import visible
from ..views.widget import LiveView

__all__ = ["SHOWN", "Document", "Lines", "Record", "RunOutput"]

_LONGEST_LINE = 100_000
_UNUSUAL = re.compile(r"[^\n -~]")
_JOINERS = "\u200c\u200d"


class _Printer(Protocol):
    def text(self, text: str) -> None: ...


def _safe(text: str) -> str:
    """Untrusted text with its line feeds and tabs, and nothing else that steers a terminal."""
    return "\n".join(
        "\t".join(visible(cell, _LONGEST_LINE) for cell in line.split("\t"))
        for line in text.split("\n")
    )


def _readable(match: re.Match[str]) -> str:
    """A character of a JSON text, or its escape where it would steer a terminal or hide."""
    character = match[0]
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return json.dumps(character)[1:-1]


class Lines(list[str]):
    """Lines of text, such as the IDs of `images -q`; a list, so that `{ids}` makes words of it."""

    def __str__(self) -> str:
        return _safe("\n".join(self))

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        printer.text(str(self))


class Document(list[dict[str, Any]]):
    """What `inspect` prints: a list of JSON objects.

    Its text is JSON in which control characters, bidirectional overrides and the like are
    escaped: labels come from images and registries.
    """

    def __str__(self) -> str:
        return _UNUSUAL.sub(_readable, json.dumps(self, indent=4, ensure_ascii=False))

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        printer.text(str(self))


class Record(dict[str, Any]):
    """One JSON object with a text of its own, such as `version` prints.

    Args:
        content: the object.
        text: how it is shown.
    """

    def __init__(self, content: Mapping[str, Any], text: str) -> None:
        super().__init__(content)
        self._text = text

    def __str__(self) -> str:
        return _safe(self._text)

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        printer.text(str(self))


@dataclass(frozen=True, slots=True)
class RunOutput:
    """How a `run` ended; its output was shown while it ran.

    Attributes:
        stdout, stderr: all that the container wrote, decoded as UTF-8, U+FFFD where it is not.
        returncode: as `docker run` exits.
        command: what was asked for: the image and the words after it.
        container: its ID, or "" where it could not start.
    """

    stdout: str = field(repr=False)
    stderr: str = field(repr=False)
    returncode: int
    command: Sequence[str] = field(repr=False, default=())
    container: str = field(repr=False, default="")

    def check(self) -> None:
        """Raise where the command failed.

        Raises:
            RunError: `returncode` is not 0.
        """
        if self.returncode:
            what = " ".join(self.command)
            raise RunError(
                f"{what}: exited with status {self.returncode}", returncode=self.returncode
            )


SHOWN = (Table, Lines, Document, Record, LiveView)
"""Values that a command leaves to its caller to show."""
