"""What the benchmarks share: a warm notebook, dockerd's CLI, and both timed in turn."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["DOCKER", "Docker", "Notebook", "compare", "heading", "spread", "timed", "verdict"]

DOCKER = "/usr/bin/docker"


class Notebook:
    """A warm IPython with the extension loaded, its output thrown away."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell

        self._shell = InteractiveShell.instance()
        self._shell.run_line_magic("load_ext", "container_magics")

    def cell(self, source: str) -> None:
        """Run a cell; what it raises is raised."""
        from IPython.utils.capture import capture_output

        with capture_output():
            result = self._shell.run_cell(source)
        result.raise_error()


class Docker:
    """The docker CLI on a dockerd of this run's own."""

    def __init__(self, socket: Path) -> None:
        engine = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "1"}
        self._environment = {**os.environ, **engine}
        self._environment.pop("DOCKER_CONTEXT", None)

    def __call__(self, *words: str, stdin: bytes | None = None) -> None:
        """Run a command, its output thrown away."""
        subprocess.run(
            [DOCKER, *words], env=self._environment, check=True, capture_output=True, input=stdin
        )


def timed(action: Callable[[], None]) -> float:
    """Seconds that it takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def nothing() -> None:
    """Prepare, or clear, nothing."""


def compare(
    title: str,
    target: float,
    repeat: int,
    ours: Callable[[], None],
    theirs: Callable[[], None],
    prepare: Callable[[], None] = nothing,
    clear: Callable[[], None] = nothing,
) -> bool:
    """Time both in turn, print medians, spreads and the ratio; whether the target is met.

    `prepare` and `clear` go before and after each pair, untimed.
    """
    mine, peer = [], []
    for _ in range(repeat):
        prepare()
        mine.append(timed(ours))
        peer.append(timed(theirs))
        clear()
    ratio = statistics.median(mine) / statistics.median(peer)
    met = ratio <= target
    print(
        f"{title:<38} {spread(mine):>24} {spread(peer):>24} {ratio:7.3f}  "
        f"<= {target:<5} {verdict(met)}",
        flush=True,
    )
    return met


def heading() -> None:
    """Print the titles of what `compare` prints."""
    print(f"{'seconds: median (min-max)':<38} {'container-magics':>24} {'docker':>24}   ratio")


def spread(seconds: list[float]) -> str:
    """The median, and between what the others lie."""
    return f"{statistics.median(seconds):.4f} ({min(seconds):.4f}-{max(seconds):.4f})"


def verdict(met: bool) -> str:
    """Whether a target was met, as a word."""
    return "met" if met else "MISSED"
