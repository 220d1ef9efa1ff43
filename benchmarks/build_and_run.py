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
from collections.abc import Callable
from pathlib import Path

from benchmarks.side_by_side import Docker, Notebook, compare, heading, spread, verdict
from tests.fixtures.dockerd import running_dockerd

BASE = "bench/base:1"
DOCKERFILE = f"""FROM {BASE}
WORKDIR /srv/app
RUN echo made > made.txt
COPY app.txt .
CMD ["cat", "app.txt"]
"""


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
    heading()
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
    print(
        f"{'%load_ext container_magics':<38} {spread(loads):>24} {'':32}  <= 0.25s {verdict(met)}"
    )
    return 0 if all([*results, met]) else 1


if __name__ == "__main__":
    sys.exit(main())
