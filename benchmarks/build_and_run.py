"""The embedded engine beside dockerd, in one run: build cached, edited, uncached; run `true`.

    scripts/install dev && .venv/bin/python -m benchmarks.build_and_run [--repeat 5]

Ours is timed as people have it: `%%dockerfile` and `%docker run` in an IPython that is warm. Docker
is timed by its CLI, which is how people run it there. Both build on the same image, the lab's
Debian base, carried over with save and load. Needs root, Debian's docker.io, and apt's archives.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.dockerd import running_dockerd

BASE = "bench/base:1"
DOCKERFILE = f"""FROM {BASE}
WORKDIR /srv/app
RUN echo made > made.txt
COPY app.txt .
CMD ["cat", "app.txt"]
"""
DOCKER = "/usr/bin/docker"


class Notebook:
    """A warm IPython with the extension loaded, its output thrown away."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell

        self._shell = InteractiveShell.instance()
        self._shell.run_line_magic("load_ext", "container_magics")

    def cell(self, source: str) -> None:
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
        subprocess.run(
            [DOCKER, *words], env=self._environment, check=True, capture_output=True, input=stdin
        )


def timed(action: Callable[[], None]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def compare(
    title: str, target: float, repeat: int, ours: Callable[[], None], theirs: Callable[[], None],
    prepare: Callable[[], None] = lambda: None,
) -> bool:  # fmt: skip
    """Alternate both, print medians, spreads and the ratio; whether the target is met."""
    mine, peer = [], []
    for _ in range(repeat):
        prepare()
        mine.append(timed(ours))
        peer.append(timed(theirs))
    ratio = statistics.median(mine) / statistics.median(peer)
    met = ratio <= target
    print(
        f"{title:<34} {_spread(mine):>24} {_spread(peer):>24} {ratio:7.3f}  "
        f"<= {target:<5} {'met' if met else 'MISSED'}",
        flush=True,
    )
    return met


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.4f} ({min(seconds):.4f}-{max(seconds):.4f})"


def load_time() -> float:
    """Seconds of `%load_ext container_magics` in a fresh IPython."""
    code = (
        "import time; from IPython.core.interactiveshell import InteractiveShell as S;"
        "s = S.instance();"
        "t = time.perf_counter(); s.run_line_magic('load_ext', 'container_magics');"
        "print(time.perf_counter() - t)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--store", type=Path, help="keep the embedded store here (else temporary)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-bench-"))
    os.environ["CONTAINER_MAGICS_ROOT"] = str(options.store or folder / "store")
    os.environ["DOCKER_CONTEXT"] = "embedded"
    os.environ.pop("DOCKER_HOST", None)
    try:
        (folder / "docker").mkdir()
        with running_dockerd(folder / "docker") as socket:
            return _run(folder, Docker(socket), options.repeat)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, docker: Docker, repeat: int) -> int:
    from container_magics.engines.embedded.engine import EmbeddedEngine
    from container_magics.lab.prepare import prepare

    engine = EmbeddedEngine()
    (base,) = prepare(engine, ["ubuntu:bionic"])
    engine.tag(base.name, BASE)
    archive = folder / "base.tar"
    with archive.open("wb") as target:
        engine.save([BASE], target)
    engine.close()
    docker("load", "-i", str(archive))

    context = folder / "context"
    context.mkdir()
    counter = iter(range(1_000_000))

    def edit() -> None:
        (context / "app.txt").write_text(f"hello {next(counter)}\n")

    edit()
    notebook = Notebook()

    def ours(*flags: str) -> Callable[[], None]:
        line = " ".join(["%%dockerfile", "-t bench/app", *flags, str(context)])
        return lambda: notebook.cell(f"{line}\n{DOCKERFILE}")

    def theirs(*flags: str) -> Callable[[], None]:
        words = ("build", "-t", "bench/app", *flags, "-f", "-", str(context))
        return lambda: docker(*words, stdin=DOCKERFILE.encode())

    ours()()
    theirs()()
    heading = "seconds: median (min-max)"
    print(f"{heading:<34} {'container-magics':>24} {'docker':>24}   ratio")
    results = [
        compare("build, everything cached", 0.2, repeat, ours(), theirs()),
        compare("build, one copied file edited", 0.5, repeat, ours(), theirs(), edit),
        compare("build, nothing cached", 0.5, repeat, ours("--no-cache"), theirs("--no-cache")),
        compare(
            "run --rm --network host … true", 0.1, repeat,
            lambda: notebook.cell(f"%docker run --rm --network host {BASE} true"),
            lambda: docker("run", "--rm", "--network", "host", BASE, "true"),
        ),
    ]  # fmt: skip
    loads = [load_time() for _ in range(repeat)]
    met = statistics.median(loads) <= 0.25
    verdict = "met" if met else "MISSED"
    print(f"{'%load_ext container_magics':<34} {_spread(loads):>24} {'':32}  <= 0.25s {verdict}")
    return 0 if all([*results, met]) else 1


if __name__ == "__main__":
    sys.exit(main())
