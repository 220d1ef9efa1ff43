"""A table of typed values that prints as docker prints, and is an HTML table in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .html import MONO, NO_MATH, RULE, escape
from .text import visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Column", "Table"]

_MIN_WIDTH = 10
_GUTTER = 3
_UNBROKEN = 24


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: the value's key in a row, and the column's name in `Table.frame()`.
        heading: as docker prints it.
        text: a value as docker prints it.
        numeric: whether HTML aligns it right.
        limit: most characters of a cell; longer ones are cut.
        html: a value as HTML, where that is more than its text.
    """

    key: str
    heading: str
    text: Callable[[Any], str] = str
    numeric: bool = False
    limit: int = 300
    html: Callable[[Any], str] | None = None


class Table:
    """Rows of values, shown in docker's layout.

    Args:
        columns: from left to right.
        rows: newest first, as docker lists things; a row has a value for each column's key.
        heading: whether the text has a line of headings (`-q` has none).
        least_width: characters that a column of the text has at least, its gutter among them.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Mapping[str, Any]],
        *,
        heading: bool = True,
        least_width: int = _MIN_WIDTH,
    ) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(rows)
        self._heading = heading
        self._least_width = least_width

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        return self.rows[index]

    def frame(self) -> pd.DataFrame:
        """The values as a pandas data frame: bytes as int, times as datetime."""
        import pandas as pd

        keys = [column.key for column in self.columns]
        values = [{key: row[key] for key in keys} for row in self.rows]
        frame: pd.DataFrame = pd.DataFrame(values, columns=keys)
        return frame

    def _cells(self) -> list[list[str]]:
        return [[column.text(row[column.key]) for column in self.columns] for row in self.rows]

    def __str__(self) -> str:
        """Text as Go's tabwriter lays it out for docker: columns with gutters of 3."""
        lines = [
            [visible(cell, column.limit) for cell, column in zip(cells, self.columns, strict=True)]
            for cells in self._cells()
        ]
        if self._heading:
            lines.insert(0, [column.heading for column in self.columns])
        widths = [
            max(self._least_width, _GUTTER + max((len(line[at]) for line in lines), default=0))
            for at in range(len(self.columns) - 1)
        ]
        return "\n".join(
            "".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True))
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = f"padding:3px 12px 3px 0;border:0;border-bottom:1px solid {RULE};vertical-align:top"
        sides = ["right" if column.numeric else "left" for column in self.columns]
        head = "".join(
            f'<th scope="col" style="{cell};text-align:{side};font-weight:600;white-space:nowrap">'
            f"{escape(column.heading)}</th>"
            for column, side in zip(self.columns, sides, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="{cell};text-align:{side};{MONO};{_wrap(text)}">'
                f"{column.html(row[column.key]) if column.html else escape(text, column.limit)}"
                "</td>"
                for text, side, column in zip(texts, sides, self.columns, strict=True)
            )
            + "</tr>"
            for row, texts in zip(self.rows, self._cells(), strict=True)
        )
        return (
            f'<table {NO_MATH} style="margin:4px 0;border-collapse:collapse;border:0;'
            'font-size:12px">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _wrap(text: str) -> str:
    """Short cells stay whole, long ones break anywhere, so that a table fits its page."""
    return "white-space:nowrap" if len(text) <= _UNBROKEN else "overflow-wrap:anywhere"
