"""Pushing, the embedded engine beside dockerd in one run, to a registry on this machine.

    scripts/install dev && .venv/bin/python -m benchmarks.registries [--repeat 3] [--megabytes 880]

The image has the size of the chapter's Go image, and content of its kind: programs, libraries and
sources below this machine's /usr. Ours is timed as people have it: `%docker push` in an IPython
that is warm; docker by its CLI. Each push goes to a registry that is empty. Needs root, Debian's
docker.io and docker-registry.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.side_by_side import Docker, Notebook, compare, heading, verdict
from tests.fixtures.dockerd import running_dockerd
from tests.fixtures.registry import running_registry

IMAGE = "bench/go:1"
FOLDERS = ("/usr/lib", "/usr/share", "/usr/bin", "/usr/include")
BASE_SHARE = 0.15
PEAK_MEBIBYTES = 150


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=880, help="size of the image")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cm-bench-", dir="/var/tmp"))
    os.environ["CONTAINER_MAGICS_ROOT"] = str(folder / "store")
    os.environ["DOCKER_CONTEXT"] = "embedded"
    os.environ["DOCKER_CONFIG"] = str(folder / "config")
    os.environ.pop("DOCKER_HOST", None)
    try:
        (folder / "docker").mkdir()
        with running_dockerd(folder / "docker") as socket:
            docker = Docker(socket)
            notebook = prepared(folder, docker, options.megabytes)
            heading()
            results = [
                pushed(folder, notebook, docker, options.repeat),
                pushed_again(folder, notebook, docker, options.repeat),
                compressed(folder, notebook, docker),
                resident(folder),
            ]
        return 0 if all(results) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepared(folder: Path, docker: Docker, megabytes: int) -> Notebook:
    """A notebook, whose engine and dockerd have the image."""
    context = folder / "context"
    context.mkdir()
    files = below(megabytes * 1_000_000)
    pack(context / "base.tar", files, int(megabytes * 1_000_000 * BASE_SHARE))
    pack(context / "rest.tar", files, int(megabytes * 1_000_000 * (1 - BASE_SHARE)))
    notebook = Notebook()
    dockerfile = "FROM scratch\nADD base.tar /\nADD rest.tar /\n"
    notebook.cell(f"%%dockerfile -t {IMAGE} {context}\n{dockerfile}")
    notebook.cell(f"%docker save -o {folder / 'image.tar'} {IMAGE}")
    docker("load", "-i", str(folder / "image.tar"))
    shutil.rmtree(context)
    (folder / "image.tar").unlink()
    return notebook


def below(limit: int) -> Iterator[Path]:
    """Regular files below this machine's /usr, some of each folder in turn."""
    walks = [iter(sorted(Path(name).rglob("*"))) for name in FOLDERS]
    while walks:
        for walk in list(walks):
            found = 0
            for path in walk:
                if path.is_file() and not path.is_symlink():
                    found += path.stat().st_size
                    yield path
                if found > limit // 50:
                    break
            else:
                walks.remove(walk)


def pack(target: Path, files: Iterator[Path], limit: int) -> None:
    """A tar of the next files, until it has so many bytes."""
    with tarfile.open(target, "w") as archive:
        for path in files:
            archive.add(path)
            if archive.offset > limit:
                return


@contextmanager
def registry(folder: Path, notebook: Notebook, docker: Docker) -> Iterator[tuple[str, str]]:
    """An empty registry; the name of the image there, as ours pushes it and as docker does."""
    with tempfile.TemporaryDirectory(dir=folder) as data, running_registry(Path(data)) as host:
        names = f"{host}/ours/go:1", f"{host}/docker/go:1"
        notebook.cell(f"%docker tag {IMAGE} {names[0]}")
        docker("tag", IMAGE, names[1])
        yield names
        notebook.cell(f"%docker rmi {names[0]}")
        docker("rmi", names[1])


def pushed(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """Everything is sent."""
    names = ["", ""]
    stack = ExitStack()

    def prepare() -> None:
        names[:] = stack.enter_context(registry(folder, notebook, docker))

    return compare(
        "push",
        0.2,
        repeat,
        lambda: notebook.cell(f"%docker push {names[0]}"),
        lambda: docker("push", names[1]),
        prepare,
        stack.close,
    )


def pushed_again(folder: Path, notebook: Notebook, docker: Docker, repeat: int) -> bool:
    """The registry has everything."""
    with registry(folder, notebook, docker) as names:
        notebook.cell(f"%docker push {names[0]}")
        docker("push", names[1])
        return compare(
            "push again",
            0.1,
            max(repeat, 9),
            lambda: notebook.cell(f"%docker push {names[0]}"),
            lambda: docker("push", names[1]),
        )


def compressed(folder: Path, notebook: Notebook, docker: Docker) -> bool:
    """How many bytes are sent."""
    with registry(folder, notebook, docker) as names:
        notebook.cell(f"%docker push {names[0]}")
        docker("push", names[1])
        ours, theirs = map(layer_bytes, names)
    met = ours <= 1.25 * theirs
    print(
        f"{'compressed bytes':<38} {ours:>24,} {theirs:>24,} {ours / theirs:7.3f}  "
        f"<= 1.25  {verdict(met)}",
        flush=True,
    )
    return met


def layer_bytes(name: str) -> int:
    host, _, path = name.partition("/")
    repository, _, tag = path.rpartition(":")
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    request = urllib.request.Request(f"http://{host}/v2/{repository}/manifests/{tag}", None, accept)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=60) as answer:
        return sum(layer["size"] for layer in json.load(answer)["layers"])


def resident(folder: Path) -> bool:
    """The most memory that a process has which pushes: the command in a terminal."""
    with tempfile.TemporaryDirectory(dir=folder) as data, running_registry(Path(data)) as host:
        command = [sys.executable, "-m", "container_magics.cli"]
        name = f"{host}/alone/go:1"
        subprocess.run([*command, "tag", IMAGE, name], check=True, capture_output=True)
        measured = (
            "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", measured, *command, "push", "-q", name],
            check=True,
            capture_output=True,
            text=True,
        )
    mebibytes = int(done.stdout.split()[-1]) / 1024
    met = mebibytes <= PEAK_MEBIBYTES
    print(
        f"{'peak memory of a push, MiB':<38} {mebibytes:>24.1f} {'':>24} {'':7}  "
        f"<= {PEAK_MEBIBYTES}   {verdict(met)}",
        flush=True,
    )
    return met


if __name__ == "__main__":
    sys.exit(main())
