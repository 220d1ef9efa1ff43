"""A step's output as HTML, within a budget of characters."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from ..html import FAINT, MONO, RULE
from ..terminal_text import LogBuffer

__all__ = ["PRE", "end_log_html", "folded_log_html", "live_log_html", "open_log_html"]

PRE = (
    f"margin:0;padding:2px 0 2px 10px;border:0;border-left:3px solid {RULE};background:transparent;"
    f"{MONO};font-size:12px;line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere"
)
_BUDGET = 60_000
_HEAD_BUDGET = 15_000
_LIVE_LINES = 3
_OPEN_LINES = 20


def live_log_html(log: LogBuffer) -> str:
    """The last few lines, for a step that runs."""
    lines = _escaped(log.last(_LIVE_LINES))
    return f'<pre style="{PRE};{FAINT}">{_joined(lines)}</pre>' if lines else ""


def folded_log_html(log: LogBuffer) -> str:
    """All that is kept, in a box that scrolls, for a step that went well."""
    head, left_out, tail = _within_budget(log)
    return _box([*head, *_gap(log, left_out), *tail])


def end_log_html(log: LogBuffer) -> str:
    """The last lines that are kept, in full view."""
    _, _, tail = _within_budget(log)
    return f'<pre style="{PRE}">{_joined(tail)}</pre>' if tail else ""


def open_log_html(log: LogBuffer) -> str:
    """The last lines in full view, those before them folded, for a step that failed."""
    head, left_out, tail = _within_budget(log)
    if left_out:
        earlier, last = [*head, *_gap(log, left_out), *tail[:-_OPEN_LINES]], tail[-_OPEN_LINES:]
    else:
        lines = head + tail
        earlier, last = lines[:-_OPEN_LINES], lines[-_OPEN_LINES:]
    if not last:
        return ""
    hidden = ""
    if earlier:
        count = len(head) + left_out + len(tail) - len(last)
        hidden = (
            f'<details><summary style="cursor:pointer;{FAINT}">{count:,} earlier lines</summary>'
            f"{_box(earlier)}</details>"
        )
    return f'{hidden}<pre style="{PRE}">{_joined(last)}</pre>'


def _box(lines: Sequence[str]) -> str:
    style = f"{PRE};max-height:30em;overflow:auto"
    return f'<pre style="{style}">{_joined(lines)}</pre>' if lines else ""


def _within_budget(log: LogBuffer) -> tuple[list[str], int, list[str]]:
    head = _escaped(log.head)
    tail = _escaped(log.tail)
    kept_head = head[: _fitting(head, _HEAD_BUDGET)]
    if len(kept_head) < len(head) and not log.left_out:
        head, tail = kept_head, head[len(kept_head) :] + tail
    used = sum(map(len, kept_head))
    kept_tail = tail[len(tail) - _fitting(reversed(tail), _BUDGET - used) :]
    dropped = len(head) - len(kept_head) + len(tail) - len(kept_tail)
    return kept_head, log.left_out + dropped, kept_tail


def _fitting(lines: Iterable[str], budget: int) -> int:
    count = 0
    for line in lines:
        budget -= len(line) + 1
        if budget < 0:
            break
        count += 1
    return count


def _gap(log: LogBuffer, left_out: int) -> list[str]:
    """The line between head and tail; what is only left out here goes to the log's file, too."""
    if not left_out:
        return []
    where = log.whole()
    said = f"{left_out:,} lines left out" + (f"; {where}" if where else "")
    return [f"<i>… {html.escape(said)} …</i>"]


def _escaped(lines: Iterable[str]) -> list[str]:
    return [html.escape(line, quote=False) for line in lines]


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)
