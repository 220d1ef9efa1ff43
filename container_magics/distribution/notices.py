"""What registries say beside their answers, for people: `Warning` headers.

After "Warnings" of the OCI distribution specification 1.1: `299 - "text"`, 4096 bytes at most.
"""

from __future__ import annotations

import re
import threading

__all__ = ["Notices"]

_MAX_HEADER = 4096
_MAX_TEXT = 300
_MAX_KEPT = 100
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


class Notices:
    """Collects them, each once. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: set[str] = set()
        self._news: list[str] = []

    def hear(self, host: str, header: str) -> None:
        """Take what a `Warning` header of a host says; what is not of the form says nothing."""
        for quoted in _WARNING.findall(header[:_MAX_HEADER]):
            text = re.sub(r"\\(.)", r"\1", quoted)
            printable = "".join(char if char.isprintable() else " " for char in text)
            said = f"{host}: {' '.join(printable.split())[:_MAX_TEXT]}"
            with self._lock:
                if said not in self._heard and len(self._heard) < _MAX_KEPT:
                    self._heard.add(said)
                    self._news.append(said)

    def take(self) -> list[str]:
        """Those that were not taken yet, with their hosts."""
        with self._lock:
            news, self._news = self._news, []
        return news
