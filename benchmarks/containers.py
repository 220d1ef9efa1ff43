"""Containers that live, the embedded engine beside dockerd in one run.

    scripts/install dev && .venv/bin/python -m benchmarks.containers [--repeat 5] [--many 200]

Ours is timed as people have it: `%docker …` in an IPython that is warm. Docker is timed by its CLI.
Both run busybox on the host's network; ours also publishes its port. Needs root and Debian's
docker.io and busybox-static.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.side_by_side import Docker, Notebook, compare, heading, verdict
from tests.fixtures.busybox import busybox_tar
from tests.fixtures.dockerd import running_dockerd
from tests.fixtures.registry import free_port

IMAGE = "bench/busybox:1"
FOREVER = ("sleep", "1000000")
LINES = 500_000
WRITE = f"i=0; while [ $i -lt 100 ]; do head -n {LINES // 100} /lines; i=$((i+1)); done"
PAGE = "/index.html"
SHIM_MEBIBYTES = 25


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--many", type=int, default=200, help="containers for ps")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-bench-"))
    os.environ["CONTAINER_MAGICS_ROOT"] = str(folder / "store")
    os.environ["DOCKER_CONTEXT"] = "embedded"
    os.environ.pop("DOCKER_HOST", None)
    try:
        (folder / "docker").mkdir()
        with running_dockerd(folder / "docker") as socket, both(folder, Docker(socket)) as pair:
            heading()
            results = [
                first_byte(*pair, options.repeat),
                executed(*pair, options.repeat),
                *logged(*pair, options.repeat),
                listed(*pair, options.repeat, options.many),
                resident(pair[0], socket),
            ]
        return 0 if all(results) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def both(folder: Path, docker: Docker) -> Iterator[tuple[Notebook, Docker]]:
    """A notebook and dockerd, which have the image; no container of either is left."""
    lines = "".join(f"{n:07} the quick brown fox jumps over the lazy dog\n" for n in range(5000))
    (folder / "lines").write_text(lines)
    (folder / "index.html").write_text("hello\n")
    (folder / "busybox.tar").write_bytes(busybox_tar())
    notebook = Notebook()
    notebook.cell(f"%docker import {folder / 'busybox.tar'} busybox:1")
    dockerfile = "FROM busybox:1\nCOPY lines index.html /\n"
    (folder / ".dockerignore").write_text("*\n!lines\n!index.html\n")
    notebook.cell(f"%%dockerfile -t {IMAGE} {folder}\n{dockerfile}")
    notebook.cell(f"%docker save -o {folder / 'image.tar'} {IMAGE}")
    docker("load", "-i", str(folder / "image.tar"))
    try:
        yield notebook, docker
    finally:
        from container_magics.engines.embedded.engine import EmbeddedEngine

        engine = EmbeddedEngine()
        for container in engine.containers(every=True):
            engine.remove_container(container.id, force=True)
        engine.close()


def first_byte(notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """A web server is created, started, and has answered."""
    ports: list[int] = []

    def prepare() -> None:
        ports[:] = [free_port(), free_port()]

    def ours() -> None:
        notebook.cell(f"%docker run -d --name web -p {ports[0]}:80 {IMAGE} httpd -f -p 80 -h /")
        ask(ports[0])

    def theirs() -> None:
        words = ("httpd", "-f", "-p", str(ports[1]), "-h", "/")
        docker("run", "-d", "--name", "web", "--network", "host", IMAGE, *words)
        ask(ports[1])

    def clear() -> None:
        notebook.cell("%docker rm -f web")
        docker("rm", "-f", "web")

    return compare("run -d, first byte of HTTP", 0.5, repeat, ours, theirs, prepare, clear)


def ask(port: int) -> None:
    """Wait for a server's first answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            opener.open(f"http://127.0.0.1:{port}{PAGE}", timeout=10).read(1)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.001)
        else:
            return
    raise TimeoutError(f"nothing answers at port {port}")


def executed(notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """One more command in a container that runs."""
    with running(notebook, docker):
        return compare(
            "exec true",
            0.3,
            repeat,
            lambda: notebook.cell("%docker exec alive true"),
            lambda: docker("exec", "alive", "true"),
        )


@contextmanager
def running(notebook: Notebook, docker: Docker) -> Iterator[None]:
    """A container `alive` on both."""
    notebook.cell(f"%docker run -d --name alive {IMAGE} {' '.join(FOREVER)}")
    docker("run", "-d", "--name", "alive", "--network", "host", IMAGE, *FOREVER)
    yield
    notebook.cell("%docker rm -f alive")
    docker("rm", "-f", "alive")


def logged(notebook: Notebook, docker: Docker, repeat: int) -> list[bool]:
    """Half a million lines, 26 MB: written by a container, and read back."""
    run = ("run", "-d", "--name", "talks", "--network", "host", IMAGE, "sh", "-c")

    def ours() -> None:
        notebook.cell(f"%docker {' '.join(run)} '{WRITE}'")
        notebook.cell("%docker wait talks")

    def theirs() -> None:
        docker(*run, WRITE)
        docker("wait", "talks")

    def clear() -> None:
        notebook.cell("%docker rm -f talks")
        docker("rm", "-f", "talks")

    written = compare(f"{LINES} lines into the log", 1.0, repeat, ours, theirs, clear=clear)
    ours()
    theirs()
    read = compare(
        "logs: read them back",
        1.0,
        repeat,
        lambda: notebook.cell("%docker logs talks"),
        lambda: docker("logs", "talks"),
    )
    clear()
    return [written, read]


def listed(notebook: Notebook, docker: Docker, repeat: int, many: int) -> bool:
    """`ps` of many that run."""
    names = [f"many{n}" for n in range(many)]
    for name in names:
        notebook.cell(f"%docker run -d --name {name} {IMAGE} {' '.join(FOREVER)}")
        docker("run", "-d", "--name", name, "--network", "host", IMAGE, *FOREVER)
    met = compare(
        f"ps, {many} containers",
        0.5,
        repeat,
        lambda: notebook.cell("%docker ps"),
        lambda: docker("ps"),
    )
    for engine in (lambda *words: notebook.cell(f"%docker {' '.join(words)}"), docker):
        clear_all(engine, names)
    return met


def clear_all(engine: Callable[..., None], names: list[str]) -> None:
    engine("rm", "-f", *names)


def resident(notebook: Notebook, socket: Path) -> bool:
    """Memory of what stands between a container and its engine."""
    docker = Docker(socket)
    with running(notebook, docker):
        ours = max(map(resident_mebibytes, processes("container_magics", "launcher")))
        theirs = max(map(resident_mebibytes, processes("containerd-shim-runc-v2")))
    met = ours <= SHIM_MEBIBYTES
    print(
        f"{'a shim, MiB resident':<38} {ours:>24.1f} {theirs:>24.1f} "
        f"{ours / theirs:7.3f}  <= {SHIM_MEBIBYTES} MiB {verdict(met)}"
    )
    return met


def processes(*words: str) -> list[Path]:
    """Those whose command line has all of some words."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words):
            found.append(process)
    return found


def resident_mebibytes(process: Path) -> float:
    """What a process has in memory, shared pages too."""
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
