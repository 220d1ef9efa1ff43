"""Rows as people ask for them: a table, `--format json`, or a Go template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .results import Lines
from .template import Template

__all__ = ["columns", "formatted"]

_LEAST_WIDTH = 10
_GUTTER = 3


def formatted(
    rows: Sequence[Mapping[str, Any]], form: str, headings: Mapping[str, Any]
) -> Lines | None:
    """Rows in the form of a `--format` value.

    Args:
        rows: by docker's field names, such as `Repository`; a function is a template's method.
        form: the flag's value.
        headings: for `table TEMPLATE`: field to column heading, where it is not the field in
            capitals.

    Returns:
        One text per row (and a heading), or None where the usual table is meant.

    Raises:
        UsageError: the template cannot be read, or names an unknown field.
    """
    kind, _, template = form.partition(" ")
    if form in ("", "table"):
        return None
    if form == "json":
        return Lines(_json(row) for row in rows)
    if kind != "table":
        parsed = Template(form)
        return Lines(parsed.render(row) for row in rows)
    parsed = Template(template.strip())
    named = {field: headings.get(field, field.upper()) for row in rows[:1] for field in row}
    lines = [parsed.render(row) for row in ([named, *rows] if rows else [])]
    if not rows:
        return Lines(["\t".join(headings.get(name, name.upper()) for name in parsed.fields())])
    return Lines(columns([line.split("\t") for line in lines]))


def _json(row: Mapping[str, Any]) -> str:
    content = {name: value for name, value in row.items() if not callable(value)}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def columns(table: Sequence[Sequence[str]]) -> list[str]:
    """Cells in columns of at least 10, three spaces apart, as Go's tabwriter does it for docker."""
    count = max(map(len, table))
    widths = [
        max(_LEAST_WIDTH, _GUTTER + max((len(row[i]) for row in table if i < len(row)), default=0))
        for i in range(count - 1)
    ]
    return [
        "".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=False)).rstrip()
        for row in table
    ]
