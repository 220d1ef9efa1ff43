"""A step's downloads as HTML: lines with bars while they go on, a list afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from ..html import BLUE, FAINT, MONO, RULE, escape, span
from ..units import human_size
from .downloads import Download
from .log_html import PRE

__all__ = ["bar", "listed_downloads_html", "live_downloads_html"]

_LIVE = 8
_LISTED = 50


def live_downloads_html(downloads: Iterable[Download], now: float) -> str:
    """Those that go on: bytes of how many, a bar, bytes a second."""
    active = [download for download in _moved(downloads) if not download.done]
    lines = [_line(download, now) for download in active[:_LIVE]]
    if len(active) > _LIVE:
        lines.append(f'<div style="{FAINT}">and {len(active) - _LIVE} more</div>')
    return "".join(lines)


def listed_downloads_html(downloads: Iterable[Download], now: float) -> str:
    """All of them, with their bytes and the average rate of each."""
    moved = _moved(downloads)
    lines = [
        "  ".join([escape(_name(d), 80), human_size(d.current), _rate(d, now)]).rstrip()
        for d in moved[:_LISTED]
    ]
    if len(moved) > _LISTED:
        lines.append(f"and {len(moved) - _LISTED} more")
    text = "\n".join(lines)
    return f'<pre style="{PRE}">{text}</pre>' if lines else ""


def bar(current: int, total: int) -> str:
    """A bar filled to `current` of `total`, 12 em wide; empty where the total is unknown."""
    share = min(100, round(100 * current / total)) if total > 0 else 0
    return (
        f'<span title="{share}%" style="display:inline-block;flex:0 0 auto;width:12em;height:7px;'
        f'border:1px solid {RULE};border-radius:4px;overflow:hidden">'
        f'<span style="display:block;width:{share}%;height:7px;background:{BLUE}"></span></span>'
    )


def _moved(downloads: Iterable[Download]) -> list[Download]:
    return [download for download in downloads if download.current or download.total]


def _name(download: Download) -> str:
    return download.id.removesuffix(" Downloading") if download.done else download.id


def _line(download: Download, now: float) -> str:
    known = human_size(download.current)
    share = ""
    if download.total:
        known += f" / {human_size(download.total)}"
        share = f"{min(100, 100 * download.current // download.total)}%"
    number = f"{FAINT};white-space:nowrap;text-align:right"
    return (
        '<div style="display:flex;align-items:center;gap:0.8em">'
        + span(escape(download.id, 24), f"{MONO};font-size:12px;flex:0 0 auto;min-width:15em")
        + " "
        + bar(download.current, download.total)
        + " "
        + span(share, f"{number};min-width:2.6em")
        + " "
        + span(known, f"{number};min-width:9.5em")
        + " "
        + span(_rate(download, now), f"{number};min-width:6em")
        + "</div>"
    )


def _rate(download: Download, now: float) -> str:
    rate = download.rate(now)
    return f"{human_size(rate)}/s" if rate else ""
