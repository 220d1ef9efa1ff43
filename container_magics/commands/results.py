"""What commands return, beside tables: values that print as docker prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import RunError

__all__ = ["Document", "Lines", "Record", "RunOutput"]



class _Printer(Protocol):
    def text(self, text: str) -> None: ...


class Lines(list[str]):
    """Lines of text, such as the IDs of `images -q`; a list, so that `{ids}` makes words of it."""

    def __str__(self) -> str:
        return "\n".join(self)

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        printer.text(str(self))


class Document(list[dict[str, Any]]):
    """What `inspect` prints: a list of JSON objects."""

    def __str__(self) -> str:
        return json.dumps(self, indent=4, ensure_ascii=False)

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
        return self._text

    def _repr_pretty_(self, printer: _Printer, cycle: bool) -> None:
        printer.text(self._text)


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
            raise RunError(f"{what}: exited with status {self.returncode}", returncode=self.returncode)
