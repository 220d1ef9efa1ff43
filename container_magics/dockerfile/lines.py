"""From the text to logical lines: parser directives, comments, continuations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import DockerfileError
from .words import SPACES

__all__ = ["LineReader", "LogicalLine"]

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_DIRECTIVES = ("syntax", "escape", "check")
_CONTINUATION = {
    escape: re.compile(rf"(?:(?<=[^{re.escape(escape)}])|^){re.escape(escape)}[ \t]*\Z")
    for escape in ("\\", "`")
}


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """One instruction's line, continuations joined.

    Attributes:
        line: 1-based line on which it starts.
        end_line: line on which it ends.
        text: as BuildKit joins it: nothing between the lines, their indentation kept.
        shown: for people: one blank in place of the white space at each join.
        written: its first line as written.
        has_empty_line: an empty line stands between continuation lines.
    """

    line: int
    end_line: int
    text: str
    shown: str
    written: str
    has_empty_line: bool


class LineReader:
    """Reads a Dockerfile's text line by line.

    Attributes:
        escape: the escape character, a backslash or a backtick.
        syntax: the `syntax` directive's value, or "".
        check: the `check` directive's value, or "".
    """

    def __init__(self, text: str, escape: str = "\\") -> None:
        lines = text.removeprefix("\ufeff").split("\n")
        self._lines = [f"{line}\n" for line in lines[:-1]] + [line for line in lines[-1:] if line]
        self._at = 0
        self.escape = escape
        self.syntax = ""
        self.check = ""
        self._read_directives()

    def next(self) -> LogicalLine | None:
        """The next logical line, or None at the end."""
        while self._at < len(self._lines):
            written = self._lines[self._at].rstrip("\r\n")
            first = written.lstrip(SPACES)
            self._at += 1
            if first and not first.startswith("#"):
                return self._join(first, written)
        return None

    def heredoc_body(self, name: str, *, chomp: bool) -> tuple[str, int]:
        """The lines up to the one that is `name`, and that one's number.

        Raises:
            DockerfileError: no such line follows.
        """
        start = self._at
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r\n")
            self._at += 1
            if (line.lstrip("\t") if chomp else line) == name:
                return "".join(self._lines[start : self._at - 1]), self._at
        raise DockerfileError(
            "unterminated heredoc", hint=f"A line with nothing but {name} must end it."
        )

    def _read_directives(self) -> None:
        seen = set()
        for number, line in enumerate(self._lines, 1):
            match = _DIRECTIVE.fullmatch(line.rstrip("\r\n").lstrip(SPACES))
            if not match or (name := match[1].lower()) not in _DIRECTIVES:
                return
            if name in seen:
                raise DockerfileError(
                    f"only one {name} parser directive can be used",
                    line=number,
                    text=line.rstrip("\r\n"),
                )
            seen.add(name)
            if name == "syntax":
                self.syntax = match[2]
            elif name == "check":
                self.check = match[2]
            elif name == "escape":
                if match[2] not in _CONTINUATION:
                    raise DockerfileError(
                        f"invalid escape token '{match[2]}' does not match ` or \\",
                        line=number,
                        text=line.rstrip("\r\n"),
                    )
                self.escape = match[2]

    def _join(self, first: str, written: str) -> LogicalLine:
        start = self._at
        continuation = _CONTINUATION[self.escape]
        part, continues = continuation.subn("", first)
        parts = [part]
        has_empty_line = False
        while continues and self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r\n")
            self._at += 1
            content = line.lstrip(SPACES)
            if content.startswith("#"):
                continue
            if not content:
                has_empty_line = True
                continue
            part, continues = continuation.subn("", line)
            parts.append(part)
        return LogicalLine(
            line=start,
            end_line=self._at,
            text="".join(parts),
            shown=_shown(parts),
            written=written,
            has_empty_line=has_empty_line,
        )


def _shown(parts: list[str]) -> str:
    joined = parts[0]
    for part in parts[1:]:
        left, right = joined.rstrip(SPACES), part.lstrip(SPACES)
        apart = left != joined or right != part
        joined = f"{left} {right}" if apart else left + right
    return joined.strip(SPACES)
