"""The static form of a table of containers, as it was at one moment."""

from __future__ import annotations

from datetime import datetime

from ..html import FAINT, escape
from ..table import Table

__all__ = ["container_table_html"]


def container_table_html(title: str, table: Table, moment: datetime) -> str:
    """A title, the table, and when that was."""
    said = f"as of {moment.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    rows = table._repr_html_() if len(table) else f'<div style="{FAINT}">no containers</div>'
    return (
        f'<div style="font-weight:600;font-size:14px">{escape(title)}</div>{rows}'
        f'<div style="{FAINT};font-size:12px">{escape(said)}</div>'
    )
